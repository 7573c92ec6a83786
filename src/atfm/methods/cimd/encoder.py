"""An encoder from an image and a mask of it to an axis-aligned normal distribution over a latent vector."""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.distributions import Independent, Normal
from torch.nn import functional as F

from atfm.nn.blocks import ResBlock, conv, pixel_unshuffle

__all__ = ["AmbiguityEncoder"]


class AmbiguityEncoder(nn.Module):
    """`N(mu(image, mask), sigma(image, mask)^2)` over `R^latent`; its levels halve the resolution.

    Args:
        channels: of image and mask together.
        widths: channels of the levels, finest first.
        latent: numbers of the latent vector.
        patch: pixels moved into channels on entry.
        dims: spatial dimensions, 2 or 3.
    """

    def __init__(self, channels: int, widths: Sequence[int], latent: int, *, patch: int = 1, dims: int = 2) -> None:
        super().__init__()
        self.patch = patch
        self.stem = conv(dims, channels * patch**dims, widths[0])
        self.levels = nn.ModuleList(ResBlock(dims, width, width) for width in widths)
        self.shrink = nn.ModuleList(conv(dims, a, b, stride=2) for a, b in pairwise(widths))
        self.head = nn.Linear(widths[-1], 2 * latent)

    def forward(self, image: Tensor, mask: Tensor) -> Independent:
        """Return the distribution of each of `N` pairs of `image [N, C_in, *spatial]` and `mask [N, C, *spatial]`."""
        x = self.stem(pixel_unshuffle(torch.cat([image, mask], 1), self.patch))
        for level, block in enumerate(self.levels):
            x = block(self.shrink[level - 1](x) if level else x)
        mean, raw = self.head(F.silu(x).flatten(2).mean(2)).float().chunk(2, 1)  # [N, latent] each
        return Independent(Normal(mean, F.softplus(raw) + 1e-3), 1)
