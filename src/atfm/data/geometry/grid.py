"""`Grid`: the pixels that a network sees of one image, laid over the pixels of the image.

    grid = Grid(whole=(700, 1024), size=(128, 128), step=(8.0, 8.0))
    seen = grid.bring(image)            # [C, 128, 128], antialiased
    soft = grid.back(probabilities)     # [..., 700, 1024]

Both have the same middle. What of the grid lies beyond the image is padding: 0 in images and masks, and nothing of it
comes back. The way back is linear between the centres of the grid's pixels; where these are finer than the image's, it
is widened as on the way in.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from atfm.data.geometry.weights import area, linear, spread
from atfm.data.pixels import Box

__all__ = ["Grid"]


@dataclass(frozen=True)
class Grid:
    """Where the network's pixels lie.

    Args:
        whole: spatial size of the image.
        size: spatial size of what the network sees of it.
        step: pixels of the image from one pixel of the network to the next, along each axis.
    """

    whole: tuple[int, ...]
    size: tuple[int, ...]
    step: tuple[float, ...]

    @property
    def plain(self) -> bool:
        """Whether the network sees the very pixels of the image."""
        return self.size == self.whole and all(step == 1 for step in self.step)

    @property
    def shrinks(self) -> bool:
        """Whether several pixels of the image become one."""
        return any(step > 1 for step in self.step)

    @property
    def inside(self) -> Box:
        """The part of the network's pixels whose centres lie in the image; the rest is padding."""
        box = []
        for axis, length in enumerate(self.whole):
            at = self.positions(axis)
            there = np.flatnonzero((at >= -0.5) & (at <= length - 0.5))
            box.append(slice(int(there[0]), int(there[-1]) + 1))
        return tuple(box)

    def inner(self, values: np.ndarray) -> np.ndarray:
        """Return values `[..., *size]` without the padding."""
        box: tuple[Any, ...] = (..., *self.inside)
        return np.asarray(values[box])

    def positions(self, axis: int) -> np.ndarray:
        """The centres of the network's pixels along an axis, `[size]`, in pixels of the image."""
        whole, size, step = self.whole[axis], self.size[axis], self.step[axis]
        return (whole - 1) / 2 + (np.arange(size) - (size - 1) / 2) * step

    def bring(self, image: np.ndarray) -> np.ndarray:
        """Bring `image [..., *whole]` to the network's pixels: `[..., *size]` float32, antialiased where it shrinks."""
        return spread(image, self._matrices(linear))

    def cover(self, mask: np.ndarray) -> np.ndarray:
        """The share of each of the network's pixels that `mask [..., *whole]` covers, `[..., *size]` float32."""
        return spread(mask, self._matrices(area))

    def bring_part(self, read: Callable[[Box], np.ndarray], box: Box) -> np.ndarray:
        """`bring`, of which a part is wanted: only those pixels of the image are read that it takes.

        Args:
            read: gives a part `[..., *part]` of the image.
            box: the part of the network's pixels, with both ends.
        """
        cut, reads = _cut(self._matrices(linear), box)
        return spread(read(reads), cut)

    def covering(self, box: Box) -> tuple[Callable[[np.ndarray], np.ndarray], Box]:
        """`cover`, of which a part is wanted: a function of a part of a mask, and which part of the image that is.

        Args:
            box: the part of the network's pixels, with both ends.
        """
        cut, reads = _cut(self._matrices(area), box)
        return lambda mask: spread(mask, cut), reads

    def back(self, values: np.ndarray) -> np.ndarray:
        """Bring `values [..., *size]` of the network's pixels to those of the image: `[..., *whole]` float32."""
        matrices = []
        for axis, (rows, length, step) in enumerate(zip(self.inside, self.whole, self.step, strict=True)):
            at = (np.arange(length) - self.positions(axis)[rows.start]) / step
            many = rows.stop - rows.start
            matrices.append(linear(np.clip(at, 0, many - 1), 1 / step, many))
        return spread(self.inner(values), matrices)

    def cells(self, axis: int) -> np.ndarray:
        """For each pixel of the image along an axis the network's pixel that holds its centre, `[whole]`."""
        rows = self.inside[axis]
        at = (np.arange(self.whole[axis]) - self.positions(axis)[0]) / self.step[axis]
        return np.clip(np.floor(at + 0.5), rows.start, rows.stop - 1).astype(np.int64)

    def _matrices(self, kernel: Callable[[np.ndarray, float, int], csr_array]) -> list[csr_array]:
        return [
            kernel(self.positions(axis), step, length)
            for axis, (step, length) in enumerate(zip(self.step, self.whole, strict=True))
        ]


def _cut(matrices: Sequence[csr_array], box: Box) -> tuple[list[csr_array], Box]:
    """The rows of a part, as matrices of only those pixels of the image that these take, and which they are."""
    wanted = [matrix[part.start : part.stop] for matrix, part in zip(matrices, box, strict=True)]
    reads = tuple(_columns(matrix) for matrix in wanted)
    return [matrix[:, part.start : part.stop] for matrix, part in zip(wanted, reads, strict=True)], reads


def _columns(matrix: csr_array) -> slice:
    """The pixels of the image that some rows take; one, where they take none."""
    if not matrix.nnz:
        return slice(0, 1)
    return slice(int(matrix.indices.min()), int(matrix.indices.max()) + 1)
