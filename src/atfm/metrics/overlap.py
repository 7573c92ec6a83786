"""Overlap of every two masks of an image, from one matrix product, which all other scores are read from.

With the masks of an image flattened to the rows of a 0/1 matrix `M`, `M M^T` counts the pixels that any two of them
share, and its diagonal the pixels of each: IoU and Dice follow. Float32 counts exactly up to 2^24 pixels a product.

Two masks that are both empty agree: their IoU and Dice are 1. Papers that differ (D-Persona: 0) are met by `empty`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from atfm.metrics.masks import Array, areas, as_pair

__all__ = ["Overlaps", "Pairs", "overlaps", "pairwise_dice", "pairwise_iou"]

_CHUNK = 2**24  # numbers in one float32 operand: 64 MB


@dataclass(frozen=True)
class Pairs:
    """A number for every two masks of an image.

    Args:
        samples: `[S, S]`, sample against sample.
        across: `[S, K]`, sample against annotator.
        annotators: `[K, K]`, annotator against annotator.
    """

    samples: np.ndarray
    across: np.ndarray
    annotators: np.ndarray

    def first(self, n: int) -> "Pairs":
        """Return the same of the first `n` samples only."""
        return Pairs(self.samples[:n, :n], self.across[:n], self.annotators)

    @property
    def distance(self) -> "Pairs":
        """The distances `d = 1 - overlap`, in [0, 1]."""
        return Pairs(1 - self.samples, 1 - self.across, 1 - self.annotators)


@dataclass(frozen=True)
class Overlaps:
    """IoU and Dice of all masks of one image, each in [0, 1]."""

    iou: Pairs
    dice: Pairs


def overlaps(samples: Array, annotations: Array, *, empty: float = 1.0) -> Overlaps:
    """Compare all masks of one image, samples and annotations alike, in one matrix product.

    Args:
        samples: `[S, C, *spatial]`, values 0 or 1.
        annotations: `[K, C, *spatial]`, values 0 or 1.
        empty: the IoU and Dice of empty against empty, in [0, 1].

    Returns:
        Both overlaps, each the mean over the `C` channels.

    Raises:
        InputError: masks that do not fit, see `as_pair`.
    """
    masks = np.concatenate(as_pair(samples, annotations))  # [S + K, C, *spatial]
    shared = _shared(masks, masks)
    sizes = np.diagonal(shared, axis1=1, axis2=2)  # [C, S + K]
    s = len(samples)

    def split(matrix: np.ndarray) -> Pairs:
        return Pairs(matrix[:s, :s], matrix[:s, s:], matrix[s:, s:])

    return Overlaps(split(_iou(shared, sizes, sizes, empty)), split(_dice(shared, sizes, sizes, empty)))


def pairwise_iou(a: Array, b: Array, *, empty: float = 1.0) -> np.ndarray:
    """Return the IoU `|A and B| / |A or B|` of every mask of `a` with every mask of `b`.

    Args:
        a: `[S, C, *spatial]`, values 0 or 1.
        b: `[T, C, *spatial]`, values 0 or 1.
        empty: the IoU of empty against empty.

    Returns:
        `[S, T]` float64 in [0, 1], the mean over the `C` channels.

    Raises:
        InputError: masks that do not fit, see `as_pair`.
    """
    a, b = as_pair(a, b)
    return _iou(_shared(a, b), areas(a).T, areas(b).T, empty)


def pairwise_dice(a: Array, b: Array, *, empty: float = 1.0) -> np.ndarray:
    """Return the Dice score `2 |A and B| / (|A| + |B|)` of every mask of `a` with every mask of `b`.

    Arguments, result and errors are those of `pairwise_iou`.
    """
    a, b = as_pair(a, b)
    return _dice(_shared(a, b), areas(a).T, areas(b).T, empty)


def _shared(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Count the pixels shared by every two masks: `[S, C, *sp]` and `[T, C, *sp]` to `[C, S, T]` float64."""
    counts = np.zeros((a.shape[1], len(a), len(b)))
    for channel, count in enumerate(counts):
        for x, y in _chunks(a[:, channel], b[:, channel]):
            count += x @ y.T
    return counts


def _chunks(a: np.ndarray, b: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield both sets of masks as float32 `[S, p]` and `[T, p]`, a few pixels at a time.

    Pixels that are background in all masks of a set add nothing and are left out: most of a typical image.
    """
    x, y = a.reshape(len(a), -1), b.reshape(len(b), -1)  # [N, *spatial] -> [N, P]
    width = max(1, _CHUNK // max(len(x), len(y)))
    for start in range(0, x.shape[1], width):
        left, right = x[:, start : start + width], y[:, start : start + width]
        on = left.any(0) if a is b else left.any(0) & right.any(0)
        floats = left.compress(on, axis=1).astype(np.float32)
        # the same array twice lets BLAS compute half of a symmetric product
        yield floats, floats if a is b else right.compress(on, axis=1).astype(np.float32)


def _iou(shared: np.ndarray, size_a: np.ndarray, size_b: np.ndarray, empty: float) -> np.ndarray:
    """Turn counts `[C, S, T]` and sizes `[C, S]`, `[C, T]` into the mean IoU `[S, T]`."""
    return _ratio(shared, size_a[:, :, None] + size_b[:, None, :] - shared, empty)


def _dice(shared: np.ndarray, size_a: np.ndarray, size_b: np.ndarray, empty: float) -> np.ndarray:
    """Turn counts `[C, S, T]` and sizes `[C, S]`, `[C, T]` into the mean Dice score `[S, T]`."""
    return _ratio(2 * shared, size_a[:, :, None] + size_b[:, None, :], empty)


def _ratio(part: np.ndarray, whole: np.ndarray, empty: float) -> np.ndarray:
    """Divide `[C, S, T]` counts, with `empty` where both masks are, and average the channels."""
    return np.divide(part, whole, out=np.full_like(part, empty), where=whole > 0).mean(0)
