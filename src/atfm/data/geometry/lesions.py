"""Masks on the network's pixels: a pixel belongs to what covers most of it, and no lesion vanishes for being small.

Of a binary mask a pixel is set where at least half of it is covered; of labels the one that covers most of it wins. A
lesion, a connected part of what one reader gave one label, may be so small or thin that it wins none of the pixels that
it lies in. It then gets the one that it covers most if it covers a quarter of it, or if it is the largest of all that
this reader gave this label, so that a reader who saw something never becomes one who saw nothing. Specks beside larger
lesions, which that would make more than four times as large as they are, vanish. Both are counted and told.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy import ndimage

from atfm.data.crop import slabs
from atfm.data.geometry.grid import Grid
from atfm.data.pixels import Box

__all__ = ["Saved", "fitted_labels", "saved_lesions"]

_HALF = 0.5 - 1e-6  # sums of float32 shares may lack the last bit


class Saved(NamedTuple):
    """Lesions of a case that have no pixel of the network, but are given one.

    Args:
        reader: `[M]`, whose they are.
        cell: `[M, d]`, the pixel of the network that each gets.
        label: `[M]`.
        lesions: how many lesions the case has in all, those of every reader counted.
        vanished: how many of them have no pixel and are given none.
    """

    reader: np.ndarray
    cell: np.ndarray
    label: np.ndarray
    lesions: int
    vanished: int


def fitted_labels(
    grid: Grid, read: Callable[[Box], np.ndarray], box: Box, saved: Saved, *, binary: bool = True
) -> np.ndarray:
    """Return a part of the labels on the network's pixels, `[K, *part]` uint8; 0 in the padding.

    Args:
        grid: how the image is brought to the network.
        read: gives a part of its labels `[K, *spatial]`.
        box: the part of the network's pixels.
        saved: of this case.
        binary: whether there is one label alone.
    """
    cover, reads = grid.covering(box)
    there = read(reads)
    labels = np.zeros((len(there), *(side.stop - side.start for side in box)), np.uint8)
    for row, mask in zip(labels, there, strict=True):  # one after the other, as each is held in floats meanwhile
        row[:] = cover(mask == 1) >= _HALF if binary else _winners(cover, mask)
    begin, end = (np.array([getattr(side, end) for side in box]) for end in ("start", "stop"))
    here = ((saved.cell >= begin) & (saved.cell < end)).all(1)
    labels[(saved.reader[here], *(saved.cell[here] - begin).T)] = saved.label[here]
    return labels


def saved_lesions(
    grid: Grid, read: Callable[[Box], np.ndarray], *, binary: bool = True, ignore_label: int | None = None
) -> Saved:
    """Find the lesions that would vanish; the arguments are those of `fitted_labels`, and a label that says nothing."""
    none = Saved(np.zeros(0, np.int64), np.zeros((0, len(grid.whole)), np.int64), np.zeros(0, np.uint8), 0, 0)
    box = _marked_box(grid, read)
    if box is None:
        return none
    cells = [grid.cells(axis)[part] for axis, part in enumerate(box)]
    near = tuple(slice(int(axis.min()), int(axis.max()) + 1) for axis in cells)
    fitted = fitted_labels(grid, read, near, none, binary=binary)
    cells = [axis - part.start for axis, part in zip(cells, near, strict=True)]
    labels, found, lesions, vanished = read(box), [], 0, 0
    least = 0.25 * float(np.prod(grid.step))  # pixels of the image
    for reader, mask in enumerate(labels):
        for label in np.unique(mask[mask > 0]).tolist():
            if label != ignore_label:
                given, lost, many = _given(mask == label, fitted[reader] == label, cells, least)
                lesions, vanished = lesions + many, vanished + lost
                found += [(reader, label, *cell) for cell in given]
    rows = np.array(found, np.int64).reshape(-1, 2 + len(box))
    return Saved(
        rows[:, 0], rows[:, 2:] + [part.start for part in near], rows[:, 1].astype(np.uint8), lesions, vanished
    )


def _winners(cover: Callable[[np.ndarray], np.ndarray], mask: np.ndarray) -> np.ndarray:
    """The label that covers most of each of the network's pixels; of equals the highest, and 0 in the padding."""
    shares = {label: cover(mask == label) for label in np.unique(mask).tolist()}
    most = np.zeros_like(next(iter(shares.values())))
    labels = np.zeros(most.shape, np.uint8)
    for label, share in shares.items():
        labels[(share > 0) & (share >= most - 1e-6)] = label
        most = np.maximum(most, share)
    return labels


def _given(
    mask: np.ndarray, fitted: np.ndarray, cells: list[np.ndarray], least: float
) -> tuple[list[list[int]], int, int]:
    """The cells `[d]` that are given to connected parts without any; how many get none; how many parts there are."""
    numbers, count = ndimage.label(mask, np.ones((3,) * mask.ndim))
    at = np.nonzero(numbers)
    part = numbers[at] - 1
    cell = np.ravel_multi_index([axis[where] for axis, where in zip(cells, at, strict=True)], fitted.shape)
    there = np.bincount(part, weights=fitted.ravel()[cell], minlength=count) > 0
    largest = -1 if there.any() else int(np.bincount(part).argmax())
    given, without = [], np.flatnonzero(~there).tolist()
    for number in without:
        own, pixels = np.unique(cell[part == number], return_counts=True)
        if number == largest or pixels.max() >= least:
            given.append([int(index) for index in np.unravel_index(own[pixels.argmax()], fitted.shape)])
    return given, len(without) - len(given), count


def _marked_box(grid: Grid, read: Callable[[Box], np.ndarray]) -> Box | None:
    """The part of the image that anything is marked in, found a slab at a time; None where nothing is."""
    spans: list[np.ndarray] = [np.zeros(length, bool) for length in grid.whole]
    for slab in slabs(grid.whole):
        marked = np.asarray((read(slab) > 0).any(0))
        for axis, part in enumerate(slab):
            spans[axis][part] |= np.moveaxis(marked, axis, 0).reshape(len(spans[axis][part]), -1).any(1)
    if not spans[0].any():
        return None
    ends = [np.flatnonzero(span)[[0, -1]] for span in spans]
    return tuple(slice(int(first), int(last) + 1) for first, last in ends)
