"""The networks of the Probabilistic U-Net: U-Net, prior, posterior, and what joins features and latent variables."""

from collections.abc import Sequence
from typing import cast

from torch import Tensor, nn

from atfm.distributions.diagonal_normal import DiagonalNormal
from atfm.methods.latent.head import NormalHead
from atfm.nn.blocks import conv
from atfm.nn.plain import Decoder, Encoder, Layers

__all__ = ["ProbUNetNetwork"]


class ProbUNetNetwork(nn.Module):
    """A U-Net for the image, one encoder for the prior and one for the posterior (Kohl et al., 2018, figure 1).

    Args:
        layers: how all layers are made.
        in_channels: channels of the image.
        channels: channels of the mask.
        widths: channels of the levels of all three, finest first.
        latents: `L`, latent variables of a mask.
        convs: convolutions on each level.
        combine: layers of 1x1 that join latent variables and features, before the one that gives logits.
    """

    def __init__(
        self,
        layers: Layers,
        in_channels: int,
        channels: int,
        widths: Sequence[int],
        *,
        latents: int = 6,
        convs: int = 3,
        combine: int = 3,
    ) -> None:
        super().__init__()
        self.latents = latents
        self.encoder = Encoder(layers, in_channels, widths, convs)
        self.decoder = Decoder(layers, widths, convs)
        self.prior = _Summary(layers, in_channels, widths, latents, convs)
        self.posterior = _Summary(layers, in_channels + channels, widths, latents, convs)
        self.combine = _Combine(layers, widths[0], latents, channels, combine)

    def features(self, image: Tensor) -> Tensor:
        """Return what the latent variables are joined to, `[B, widths[0], *spatial]`, computed once for an image."""
        return self.combine.read(self.decoder(self.encoder(image)))


class _Summary(nn.Module):
    """An encoder whose coarsest features, averaged over the image, give a distribution over `L` latent variables."""

    def __init__(self, layers: Layers, inputs: int, widths: Sequence[int], latents: int, convs: int) -> None:
        super().__init__()
        self.dims = layers.dims
        self.encoder = Encoder(layers, inputs, widths, convs)
        self.head = NormalHead(layers.dims, widths[-1], latents)

    def forward(self, x: Tensor) -> DiagonalNormal:
        """`[N, inputs, *spatial]` to a distribution over `[L]` for each row."""
        average = self.encoder(x)[-1].mean(tuple(range(2, 2 + self.dims)), keepdim=True)
        grid = self.head(average)
        return DiagonalNormal(grid.mean.flatten(1), grid.deviation.flatten(1))


class _Combine(nn.Module):
    """`f_comb`: latent variables, the same at every pixel, beside the features, and layers of 1x1 (section 2).

    The first layer is the sum of one of the features, computed once for an image, and one of the latent variables.
    Normalised over the image, it would lose the latter, the same everywhere; so group normalisation stays out of here.
    """

    def __init__(self, layers: Layers, width: int, latents: int, channels: int, count: int) -> None:
        super().__init__()
        layers = layers if layers.norm == "batch" else Layers(layers.dims)
        whole = layers.stack(width + latents, width, 1, kernel=1)
        both = cast(Tensor, whole[0].weight).flatten(1)  # [width, width + L]
        self.image = conv(layers.dims, width, width, kernel=1, bias=False)
        own = cast(Tensor, self.image.weight)
        own.data.copy_(both[:, :width].reshape(own.shape))
        self.latent = nn.Linear(latents, width)
        self.latent.weight.data.copy_(both[:, width:])
        nn.init.zeros_(self.latent.bias)
        self.rest = nn.Sequential(*list(whole)[1:], layers.stack(width, width, count - 1, kernel=1))
        self.logits = conv(layers.dims, width, channels, kernel=1)

    def read(self, features: Tensor) -> Tensor:
        return cast(Tensor, self.image(features))

    def forward(self, read: Tensor, z: Tensor) -> Tensor:
        """Return logits `[N, C, *spatial]` for features `[N, width, *spatial]` and latent variables `[N, L]`."""
        latent = self.latent(z)
        latent = latent.reshape(*latent.shape, *[1] * (read.dim() - 2))  # [N, width, 1, 1]
        return cast(Tensor, self.logits(self.rest(read + latent)))
