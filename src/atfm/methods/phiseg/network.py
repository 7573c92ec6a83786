"""The networks of PHiSeg: a ladder of latent maps, for prior and posterior, and the likelihood that decodes them."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from atfm.distributions.diagonal_normal import DiagonalNormal
from atfm.methods.latent.head import NormalHead
from atfm.nn.blocks import conv
from atfm.nn.plain import Encoder, Layers, resize

__all__ = ["Ladder", "Likelihood", "PHiSegNetwork"]


class PHiSegNetwork(nn.Module):
    """Prior, posterior and likelihood (Baumgartner et al., 2019, figure 2).

    Args:
        layers: how all layers are made.
        in_channels: channels of the image.
        channels: channels of the mask.
        widths: channels of the levels, finest first.
        levels: how many of them, the coarsest ones, have latent maps.
        latents: latent maps on each of these.
        convs: convolutions on each level on the way down.
    """

    def __init__(
        self,
        layers: Layers,
        in_channels: int,
        channels: int,
        widths: Sequence[int],
        *,
        levels: int,
        latents: int = 2,
        convs: int = 3,
    ) -> None:
        super().__init__()
        self.levels, self.latents, self.first = levels, latents, len(widths) - levels
        self.prior = Ladder(layers, in_channels, widths, levels, latents, convs)
        self.posterior = Ladder(layers, in_channels + channels, widths, levels, latents, convs)
        self.likelihood = Likelihood(layers, widths, levels, latents, channels)


class Ladder(nn.Module):
    """`p(z_l | z_{l + 1}, x)` for every level: an encoder, and latent maps from the coarsest level to the finest.

    Args:
        layers, widths, levels, latents, convs: as for `PHiSegNetwork`.
        inputs: channels in: those of the image, for the posterior those of the mask too.
    """

    def __init__(
        self, layers: Layers, inputs: int, widths: Sequence[int], levels: int, latents: int, convs: int
    ) -> None:
        super().__init__()
        self.first, above = len(widths) - levels, latents * widths[0]
        self.encoder = Encoder(layers, inputs, widths, convs)
        self.grow = nn.ModuleList(layers.stack(latents, above, 2) for _ in range(levels - 1))
        self.join = nn.ModuleList(
            layers.stack(widths[self.first + level] + above, widths[level], 2) for level in range(levels - 1)
        )
        heads = [*widths[: levels - 1], widths[-1]]
        self.heads = nn.ModuleList(NormalHead(layers.dims, width, latents, "softplus") for width in heads)

    def read(self, x: Tensor) -> list[Tensor]:
        """Return the features of the latent levels, finest first, each `[N, widths[l], *grid]`."""
        return self.encoder(x)[self.first :]

    def descend(
        self, features: Sequence[Tensor], choose: Callable[[int, DiagonalNormal], Tensor]
    ) -> tuple[list[Tensor], list[DiagonalNormal]]:
        """Go from the coarsest level to the finest.

        Args:
            features: what `read` gave.
            choose: the latent maps `[N, L, *grid]` of a level, 0 the finest, given their distribution.

        Returns:
            Latent maps and their distributions, finest first.
        """
        latents: list[Tensor] = []
        distributions: list[DiagonalNormal] = []
        for level in reversed(range(len(features))):
            x = features[level]
            if latents:
                above = self.grow[level](resize(latents[-1], x.shape[2:]))
                x = self.join[level](torch.cat([x, above], 1))
            distributions.append(self.heads[level](x))
            latents.append(choose(level, distributions[-1]))
        return latents[::-1], distributions[::-1]


class Likelihood(nn.Module):
    """Latent maps to the logits of every level; those of a mask are the sum over all levels.

    Args:
        layers, widths, levels, latents, channels: as for `PHiSegNetwork`.
    """

    def __init__(self, layers: Layers, widths: Sequence[int], levels: int, latents: int, channels: int) -> None:
        super().__init__()
        self.first = len(widths) - levels
        self.read = nn.ModuleList(layers.stack(latents, width, 2) for width in widths[:levels])
        # The same number on each level: [level * first + step].
        self.refine = nn.ModuleList(
            layers.stack(width, width, 1) for width in widths[:levels] for _ in range(self.first)
        )
        # Level l joins what it read with what comes from the coarser level l + 1, whose width is that after joining.
        joined = [*widths[self.first : -1], widths[levels - 1]]
        self.grow = nn.ModuleList(
            layers.stack(coarse, widths[level], 1) for level, (_, coarse) in enumerate(pairwise(joined))
        )
        self.join = nn.ModuleList(layers.stack(2 * widths[level], joined[level], 2) for level in range(levels - 1))
        self.logits = nn.ModuleList(conv(layers.dims, width, channels, kernel=1) for width in joined)

    def forward(self, latents: Sequence[Tensor], sizes: Sequence[Sequence[int]]) -> list[Tensor]:
        """Return the logits that each level adds, finest first, each `[N, C, *spatial]`.

        Args:
            latents: maps, finest first; level `l` lies on the grid of `sizes[l + first]`.
            sizes: of all levels, that of the window first.
        """
        logits: list[Tensor] = []
        x = latents[-1]
        for level in reversed(range(len(latents))):
            own = self.read[level](latents[level])
            for step in range(self.first):
                refine = self.refine[level * self.first + step]
                own = refine(resize(own, sizes[level + self.first - step - 1]))
            below = [] if level + 1 == len(latents) else [self.grow[level](resize(x, sizes[level]))]
            x = self.join[level](torch.cat([own, *below], 1)) if below else own
            logits.append(F.interpolate(cast(Tensor, self.logits[level](x)), size=tuple(sizes[0]), mode="nearest"))
        return logits[::-1]
