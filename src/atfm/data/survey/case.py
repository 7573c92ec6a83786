"""`CaseSurvey`: the measured facts of one case; a large volume is read a slab at a time."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from atfm.data.crop import slabs
from atfm.data.pixels import Box

__all__ = ["CaseSurvey", "look"]

_MOST_PIECES = 64


@dataclass(frozen=True)
class CaseSurvey:
    """What was measured of one case; a mask's foreground is every label but 0 and the ignored one.

    Args:
        case_id, patient_id: whose it is.
        size: spatial size in pixels.
        spacing: millimetres of a pixel along each axis; None where the store does not say.
        areas: `[K]`, foreground pixels of each reader's mask.
        boxes: `[K, d, 2]`, where each reader's foreground begins and ends (exclusive); zeros of an empty mask.
        box: `[d, 2]`, the same of all readers together; None where all are empty.
        pieces: `[P, d, 2]`, of each connected part of what any reader marked, the largest first, at most 64.
        pieces_areas: `[P]`, their pixels.
        classes: `[C]` (of a binary set `[1]`), how many readers marked each class but the background.
        iou: mean IoU of all pairs of readers, 1 where both are empty; None of a single reader.
        overlap: whether any two readers that marked something share a pixel; None where no two did.
        ignored: share of pixels that any reader ignores.
    """

    case_id: str
    patient_id: str
    size: tuple[int, ...]
    spacing: tuple[float, ...] | None
    areas: np.ndarray
    boxes: np.ndarray
    box: np.ndarray | None
    pieces: np.ndarray
    pieces_areas: np.ndarray
    classes: np.ndarray
    iou: float | None
    overlap: bool | None
    ignored: float

    @property
    def readers(self) -> int:
        """How many there are, `K`."""
        return len(self.areas)

    @property
    def empty(self) -> int:
        """How many of them marked nothing."""
        return int((self.areas == 0).sum())

    @property
    def extents(self) -> np.ndarray:
        """Sides of what each reader marked, `[K', d]` pixels, of those who marked anything."""
        return np.asarray(self.boxes[self.areas > 0, :, 1] - self.boxes[self.areas > 0, :, 0])

    @property
    def piece_extents(self) -> np.ndarray:
        """Sides of each connected part, `[P, d]` pixels."""
        return np.asarray(self.pieces[..., 1] - self.pieces[..., 0])


def look(
    read: Callable[[Box], np.ndarray],
    size: tuple[int, ...],
    spacing: tuple[float, ...] | None,
    names: tuple[str, str],
    *,
    classes: int,
    ignore_label: int | None = None,
) -> CaseSurvey:
    """Measure one case.

    Args:
        read: gives the labels `[K, *box]` of a part of it.
        size: in pixels.
        spacing: in millimetres; None where it is not known.
        names: the ids of the case and of its patient.
        classes: 1 for binary masks, else the number of labels.
        ignore_label: a label that says nothing.
    """
    measured = _Sums(len(size), max(classes, 2), ignore_label)
    union = np.empty(size, bool)
    for box in slabs(size):
        union[box] = measured.add(read(box), box)
    pieces, areas = _pieces(union, measured.box)
    shared = measured.shared
    marked = measured.areas > 0
    pairs = [(a, b) for a, b in itertools.combinations(range(len(marked)), 2)]
    both = [shared[a, b] > 0 for a, b in pairs if marked[a] and marked[b]]
    ious = [_iou(shared[a, b], measured.areas[a], measured.areas[b]) for a, b in pairs]
    return CaseSurvey(
        *names,
        size,
        spacing,
        measured.areas,
        np.where(marked[:, None, None], measured.boxes, 0),
        measured.box,
        pieces,
        areas,
        (measured.by_class > 0).sum(0),
        float(np.mean(ious)) if ious else None,
        any(both) if both else None,
        measured.ignored / union.size,
    )


class _Sums:
    """What adds up over the slabs of a case."""

    def __init__(self, dims: int, classes: int, ignore_label: int | None) -> None:
        self.classes, self.ignore_label, self.ignored = classes, ignore_label, 0
        self.areas, self.shared = np.zeros(0, np.int64), np.zeros((0, 0), np.int64)
        self.by_class = np.zeros((0, classes - 1), np.int64)
        self.boxes = np.zeros((0, dims, 2), np.int64)

    @property
    def box(self) -> np.ndarray | None:
        there = self.boxes[self.areas > 0]
        return np.stack([there[..., 0].min(0), there[..., 1].max(0)], -1) if len(there) else None

    def add(self, labels: np.ndarray, box: Box) -> np.ndarray:
        """Count the labels `[K, *slab]` in, and return what any reader marked, `[*slab]`."""
        readers = len(labels)
        if not len(self.areas):
            self.areas, self.shared = np.zeros(readers, np.int64), np.zeros((readers, readers), np.int64)
            self.by_class = np.zeros((readers, self.classes - 1), np.int64)
            far = np.iinfo(np.int64).max
            self.boxes = np.tile(np.array([far, 0]), (readers, len(box), 1))
        marked = labels > 0
        if self.ignore_label is not None:
            ignored = labels == self.ignore_label
            marked &= ~ignored
            self.ignored += int(ignored.any(0).sum())
        for reader in np.flatnonzero(marked.reshape(readers, -1).any(1)).tolist():
            self._one(reader, labels[reader], marked[reader], [part.start for part in box])
        flat = marked.reshape(readers, -1)
        some = flat[:, flat.any(0)].astype(np.float64)  # most pixels nobody marks; BLAS has no integers
        self.shared += np.rint(some @ some.T).astype(np.int64)
        return np.asarray(marked.any(0))

    def _one(self, reader: int, labels: np.ndarray, marked: np.ndarray, begin: list[int]) -> None:
        self.areas[reader] += np.count_nonzero(marked)
        counts = np.bincount(labels[marked], minlength=self.classes)
        self.by_class[reader] += counts[1 : self.classes]
        for axis, first in enumerate(begin):
            others = tuple(other for other in range(marked.ndim) if other != axis)
            at = np.flatnonzero(marked.any(others)) + first
            low, high = self.boxes[reader, axis]
            self.boxes[reader, axis] = min(low, at[0]), max(high, at[-1] + 1)


def _pieces(union: np.ndarray, box: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """Boxes and pixels of the connected parts, the largest first; diagonal neighbours hang together."""
    if box is None:
        return np.zeros((0, union.ndim, 2), np.int64), np.zeros(0, np.int64)
    inner = union[tuple(slice(first, last) for first, last in box)]
    numbers, count = ndimage.label(inner, np.ones((3,) * union.ndim))
    areas = np.bincount(numbers.ravel(), minlength=count + 1)[1:]
    found = ndimage.find_objects(numbers)
    order = np.argsort(-areas, kind="stable")[:_MOST_PIECES]
    boxes = [[[part.start, part.stop] for part in found[number]] for number in order.tolist()]
    return np.array(boxes, np.int64) + box[:, :1], areas[order]


def _iou(shared: float, a: float, b: float) -> float:
    return 1.0 if a + b == 0 else float(shared / (a + b - shared))
