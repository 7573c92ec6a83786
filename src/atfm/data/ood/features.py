"""`features`: a few numbers that say how an image looks: its histogram, and how sharp it is."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

__all__ = ["GRADES", "LEVELS", "Features", "features", "tiles"]

LEVELS = (0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1.0)  # quantiles of the intensities
GRADES = (0.25, 0.5, 0.75, 0.9, 0.99)  # quantiles of the differences between neighbours

_PIXELS = 2**13  # of each channel: quantiles of as many tell those of all
_MOST_TILES = 16


class Features(NamedTuple):
    """How an image looks.

    Args:
        histogram: `[C_in * len(LEVELS)]`, the quantiles of each channel's intensities, in [0, 1].
        sharpness: `[len(GRADES)]`, in [0, 1]; see `features`.
    """

    histogram: np.ndarray
    sharpness: np.ndarray


def features(image: np.ndarray) -> Features:
    """Describe an image `[C_in, *spatial]` in [0, 1].

    With `g` the differences `|x - x'|` of all neighbours, along every spatial axis, its sharpness is the quantiles of
    log(1 + 255 g) / log 256: steps of one grey value count, and edges do not drown them.
    """
    flat = image.reshape(len(image), -1)  # [C_in, pixels]
    histogram = np.quantile(_some(flat), LEVELS, axis=1)  # [levels, C_in]
    histogram[0], histogram[-1] = flat.min(1), flat.max(1)
    steps = np.concatenate([_steps(image, axis) for axis in range(1, image.ndim)])
    sharpness = np.log1p(255 * np.quantile(steps, GRADES)) / np.log(256)
    return Features(histogram.T.ravel().astype(np.float32), sharpness.astype(np.float32))


def _steps(image: np.ndarray, axis: int) -> np.ndarray:
    """Some of the differences between neighbours along one axis."""
    if image.shape[axis] < 2:
        return np.zeros(1, np.float32)
    return _some(np.abs(np.diff(image, axis=axis)).reshape(1, -1))[0]


def _some(rows: np.ndarray) -> np.ndarray:
    """Every so-manieth of `[rows, values]`: an odd number, which walks through all columns of an image."""
    return rows[:, :: max(1, rows.shape[1] // _PIXELS) | 1]


def tiles(image: np.ndarray, size: Sequence[int]) -> Iterator[np.ndarray]:
    """Parts of `size` from an image `[C_in, *spatial]`, evenly laid from edge to edge, at most 16 of them.

    An image that is smaller along any axis is one tile as it is; so is one of that very size.
    """
    spatial = image.shape[1:]
    if any(length < wanted for length, wanted in zip(spatial, size, strict=True)) or spatial == tuple(size):
        yield image
        return
    starts = [_starts(length, wanted) for length, wanted in zip(spatial, size, strict=True)]
    corners = np.stack(np.meshgrid(*starts, indexing="ij"), -1).reshape(-1, len(size))  # [tiles, axes]
    chosen = np.unique(np.linspace(0, len(corners) - 1, min(len(corners), _MOST_TILES)).astype(int))
    for corner in corners[chosen]:
        yield image[(slice(None), *(slice(at, at + wanted) for at, wanted in zip(corner, size, strict=True)))]


def _starts(length: int, wanted: int) -> np.ndarray:
    count = max(1, length // wanted)
    return np.array([(length - wanted) // 2]) if count == 1 else np.linspace(0, length - wanted, count).astype(int)
