"""GTR's network: an image in, a distribution over masks of logits out; it never samples."""

from collections.abc import Sequence
from typing import cast

from torch import Tensor, nn
from torch.nn import functional as F

from atfm.distributions.low_rank_normal import LowRankNormal
from atfm.nn.blocks import conv, pixel_shuffle, pixel_unshuffle
from atfm.nn.precision import in_float32
from atfm.nn.unet import UNet

__all__ = ["GTRNetwork"]


class GTRNetwork(nn.Module):
    """Backbone `z = f(image)` and 1x1 heads for `mu(z)`, `D(z)` and `L(z) > 0` (ATFM, eq. 4 and Theorem 1).

    Args:
        in_channels: channels of the image, `C_in`.
        channels: channels of the mask, `C`.
        widths: channels of the backbone's levels, finest first.
        blocks, bottom: residual blocks on each level, and whether a further one lies at the bottom (`UNet`).
        rank: rank `R` of the factor.
        patch: pixels folded into channels on entry and unfolded on exit; 2 costs a quarter of 1.
        dropout: of the backbone's blocks.
        dims: spatial dimensions, 2 or 3.
    """

    floor = 1e-3  # The smallest variance of a logit: far below what changes a probability, far above rounding.

    def __init__(
        self,
        in_channels: int,
        channels: int,
        widths: Sequence[int],
        *,
        blocks: int = 1,
        bottom: bool = True,
        rank: int = 10,
        patch: int = 1,
        dropout: float = 0.0,
        dims: int = 2,
    ) -> None:
        super().__init__()
        self.channels, self.rank, self.patch, self.dims = channels, rank, patch, dims
        cells = patch**dims
        self.stem = conv(dims, in_channels * cells, widths[0])
        self.backbone = UNet(dims, widths, blocks=blocks, bottom=bottom, dropout=dropout)
        self.mean = conv(dims, widths[0], channels * cells, kernel=1)
        self.factor = conv(dims, widths[0], rank * channels * cells, kernel=1)
        self.diagonal = conv(dims, widths[0], channels * cells, kernel=1)
        if channels == 1:  # Most pixels are background: begin there, not at one half.
            nn.init.constant_(cast(Tensor, self.mean.bias), -3.0)

    def features(self, image: Tensor) -> Tensor:
        """Return `z`, `[B, widths[0], *spatial / patch]`, for an image `[B, C_in, *spatial]`."""
        return F.silu(cast(Tensor, self.backbone(self.stem(pixel_unshuffle(image, self.patch)))))

    @in_float32
    def distribution(self, features: Tensor) -> LowRankNormal:
        """Return `N(mu, D D^T + L)` over logits `[C, *spatial]`, one for each image of the batch."""
        mean = pixel_shuffle(self.mean(features), self.patch)  # [B, C, *spatial]
        factor = pixel_shuffle(self.factor(features), self.patch)  # [B, R C, *spatial]
        factor = factor.unflatten(1, (self.rank, self.channels))  # [B, R, C, *spatial]
        diagonal = F.softplus(pixel_shuffle(self.diagonal(features), self.patch)) + self.floor
        return LowRankNormal(mean, factor, diagonal, event_dims=1 + self.dims)

    def forward(self, image: Tensor) -> LowRankNormal:
        return self.distribution(self.features(image))
