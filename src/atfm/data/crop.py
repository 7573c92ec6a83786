"""`Parts`: what a batch needs of larger images, so that no more is read, and turned into floats, than a step sees."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from atfm.data.augment import Augmentation
from atfm.data.mirror import mirror_index
from atfm.data.pixels import Box

__all__ = ["Parts", "marked_points", "parts", "slabs"]

_POINTS = 256  # marked pixels remembered of each case: a lesion of any shape is hit all over
_SLAB = 2**24  # pixels, of all annotators, that are looked at at a time


@dataclass(frozen=True)
class Parts:
    """The parts of images that their windows, augmented, can reach: all of one size, so that they make one tensor.

    An image smaller than the window counts as grown by reflection to its size. A part may reach beyond the image:
    there the pixels of its border are repeated, and there are no labels.

    Args:
        shapes: `[B, d]`, of the images.
        window: spatial size of what is cut out.
        first: `[B, d]`, where each part begins.
        size: spatial size of all parts.
        centre: `[B, d]`, that of each window, in pixels from the centre of the part.
    """

    shapes: np.ndarray
    window: tuple[int, ...]
    first: np.ndarray
    size: tuple[int, ...]
    centre: np.ndarray

    def image(self, row: int, read: Callable[[Box], Tensor]) -> Tensor:
        """Cut a part `[C, *size]` out of one image, of which `read` gives a box."""
        return _taken(read, [positions for positions, _ in self._axes(row)])

    def labels(self, row: int, read: Callable[[Box], Tensor]) -> Tensor:
        """Cut the labels `[K, *size]` of the same part, 0 beyond the image."""
        axes = self._axes(row)
        labels = _taken(read, [positions for positions, _ in axes])
        for axis, (_, inside) in enumerate(axes):
            if not inside.all():
                shape = [-1 if other == axis else 1 for other in range(len(axes))]
                labels = labels * torch.from_numpy(inside).to(labels.device, non_blocking=True).view(shape)
        return labels

    def _axes(self, row: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """For each axis the pixels of the image, `[size]`, and which of them lie within it."""
        axes = []
        for first, size, length, window in zip(
            self.first[row].tolist(), self.size, self.shapes[row].tolist(), self.window, strict=True
        ):
            grown, wanted = max(length, window), np.arange(first, first + size)
            positions = np.clip(wanted, 0, grown - 1)
            if grown > length:
                positions = mirror_index(length, grown).numpy()[positions]
            axes.append((positions, (wanted >= 0) & (wanted < grown)))
        return axes


def parts(shapes: np.ndarray, marked: Sequence[np.ndarray], drawn: Augmentation | None, window: Sequence[int]) -> Parts:
    """Choose the parts that a batch needs.

    Args:
        shapes: `[B, d]`, of the images.
        marked: of each image positions of marked pixels, `[M, d]`; unused where none is drawn.
        drawn: where the windows lie and how they are augmented, on the CPU; None: the central windows as they are.
        window: spatial size of what is cut out.
    """
    wanted = np.array(window)
    grown = np.maximum(shapes, wanted)
    if drawn is None:
        return Parts(shapes, tuple(window), (grown - wanted) // 2, tuple(window), np.zeros(shapes.shape, np.float32))
    before = (grown - shapes) // 2
    corners = np.array(
        [_corner(grown[row], marked[row] + before[row], drawn, row, wanted) for row in range(len(shapes))]
    )  # [B, d]
    matrix = drawn.matrix.double().numpy()  # [B, d, d + 1], x first
    reach = np.abs(matrix[:, :, :-1]) @ ((wanted[::-1] - 1) / 2) + np.abs(matrix[:, :, -1]) + 1
    middle = corners + (wanted - 1) / 2
    low, high = np.floor(middle - reach[:, ::-1]), np.ceil(middle + reach[:, ::-1]) + 1
    size = np.minimum((high - low).max(0), grown.max(0)).astype(np.int64)
    first = np.clip(low, 0, np.maximum(grown - size, 0)).astype(np.int64)
    centre = (middle - first - (size - 1) / 2).astype(np.float32)
    return Parts(shapes, tuple(window), first, tuple(size.tolist()), centre)


def marked_points(read: Callable[[Box], np.ndarray], shape: Sequence[int], ignore_label: int | None) -> np.ndarray:
    """Up to 256 of the pixels that any annotator marked, evenly among them: `[M, d]` int32.

    Args:
        read: gives the labels `[K, *box]` of a part of the case.
        shape: the spatial shape of the case.
        ignore_label: a label that says nothing.
    """
    said = np.empty(tuple(shape), dtype=bool)
    for box in slabs(shape):
        labels = read(box)
        said[box] = ((labels > 0) if ignore_label is None else (labels > 0) & (labels != ignore_label)).any(0)
    flat = said.reshape(-1)
    begins = range(0, len(flat), _SLAB)
    ends = np.cumsum([np.count_nonzero(flat[begin : begin + _SLAB]) for begin in begins])
    total = int(ends[-1])
    ranks = np.unique(np.linspace(0, total - 1, min(total, _POINTS)).astype(int))
    found = []
    for begin, end in zip(begins, ends, strict=True):
        chunk = np.flatnonzero(flat[begin : begin + _SLAB])
        own = ranks[(ranks >= end - len(chunk)) & (ranks < end)] - (end - len(chunk))
        found.append(begin + chunk[own])
    return np.stack(np.unravel_index(np.concatenate(found), said.shape), -1).astype(np.int32)


def slabs(shape: Sequence[int]) -> list[Box]:
    """The boxes of a case along its first axis, so that none has many pixels."""
    rest = int(np.prod(shape[1:]))
    step = max(1, _SLAB // (4 * rest))
    whole = [slice(0, length) for length in shape[1:]]
    return [(slice(first, min(first + step, shape[0])), *whole) for first in range(0, shape[0], step)]


def _corner(grown: np.ndarray, marked: np.ndarray, drawn: Augmentation, row: int, window: np.ndarray) -> np.ndarray:
    """The corner of a window: anywhere, or so that a marked pixel lies anywhere within it."""
    room = grown - window
    if drawn.place is None:
        return room // 2
    place = np.array(drawn.place[row].tolist())
    pick = -1.0 if drawn.pick is None else float(drawn.pick[row])
    if pick < 0 or not len(marked):
        return (place * (room + 1)).astype(np.int64)
    point = marked[int(pick * len(marked))]
    return np.clip(point - (place * window).astype(np.int64), 0, room)


def _taken(read: Callable[[Box], Tensor], positions: Sequence[np.ndarray]) -> Tensor:
    """The pixels at these positions along each axis: the box that holds them all is read, then looked up."""
    box = tuple(slice(int(axis.min()), int(axis.max()) + 1) for axis in positions)
    found = read(box)
    for axis, (at, part) in enumerate(zip(positions, box, strict=True), start=1):
        if len(at) != part.stop - part.start or (np.diff(at) != 1).any():
            chosen = torch.from_numpy(at - part.start).to(found.device, non_blocking=True)
            found = found.index_select(axis, chosen)
    return found
