"""SSN's network: a plain U-Net, three 1x1 convolutions, and a head for each part of the normal."""

from collections.abc import Sequence

from torch import Tensor, nn

from atfm.distributions.low_rank_normal import LowRankNormal
from atfm.nn.blocks import conv
from atfm.nn.plain import Decoder, Encoder, Layers
from atfm.nn.precision import in_float32

__all__ = ["SSNNetwork"]


class SSNNetwork(nn.Module):
    """`N(mu, D D^T + diag(exp(l) + floor))` over the logits of all classes (Monteiro et al., 2020).

    Args:
        in_channels: channels of the image.
        classes: of the mask, the background among them, `C'`.
        widths: channels of the levels, finest first.
        layers: how its layers are made.
        convs: convolutions on each level.
        rank: `R` of the factor.
        floor: the smallest variance.
    """

    def __init__(
        self,
        in_channels: int,
        classes: int,
        widths: Sequence[int],
        *,
        layers: Layers,
        convs: int,
        rank: int,
        floor: float,
    ) -> None:
        super().__init__()
        self.dims, self.classes, self.rank, self.floor = layers.dims, classes, rank, floor
        self.encoder = Encoder(layers, in_channels, widths, convs)
        self.decoder = Decoder(layers, widths, convs)
        self.top = layers.stack(widths[0], widths[0], 3, kernel=1)
        self.mean, self.factor, self.logarithm = (
            conv(layers.dims, widths[0], count * classes, kernel=1) for count in (1, rank, 1)
        )

    def forward(self, image: Tensor) -> LowRankNormal:
        """Return one distribution over `[C', *spatial]` for each image `[B, C_in, *spatial]`."""
        return self.distribution(self.top(self.decoder(self.encoder(image))))

    @in_float32
    def distribution(self, features: Tensor) -> LowRankNormal:
        """Return the distribution that features `[B, widths[0], *spatial]` give."""
        factor = self.factor(features).unflatten(1, (self.rank, self.classes))  # [B, R, C', *spatial]
        variance = self.logarithm(features).exp() + self.floor
        return LowRankNormal(self.mean(features), factor, variance, event_dims=1 + self.dims)
