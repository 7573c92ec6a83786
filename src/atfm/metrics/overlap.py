"""Overlap of every two masks of an image, from one matrix product, which all other scores are read from.

With the masks of an image flattened to the rows of a 0/1 matrix `M`, `M M^T` counts the pixels that any two of them
share, and its diagonal the pixels of each: IoU and Dice follow. Float32 counts exactly up to 2^24 pixels a product.

What makes it quick: pixels that are background in every mask, most of a typical image, are left out; samples and
annotators share one product, of which BLAS computes half, as it is symmetric; a large image is taken a few pixels at
a time, so that memory beyond the masks is that of the `[N, N]` counts and of one block.

Two masks that are both empty agree: their IoU and Dice are 1. Papers that differ (D-Persona: 0) are met by `empty`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from atfm.errors import InputError
from atfm.metrics.masks import Array, areas, as_pair

__all__ = ["Overlaps", "Pairs", "overlaps", "overlaps_of", "pairwise_dice", "pairwise_iou"]

_CHUNK = 2**22  # numbers in one float32 operand: 16 MB, 100 masks of 200x200 at once


@dataclass(frozen=True)
class Pairs:
    """A number for every two masks of an image.

    Args:
        samples: `[S, S]`, sample against sample.
        across: `[S, K]`, sample against annotator.
        annotators: `[K, K]`, annotator against annotator.

    Raises:
        InputError: matrices of other shapes.
    """

    samples: np.ndarray
    across: np.ndarray
    annotators: np.ndarray

    def __post_init__(self) -> None:
        got = [np.shape(matrix) for matrix in (self.samples, self.across, self.annotators)]
        s, k = got[1] if len(got[1]) == 2 else (0, 0)
        if not s or not k or got != [(s, s), (s, k), (k, k)]:
            shapes = ", ".join(str(list(shape)) for shape in got)
            raise InputError(f"pairs: expected [S, S], [S, K] and [K, K], got {shapes}")

    def first(self, n: int) -> "Pairs":
        """Return the same of the first `n` samples only."""
        return Pairs(self.samples[:n, :n], self.across[:n], self.annotators)

    @property
    def distance(self) -> "Pairs":
        """The distances `d = 1 - overlap`, in [0, 1]."""
        return Pairs(1 - self.samples, 1 - self.across, 1 - self.annotators)


@dataclass(frozen=True)
class Overlaps:
    """How all masks of one image overlap, samples first and annotators after them (`N = S + K`).

    Args:
        shared: `[C, N, N]` float64, the pixels that two masks share; on the diagonal the pixels of each.
        samples: `S`, how many of the masks are samples.
        empty: the IoU and Dice of empty against empty, in [0, 1]; None leaves such a class out of the mean over the
            classes, see `overlaps`.
    """

    shared: np.ndarray
    samples: int
    empty: float | None = 1.0

    @cached_property
    def iou(self) -> Pairs:
        """IoU in [0, 1], the mean over the classes."""
        sizes = self._sizes
        return self._split(_iou(self.shared, sizes, sizes, self.empty))

    @cached_property
    def dice(self) -> Pairs:
        """Dice score in [0, 1], the mean over the classes."""
        sizes = self._sizes
        return self._split(_dice(self.shared, sizes, sizes, self.empty))

    @cached_property
    def presence(self) -> Pairs:
        """How two masks agree whether there is anything at all: the IoU of masks that are shrunk to one pixel.

        1 where both mark something, 0 where one does, and where neither does `empty`; the mean over the classes.
        """
        there = (self._sizes > 0).astype(np.float64)
        return self._split(_iou(there[:, :, None] * there[:, None, :], there, there, self.empty))

    @property
    def sample_areas(self) -> np.ndarray:
        """Pixels of each sample and class, `[S, C]`."""
        return self._sizes[:, : self.samples].T

    @property
    def annotator_areas(self) -> np.ndarray:
        """Pixels of each annotation and class, `[K, C]`."""
        return self._sizes[:, self.samples :].T

    def of_class(self, channel: int) -> "Overlaps":
        """Return the overlaps of one class alone."""
        return Overlaps(self.shared[channel : channel + 1], self.samples, self.empty)

    def own_readers(self, k: int) -> "Overlaps":
        """Return the overlaps of the first `S - k` samples with the last `k` of them, taken for annotators."""
        s = self.samples
        return Overlaps(self.shared[:, :s, :s], s - k, self.empty)

    @property
    def _sizes(self) -> np.ndarray:
        return np.diagonal(self.shared, axis1=1, axis2=2)  # [C, N]

    def _split(self, matrix: np.ndarray) -> Pairs:
        s = self.samples
        return Pairs(matrix[:s, :s], matrix[:s, s:], matrix[s:, s:])


def overlaps(samples: Array, annotations: Array, *, empty: float | None = 1.0) -> Overlaps:
    """Compare all masks of one image, samples and annotations alike, in one matrix product.

    Args:
        samples: `[S, C, *spatial]`, values 0 or 1; each of the channels counts, so leave the background out.
        annotations: `[K, C, *spatial]`, values 0 or 1.
        empty: the IoU and Dice of empty against empty, in [0, 1]. None leaves a class that neither mask of a pair has
            out of their mean over the classes (Kohl et al. 2018 on Cityscapes); where no class is left they agree: 1.

    Returns:
        Both overlaps, each the mean over the `C` channels.

    Raises:
        InputError: masks that do not fit, see `as_pair`, or a pixel in two channels.
    """
    s, r = _classes(samples, annotations, ("samples", "annotations"))
    return overlaps_of(s, r, empty=empty)


def overlaps_of(samples: np.ndarray, annotations: np.ndarray, *, empty: float | None = 1.0) -> Overlaps:
    """Return `overlaps` of masks that are checked already, bool and without the background."""
    return Overlaps(_shared_by_all(samples, annotations), len(samples), empty)


def pairwise_iou(a: Array, b: Array, *, empty: float | None = 1.0) -> np.ndarray:
    """Return the IoU `|A and B| / |A or B|` of every mask of `a` with every mask of `b`.

    Args:
        a: `[S, C, *spatial]`, values 0 or 1.
        b: `[T, C, *spatial]`, values 0 or 1.
        empty: the IoU of empty against empty, as in `overlaps`.

    Returns:
        `[S, T]` float64 in [0, 1], the mean over the `C` channels.

    Raises:
        InputError: masks that do not fit, see `as_pair`, or a pixel in two channels.
    """
    a, b = _classes(a, b, ("a", "b"))
    return _iou(_shared(a, b), areas(a).T, areas(b).T, empty)


def pairwise_dice(a: Array, b: Array, *, empty: float | None = 1.0) -> np.ndarray:
    """Return the Dice score `2 |A and B| / (|A| + |B|)` of every two masks, as `pairwise_iou` does the IoU."""
    a, b = _classes(a, b, ("a", "b"))
    return _dice(_shared(a, b), areas(a).T, areas(b).T, empty)


def _classes(a: Array, b: Array, names: tuple[str, str]) -> tuple[np.ndarray, np.ndarray]:
    """Both sets of masks as bool, checked; their channels are one object or classes, with or without the background."""
    for masks, name in zip((a, b), names, strict=True):
        if masks.ndim == 3 and masks.shape[1] > 1:
            raise InputError(
                f"{name}: expected [N, C, *spatial], got {list(masks.shape)}; this looks like [N, H, W], masks without "
                f"the axis of channels: give {name}[:, None] (of flat classes {name}[:, :, None])"
            )
    return as_pair(a, b, whole=False, names=names)


def _shared_by_all(s: np.ndarray, r: np.ndarray) -> np.ndarray:
    """Count the pixels shared by every two masks of both sets: `[S, C, *sp]`, `[K, C, *sp]` to `[C, N, N]` float64."""
    masks = len(s) + len(r)
    counts = np.zeros((s.shape[1], masks, masks))
    for channel, count in enumerate(counts):
        for x, y in _chunks(s[:, channel], r[:, channel]):
            on = _union(x) | _union(y)
            both = _packed((x, y), on)  # [N, p]
            # the same array twice lets BLAS compute half of a symmetric product
            count += both @ both.T
    return counts


def _shared(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Count the pixels shared by every mask of `[S, C, *sp]` with every one of `[T, C, *sp]`: `[C, S, T]` float64."""
    counts = np.zeros((a.shape[1], len(a), len(b)))
    for channel, count in enumerate(counts):
        for x, y in _chunks(a[:, channel], b[:, channel]):
            on = _union(x) & _union(y)  # a pixel that no mask of one side has is shared by none
            count += _packed((x,), on) @ _packed((y,), on).T
    return counts


def _chunks(a: np.ndarray, b: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield both sets of masks as views `[S, p]` and `[T, p]`, a few pixels at a time."""
    x, y = a.reshape(len(a), -1), b.reshape(len(b), -1)  # [N, *spatial] -> [N, P]
    width = max(1, _CHUNK // (len(x) + len(y)))
    for start in range(0, x.shape[1], width):
        yield x[:, start : start + width], y[:, start : start + width]


def _union(masks: np.ndarray) -> np.ndarray:
    """The pixels that any of the masks has, `[N, p]` to `[p]`."""
    return np.asarray(masks.any(0))


def _packed(masks: tuple[np.ndarray, ...], on: np.ndarray) -> np.ndarray:
    """Stack the pixels `on` of sets of masks `[N_i, p]` as float32 `[sum N_i, count of on]`."""
    pixels = np.flatnonzero(on)
    packed = np.empty((sum(map(len, masks)), len(pixels)), dtype=np.float32)
    start = 0
    for part in masks:
        packed[start : start + len(part)] = part.take(pixels, axis=1)
        start += len(part)
    return packed


def _iou(shared: np.ndarray, size_a: np.ndarray, size_b: np.ndarray, empty: float | None) -> np.ndarray:
    """Turn counts `[C, S, T]` and sizes `[C, S]`, `[C, T]` into the mean IoU `[S, T]`."""
    return _ratio(shared, size_a[:, :, None] + size_b[:, None, :] - shared, empty)


def _dice(shared: np.ndarray, size_a: np.ndarray, size_b: np.ndarray, empty: float | None) -> np.ndarray:
    """Turn counts `[C, S, T]` and sizes `[C, S]`, `[C, T]` into the mean Dice score `[S, T]`."""
    return _ratio(2 * shared, size_a[:, :, None] + size_b[:, None, :], empty)


def _ratio(part: np.ndarray, whole: np.ndarray, empty: float | None) -> np.ndarray:
    """Divide `[C, S, T]` counts, with `empty` where both masks are, and average the channels."""
    there = whole > 0
    if empty is not None:
        ratio = np.divide(part, whole, out=np.full_like(part, empty), where=there)
        return ratio.mean(0) if len(ratio) > 1 else ratio[0]
    ratio = np.divide(part, whole, out=np.zeros_like(part), where=there)
    classes = there.sum(0)  # [S, T], those that at least one of the two masks has
    return np.divide(ratio.sum(0), classes, out=np.ones_like(part[0]), where=classes > 0)
