"""The U-Net that serves GTR (without time) and SFM's ST-Net (with time)."""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import pairwise, repeat
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from atfm.nn.blocks import Attention, LinearAttention, ResBlock, conv

__all__ = ["UNet"]


class UNet(nn.Module):
    """Residual U-Net `[B, widths[0], *spatial] -> [B, widths[0], *spatial]`; each level halves the resolution.

    Args:
        dims: spatial dimensions, 2 or 3.
        widths: channels of each level, finest first.
        blocks: residual blocks on each level, down and up.
        embedding: width of the time embedding, 0 for none.
        attention: linear attention on every level and full attention at the bottom.
        bottom: a further block at the bottom, and blocks on its way up too; without it the way up begins there.
        dropout: of each block, see `ResBlock`.
    """

    def __init__(
        self,
        dims: int,
        widths: Sequence[int],
        *,
        blocks: int = 1,
        embedding: int = 0,
        attention: bool = False,
        bottom: bool = True,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        level_of = partial(_Level, dims, embedding=embedding, dropout=dropout)
        self.down, self.up = nn.ModuleList(), nn.ModuleList()
        self.shrink, self.grow = nn.ModuleList(), nn.ModuleList()
        for level, width in enumerate(widths):
            self.down.append(level_of(width, width, blocks, attention=attention))
            deepest = level + 1 == len(widths)
            if bottom or not deepest:
                self.up.append(level_of(2 * width, width, blocks, attention=attention))
            if not deepest:
                self.shrink.append(conv(dims, width, widths[level + 1], stride=2))
                self.grow.append(conv(dims, widths[level + 1], width))
        self.bottom = level_of(widths[-1], widths[-1], int(bottom), attention=False)
        self.bottom_attention = Attention(dims, widths[-1]) if attention else nn.Identity()

    def channels(self) -> list[int]:
        """The channels of each block, in the order in which they are passed: as many numbers decide its dropout."""
        levels = [*self.down, self.bottom, *reversed(self.up)]
        return [block.outputs for level in levels for block in cast(_Level, level).blocks]  # type: ignore[misc]

    def forward(self, x: Tensor, embedding: Tensor | None = None, uniform: Tensor | None = None) -> Tensor:
        """Return `[B, widths[0], *spatial]`.

        Args:
            x: of the same shape.
            embedding: of the time, `[B, embedding]`.
            uniform: in [0, 1), `[B, sum of channels()]`: what is left out, see `ResBlock`; None: dropout is torch's.
        """
        skips = []
        drops = iter(uniform.split(self.channels(), 1)) if uniform is not None else repeat(None)
        # Down: keep what the way up will need.
        for level, down in enumerate(self.down):
            x = down(self.shrink[level - 1](x) if level else x, embedding, drops)
            skips.append(x)
        x = self.bottom_attention(self.bottom(x, embedding, drops))
        # Up: join each level with what was kept.
        for level in reversed(range(len(self.up))):
            if level < len(self.grow):
                x = self.grow[level](F.interpolate(x, size=skips[level].shape[2:], mode="nearest"))
            x = self.up[level](torch.cat([x, skips[level]], 1), embedding, drops)
        return x


class _Level(nn.Module):
    def __init__(
        self, dims: int, inputs: int, outputs: int, blocks: int, *, embedding: int, attention: bool, dropout: float
    ) -> None:
        super().__init__()
        sizes = [inputs] + [outputs] * blocks
        self.blocks = nn.ModuleList(ResBlock(dims, a, b, embedding, dropout) for a, b in pairwise(sizes))
        self.attention = LinearAttention(dims, outputs) if attention else nn.Identity()

    def forward(self, x: Tensor, embedding: Tensor | None, drops: Iterator[Tensor | None]) -> Tensor:
        for block in self.blocks:
            x = block(x, embedding, next(drops))
        return cast(Tensor, self.attention(x))
