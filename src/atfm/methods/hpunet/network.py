"""The networks of the Hierarchical Probabilistic U-Net: a U-Net with latent maps, and the posterior that gives them."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from atfm.distributions.diagonal_normal import DiagonalNormal
from atfm.methods.latent.head import NormalHead
from atfm.nn.blocks import conv
from atfm.nn.plain import halve

__all__ = ["HPUNetNetwork", "LatentUNet"]


class HPUNetNetwork(nn.Module):
    """The U-Net, whose latent maps are the prior's, and the posterior (Kohl et al., 2019, figure 1).

    Args:
        dims: spatial dimensions, 2 or 3.
        in_channels: channels of the image.
        channels: channels of the mask.
        widths: channels of the levels, finest first.
        latents: latent maps of the coarsest levels, the coarsest first; fewer levels than there are widths.
        blocks: residual blocks on each level.
        convs: convolutions of a block.
    """

    def __init__(
        self,
        dims: int,
        in_channels: int,
        channels: int,
        widths: Sequence[int],
        *,
        latents: Sequence[int],
        blocks: int = 3,
        convs: int = 3,
    ) -> None:
        super().__init__()
        self.widths, self.latents = tuple(widths), tuple(latents)
        self.prior = LatentUNet(dims, in_channels, widths, latents, len(widths) - 1, blocks, convs)
        self.posterior = LatentUNet(dims, in_channels + channels, widths, latents, len(latents) - 1, blocks, convs)
        self.logits = _linear(dims, widths[0], channels)


class LatentUNet(nn.Module):
    """A U-Net of residual blocks whose features draw latent maps on the way up, and go on with them.

    Args:
        dims, widths, latents, blocks, convs: as for `HPUNetNetwork`.
        inputs: channels in: those of the image, for the posterior those of the mask too.
        steps: levels that the way up climbs from the coarsest one; the posterior stops at its last latent maps.
    """

    def __init__(
        self,
        dims: int,
        inputs: int,
        widths: Sequence[int],
        latents: Sequence[int],
        steps: int,
        blocks: int,
        convs: int,
    ) -> None:
        super().__init__()
        self.latents = tuple(latents)
        self.down = nn.ModuleList(_level(dims, a, b, blocks, convs) for a, b in pairwise([inputs, *widths]))
        coarse_first = list(reversed(widths))
        drawn = [*latents, *[0] * (len(widths) - len(latents))]  # on each level of the way up
        self.heads = nn.ModuleList(
            NormalHead(dims, width, count) for width, count in zip(coarse_first, latents, strict=False)
        )
        self.up = nn.ModuleList(
            _level(dims, coarse + drawn[step] + fine, fine, blocks, convs)
            for step, (coarse, fine) in enumerate(pairwise(coarse_first[: steps + 1]))
        )

    def read(self, x: Tensor) -> list[Tensor]:
        """Return the features of every level on the way down, finest first."""
        features: list[Tensor] = []
        for level in self.down:
            features.append(level(halve(features[-1]) if features else x))
        return features

    def climb(
        self, features: Sequence[Tensor], choose: Callable[[int, DiagonalNormal], Tensor]
    ) -> tuple[Tensor, list[Tensor], list[DiagonalNormal]]:
        """Go up from the coarsest level.

        Args:
            features: what `read` gave.
            choose: the latent maps `[N, L, *grid]` of a level, 0 the coarsest, given their distribution.

        Returns:
            The features that it ends with, latent maps, and their distributions, coarsest first.
        """
        latents: list[Tensor] = []
        distributions: list[DiagonalNormal] = []
        x = features[-1]
        for step in range(len(self.up) + 1):
            if step < len(self.latents):
                distributions.append(self.heads[step](x))
                latents.append(choose(step, distributions[-1]))
                x = torch.cat([latents[-1].to(x.dtype), x], 1)
            if step < len(self.up):
                skip = features[-2 - step]
                x = F.interpolate(x, size=skip.shape[2:], mode="nearest")
                x = self.up[step](torch.cat([x, skip], 1))
        return x, latents, distributions


class _ResBlock(nn.Module):
    """Convolutions of half the width between ReLUs, widened again, beside a residual path; nothing is normalised."""

    def __init__(self, dims: int, inputs: int, outputs: int, convs: int) -> None:
        super().__init__()
        inner = max(1, outputs // 2)
        self.convs = nn.ModuleList(_linear(dims, a, inner, 3) for a in [inputs] + [inner] * (convs - 1))
        self.widen = _linear(dims, inner, outputs)
        self.skip = _linear(dims, inputs, outputs) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        h = x
        for layer in self.convs:
            h = layer(F.relu(h))
        return cast(Tensor, self.skip(x) + self.widen(h))


def _level(dims: int, inputs: int, outputs: int, blocks: int, convs: int) -> nn.Sequential:
    return nn.Sequential(
        *(_ResBlock(dims, inputs if block == 0 else outputs, outputs, convs) for block in range(blocks))
    )


def _linear(dims: int, inputs: int, outputs: int, kernel: int = 1) -> nn.Module:
    """A convolution with orthogonal weights and all but no bias, as the authors begin."""
    layer = conv(dims, inputs, outputs, kernel)
    weight = cast(Tensor, layer.weight)
    # Made apart: the matrix is written as rows, and the layer's weights may lie channels last.
    weight.data.copy_(nn.init.orthogonal_(torch.empty(weight.shape)))
    nn.init.trunc_normal_(cast(Tensor, layer.bias), std=0.001, a=-0.002, b=0.002)
    return layer
