"""TDPM's discriminator: whether a noisy mask of an image is a reader's or the generator's."""

from collections.abc import Sequence
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from atfm.nn.blocks import conv, pixel_unshuffle

__all__ = ["Discriminator"]


class Discriminator(nn.Module):
    """A convolutional network with a logit for each position of each of its levels, near and far together.

    Logits of patches (Isola et al., CVPR 2017) tell the generator where it is wrong; those of the coarsest level see a
    mask as a whole. It has no normalisation, as the gradient penalty wants it.

    Args:
        channels: of image and mask together.
        widths: channels of the levels, finest first; each halves the resolution.
        patch: pixels moved into channels on entry.
        dims: spatial dimensions, 2 or 3.
    """

    def __init__(self, channels: int, widths: Sequence[int], *, patch: int = 1, dims: int = 2) -> None:
        super().__init__()
        self.patch = patch
        self.stem = conv(dims, channels * patch**dims, widths[0])
        self.levels = nn.ModuleList(conv(dims, width, width) for width in widths)
        self.shrink = nn.ModuleList(conv(dims, a, b, stride=2) for a, b in pairwise(widths))
        self.heads = nn.ModuleList(conv(dims, width, 1, kernel=1) for width in widths)

    def forward(self, x: Tensor, image: Tensor) -> list[Tensor]:
        """Return logits that `x` are noisy masks of readers of `image`, of each level, finest first.

        Args:
            x: `[N, C, *spatial]`.
            image: `[N, C_in, *spatial]`.

        Returns:
            `[N, P]` for each level, `P` its positions.
        """
        h, logits = F.leaky_relu(self.stem(pixel_unshuffle(torch.cat([x, image], 1), self.patch)), 0.2), []
        for level, (layer, head) in enumerate(zip(self.levels, self.heads, strict=True)):
            h = F.leaky_relu(layer(self.shrink[level - 1](h) if level else h), 0.2)
            logits.append(head(h).flatten(1))
        return logits

    def held(self, x: Tensor, image: Tensor) -> list[Tensor]:
        """Return the same, as a judge that learns nothing: a gradient reaches `x` and no weight."""
        weights = {name: value.detach() for name, value in self.named_parameters()}
        return cast(list[Tensor], functional_call(self, weights, (x, image)))
