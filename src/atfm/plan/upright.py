"""Whether the images of a set have an upright: how alike they are as they lie, turned, and mirrored."""

from typing import NamedTuple

import numpy as np
from scipy import ndimage

from atfm.data.store import Store

__all__ = ["Upright", "upright"]

_GRID = 12  # rows and columns that an image is brought to
_LEAST, _MOST = 8, 100  # images; fewer do not tell
_SEED = 2026


class Upright(NamedTuple):
    """Mean correlation of two different images of a set, less what lies alike however it is turned; 0 of a few images.

    Args:
        alike: as both lie.
        mirrored: with one mirrored, left to right.
        turned: with one turned by a quarter, a half or three quarters, with and without mirroring: the most of these.
    """

    alike: float
    mirrored: float
    turned: float


def upright(store: Store, split: str = "train") -> Upright:
    """Measure the images of a split; of volumes the middle slices.

    Raises:
        StoreError: no such split, or a damaged case.
    """
    chosen = np.random.default_rng(_SEED).permutation(store.split(split))[:_MOST]
    if len(chosen) < _LEAST:
        return Upright(0.0, 0.0, 0.0)
    small = np.stack([_small(store, number) for number in sorted(chosen.tolist())])  # [N, 12, 12]
    small = small - np.mean([turn.mean(0) for turn in _turns(small)], 0)  # what lies alike however it is turned
    flat, turns = _normal(small), _turns(small)
    likeness = [_likeness(flat, _normal(turn)) for turn in turns]
    return Upright(likeness[0], likeness[4], max(likeness[1:4] + likeness[5:]))


def _turns(images: np.ndarray) -> list[np.ndarray]:
    """The four quarter turns of `[N, S, S]`, and those of the mirrored images."""
    return [np.rot90(side, quarter, (1, 2)) for side in (images, images[:, :, ::-1]) for quarter in range(4)]


def _small(store: Store, number: int) -> np.ndarray:
    """One image as a grey square of few pixels, whatever its size."""
    image = np.asarray(store.pixels.image(number), np.float32).mean(0)
    image = image[len(image) // 2] if image.ndim == 3 else image
    factors = [_GRID / side for side in image.shape]
    blurred = ndimage.gaussian_filter(image, [0.5 / factor for factor in factors], mode="nearest")
    return np.asarray(ndimage.zoom(blurred, factors, order=1, grid_mode=True, mode="nearest"))


def _normal(images: np.ndarray) -> np.ndarray:
    """Rows `[N, 144]` of mean 0 and length 1; an image of one grey is 0."""
    flat = images.reshape(len(images), -1) - images.mean((1, 2))[:, None]
    length = np.linalg.norm(flat, axis=1, keepdims=True)
    return np.asarray(np.divide(flat, length, out=np.zeros_like(flat), where=length > 1e-6))


def _likeness(one: np.ndarray, other: np.ndarray) -> float:
    """The mean correlation of different images."""
    products = one @ other.T
    return float((products.sum() - np.trace(products)) / (len(one) * (len(one) - 1)))
