"""Masks on the pixels of the image, of the probabilities that a method drew on those of the network.

Each sample's probabilities are brought back linearly, and thresholded at .5 (of several classes the most probable) only
there. They say how much of a pixel is covered, which a mask on the network's pixels no longer knows. What that is worth
was measured on true masks that go in and come back, as IoU (`docs/data.md`, "Images of any size"): of cells scaled to
96 x 96, .966 by what is covered, .914 by the mask brought back linearly, and .897 by the nearest pixel.
"""

from collections.abc import Iterator

import numpy as np

from atfm.data.geometry.grid import Grid

__all__ = ["masks_back", "thresholded"]


def thresholded(probabilities: np.ndarray) -> np.ndarray:
    """`[C, ...]` in [0, 1] as a mask, bool: above .5, or of several classes the most probable, the first of equals."""
    if len(probabilities) == 1:
        return np.asarray(probabilities > 0.5)
    numbers = np.arange(len(probabilities)).reshape(-1, *[1] * (probabilities.ndim - 1))
    return np.asarray(numbers == probabilities.argmax(0))


def masks_back(grid: Grid, probabilities: np.ndarray) -> Iterator[np.ndarray]:
    """Bring samples to the pixels of the image one by one: a large image is held in floats once only.

    A sample that marks anything within the image marks something when it comes back, be it a single pixel.

    Args:
        grid: how the image was brought to the network.
        probabilities: `[S, C, ..., *size]`, between 0 and 1; between the channels and the image may lie slices.

    Yields:
        `[C, ..., *whole]` bool, S times.
    """
    for sample in probabilities:
        if grid.plain:
            yield thresholded(sample)
            continue
        soft = grid.back(sample)
        mask = thresholded(soft)
        if not _marks(mask) and _marks(thresholded(grid.inner(sample))):
            _set_surest(mask, soft)
        yield mask


def _marks(mask: np.ndarray) -> bool:
    return bool((mask if len(mask) == 1 else mask[1:]).any())


def _set_surest(mask: np.ndarray, soft: np.ndarray) -> None:
    """Mark the pixel that is most probably of any object."""
    objects = soft if len(soft) == 1 else soft[1:]
    channel, pixel = divmod(int(objects.argmax()), objects[0].size)
    flat = mask.reshape(len(mask), -1)
    flat[:, pixel] = False
    flat[channel + (len(soft) > 1), pixel] = True
