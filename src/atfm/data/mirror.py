"""Images grown by their own reflection: what a network meets beyond the border of an image smaller than its window."""

from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ["inner", "mirror_index", "mirror_pad"]


def mirror_index(length: int, wanted: int) -> Tensor:
    """Positions `[wanted]` in an axis of `length` that is reflected at both ends, its middle in the middle.

    The pixel on the edge is not repeated: `2 1 0 1 2 1 0` of three. A single pixel has no reflection but itself.
    """
    position = torch.arange(wanted) - (wanted - length) // 2
    period = max(2 * (length - 1), 1)
    position = position % period
    return torch.minimum(position, period - position).clamp_max(length - 1)


def mirror_pad(x: Tensor, wanted: Sequence[int]) -> Tensor:
    """Grow the last axes of `x [..., *spatial]` to at least the size `wanted`; larger ones stay as they are."""
    for axis, width in zip(range(x.dim() - len(wanted), x.dim()), wanted, strict=True):
        length = x.shape[axis]
        if length < width:
            x = x.index_select(axis, mirror_index(length, width).to(x.device))
    return x


def inner(x: Tensor, size: Sequence[int]) -> Tensor:
    """Undo `mirror_pad`: the middle of `x [..., *spatial]`, of the spatial size `size`."""
    for axis, width in zip(range(x.dim() - len(size), x.dim()), size, strict=True):
        x = x.narrow(axis, (x.shape[axis] - width) // 2, width)
    return x
