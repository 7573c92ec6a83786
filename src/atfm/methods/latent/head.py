"""`NormalHead`: the distribution of latent variables at every position of a grid."""

from typing import Literal, cast

from torch import Tensor, nn
from torch.nn import functional as F

from atfm.distributions.diagonal_normal import DiagonalNormal
from atfm.nn.blocks import conv
from atfm.nn.precision import in_float32

__all__ = ["NormalHead"]

_FLOOR = 1e-5  # of a softplus, whose logarithm is taken
_LOG = 10.0  # largest logarithm of a deviation: far beyond any use, and its square is finite still


class NormalHead(nn.Module):
    """A 1x1 convolution to `N(mean, deviation^2)`, float32 whatever precision the features have.

    Args:
        dims: spatial dimensions, 2 or 3.
        inputs: channels of the features.
        latents: latent variables at each position.
        scale: of which the second half is a deviation: its logarithm (Kohl et al.), or before a softplus (PHiSeg).
    """

    def __init__(self, dims: int, inputs: int, latents: int, scale: Literal["exp", "softplus"] = "exp") -> None:
        super().__init__()
        self.scale = scale
        self.linear = conv(dims, inputs, 2 * latents, kernel=1)

    @in_float32
    def forward(self, features: Tensor) -> DiagonalNormal:
        """`[N, inputs, *grid]` to a distribution over `[latents, *grid]`, one for each row."""
        mean, raw = cast(Tensor, self.linear(features)).chunk(2, 1)
        return DiagonalNormal(mean, raw.clamp(-_LOG, _LOG).exp() if self.scale == "exp" else F.softplus(raw) + _FLOOR)
