"""The U-Net of guided diffusion, on which most published samplers of this field stand, in two of its forms."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import gcd
from typing import Literal, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from atfm.nn.blocks import Attention, conv, pixel_shuffle, pixel_unshuffle
from atfm.nn.time import TimeEmbedding

__all__ = ["ADM", "LIGHT", "ADMUNet", "Form"]


@dataclass(frozen=True)
class Form:
    """In what the forms differ.

    Args:
        resample: "conv": convolutions halve the resolution and follow its doubling; "block": residual blocks that
            average, or repeat, pixels on the way.
        film: time scales and shifts after the second normalisation; else it is added before it.
        shortcut: size of the convolution beside a block that changes the number of channels.
        group: channels that are normalised together; 0: 32 groups, or as many as divide the channels.
    """

    resample: Literal["conv", "block"]
    film: bool
    shortcut: int
    group: int

    def norm(self, channels: int) -> nn.GroupNorm:
        """Return the normalisation of so many channels."""
        groups = max(1, channels // self.group) if self.group else 32
        return nn.GroupNorm(gcd(groups, channels), channels)


ADM = Form(resample="conv", film=False, shortcut=1, group=0)
LIGHT = Form(resample="block", film=True, shortcut=3, group=16)


class ADMUNet(nn.Module):
    """A U-Net with pre-activated residual blocks, an encoder that keeps every state, and attention.

    That of Dhariwal and Nichol (NeurIPS 2021, arXiv 2105.05233) with the defaults of its code (`ADM`), or the lighter
    one of Flow-SSN (`LIGHT`). What ends a residual path, and the head, begin at zero.

    Args:
        inputs, outputs: channels.
        widths: channels of the levels, finest first.
        form: `ADM` or `LIGHT`.
        blocks: residual blocks on each level on the way down, one more on the way up.
        time: whether there is a time `t`.
        condition: channels of a condition (an image) on the folded grid, which joins at the stem; 0 for none.
        attention: levels with attention after each block, from 0; in the middle there always is one.
        head: channels of one head of attention; 0: a single head.
        dropout: of each block.
        patch: pixels folded into channels on entry and unfolded on exit; 2 costs a quarter of 1.
        dims: spatial dimensions, 2 or 3.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        widths: Sequence[int],
        *,
        form: Form = ADM,
        blocks: int = 2,
        time: bool = True,
        condition: int = 0,
        attention: Sequence[int] = (),
        head: int = 0,
        dropout: float = 0.0,
        patch: int = 1,
        dims: int = 2,
    ) -> None:
        super().__init__()
        self.dims, self.form, self.patch, self.dropout = dims, form, patch, dropout
        self.embedding, self.head_width = 4 * widths[0] if time else 0, head
        self.time = TimeEmbedding(self.embedding, max(1, widths[0] // 2)) if time else None
        self.read = conv(dims, condition, widths[0]) if condition else None
        self.stem = conv(dims, inputs * patch**dims, widths[0])
        kept = self._make_encoder(widths, blocks, attention)
        self.middle = _Steps([self._block(widths[-1], widths[-1]), self._attention(widths[-1]),
                              self._block(widths[-1], widths[-1])])  # fmt: skip
        self._make_decoder(widths, blocks, attention, kept)
        self.norm = form.norm(widths[0])
        self.out = _zero(conv(dims, widths[0], outputs * patch**dims))

    def _make_encoder(self, widths: Sequence[int], blocks: int, attention: Sequence[int]) -> list[int]:
        """Make the way down; return the channels of every state that the way up will need."""
        self.down, kept = nn.ModuleList(), [widths[0]]
        for level, (before, width) in enumerate(pairwise((widths[0], *widths))):
            if level:
                self.down.append(_Steps([self._resample(before, "down")]))
                kept.append(before)
            for number in range(blocks):
                self.down.append(self._step(width if number else before, width, attend=level in attention))
                kept.append(width)
        return kept

    def _make_decoder(self, widths: Sequence[int], blocks: int, attention: Sequence[int], kept: list[int]) -> None:
        self.up, self.grow, before = nn.ModuleList(), nn.ModuleList(), widths[-1]
        for level in reversed(range(len(widths))):
            steps = []
            for _ in range(blocks + 1):
                steps.append(self._step(before + kept.pop(), widths[level], attend=level in attention))
                before = widths[level]
            self.up.append(nn.ModuleList(steps))
            self.grow.append(self._resample(before, "up") if level else nn.Identity())

    def _block(self, inputs: int, outputs: int, resample: Literal["up", "down"] | None = None) -> "_Block":
        return _Block(self.dims, inputs, outputs, self.embedding, self.form, self.dropout, resample)

    def _step(self, inputs: int, outputs: int, *, attend: bool) -> "_Steps":
        block = self._block(inputs, outputs)
        return _Steps([block, self._attention(outputs)] if attend else [block])

    def _resample(self, channels: int, way: Literal["up", "down"]) -> nn.Module:
        if self.form.resample == "block":
            return self._block(channels, channels, way)
        return conv(self.dims, channels, channels, stride=2) if way == "down" else _Grow(self.dims, channels)

    def _attention(self, channels: int) -> nn.Module:
        width = self.head_width or channels
        attention = Attention(self.dims, channels, heads=channels // width, width=width)
        attention.norm = self.form.norm(channels)
        _zero(attention.out)
        return attention

    def context(self, condition: Tensor) -> Tensor:
        """Read a condition `[B, condition, *grid]` once: `[B, widths[0], *grid]`."""
        return cast(Tensor, cast(nn.Module, self.read)(condition))

    def forward(self, x: Tensor, t: Tensor | None = None, context: Tensor | None = None) -> Tensor:
        """Return `[N, outputs, *spatial]` of `x [N, inputs, *spatial]`, `t [N]` and `context [N, widths[0], *grid]`.

        A time or a context that all rows share may be given once, with `N = 1`.
        """
        embedding = None if t is None or self.time is None else self.time(t)
        h = self.stem(pixel_unshuffle(x, self.patch))
        h = h if context is None else h + context
        states = [h]
        for step in self.down:
            states.append(step(states[-1], embedding))
        h = self.middle(states[-1], embedding)
        for steps, grow in zip(self.up, self.grow, strict=True):
            for step in cast(nn.ModuleList, steps):
                h = step(torch.cat([h, states.pop()], 1), embedding)
            if states:
                h = grow(h, embedding, states[-1].shape[2:])
        return pixel_shuffle(self.out(F.silu(self.norm(h))), self.patch).to(x.dtype)


class _Block(nn.Module):
    """Normalised convolutions with a residual path, which may halve or double the resolution on the way."""

    def __init__(
        self,
        dims: int,
        inputs: int,
        outputs: int,
        embedding: int,
        form: Form,
        dropout: float,
        resample: Literal["up", "down"] | None,
    ) -> None:
        super().__init__()
        self.film, self.resample = form.film, resample
        self.norm1, self.conv1 = form.norm(inputs), conv(dims, inputs, outputs)
        self.norm2, self.conv2 = form.norm(outputs), _zero(conv(dims, outputs, outputs))
        self.dropout = nn.Dropout(dropout)
        self.modulate = nn.Linear(embedding, (1 + form.film) * outputs) if embedding else None
        self.skip = conv(dims, inputs, outputs, kernel=form.shortcut) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor, embedding: Tensor | None, size: Sequence[int] = ()) -> Tensor:
        h = F.silu(self.norm1(x))
        if self.resample is not None:
            h, x = (_halved(y) if self.resample == "down" else F.interpolate(y, size=list(size)) for y in (h, x))
        h = self.conv1(h)
        if self.modulate is None or embedding is None:
            return cast(Tensor, self.skip(x) + self.conv2(self.dropout(F.silu(self.norm2(h)))))
        told = self.modulate(embedding)  # [N, C], or [N, 2 C]
        told = told.reshape(*told.shape, *[1] * (x.dim() - 2))
        if self.film:
            scale, shift = told.chunk(2, 1)
            h = self.norm2(h) * (1 + scale) + shift
        else:
            h = self.norm2(h + told)
        return cast(Tensor, self.skip(x) + self.conv2(self.dropout(F.silu(h))))


class _Grow(nn.Module):
    """Repeat pixels to a size, then convolve."""

    def __init__(self, dims: int, channels: int) -> None:
        super().__init__()
        self.conv = conv(dims, channels, channels)

    def forward(self, x: Tensor, embedding: Tensor | None, size: Sequence[int]) -> Tensor:
        return cast(Tensor, self.conv(F.interpolate(x, size=list(size))))


class _Steps(nn.Module):
    """Modules one after the other, of which the blocks see the time."""

    def __init__(self, steps: Sequence[nn.Module]) -> None:
        super().__init__()
        self.steps = nn.ModuleList(steps)

    def forward(self, x: Tensor, embedding: Tensor | None) -> Tensor:
        for step in self.steps:
            x = step(x, embedding) if isinstance(step, _Block) else step(x)
        return x


def _halved(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 2) if x.dim() == 4 else F.avg_pool3d(x, 2)


def _zero(layer: nn.Module) -> nn.Module:
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer
