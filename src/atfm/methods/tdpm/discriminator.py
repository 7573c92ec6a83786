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
    """A convolutional network to one logit, without normalisation, as the gradient penalty wants it.

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
        self.head = nn.Linear(2 * widths[-1], 1)

    def forward(self, x: Tensor, image: Tensor) -> Tensor:
        """Return logits `[N]` that `x [N, C, *spatial]` are noisy masks of readers of `image [N, C_in, *spatial]`."""
        h = F.leaky_relu(self.stem(pixel_unshuffle(torch.cat([x, image], 1), self.patch)), 0.2)
        for level, layer in enumerate(self.levels):
            h = F.leaky_relu(layer(self.shrink[level - 1](h) if level else h), 0.2)
        flat = h.flatten(2)  # [N, widths[-1], positions]
        return cast(Tensor, self.head(torch.cat([flat.mean(2), flat.amax(2)], 1))).squeeze(1)

    def held(self, x: Tensor, image: Tensor) -> Tensor:
        """Return the same, as a judge that learns nothing: a gradient reaches `x` and no weight."""
        weights = {name: value.detach() for name, value in self.named_parameters()}
        return cast(Tensor, functional_call(self, weights, (x, image)))
