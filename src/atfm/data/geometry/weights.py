r"""What each pixel of one grid is of those of another, along one axis: a sparse matrix, so that all axes follow alone.

    linear:  w_j = max(0, 1 - |p - j| / max(step, 1)),    normalised to sum 1
    area:    w_j = the share of the cell [p - step / 2, p + step / 2] that lies in the pixel [j - 1/2, j + 1/2]

with `p` the centre of a pixel of the new grid in pixels of the old, and `step` the old pixels in a new one. The first
is the linear filter that is widened where it shrinks, so that nothing is skipped: what Pillow and torch's
`interpolate(antialias=True)` compute. They know neither volumes nor a part of an image, and scipy.ndimage's zoom does
not widen; here the product with a sparse matrix (scipy.sparse) takes any axes, and any rows of it give the very numbers
that the whole gives.
"""

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_array

__all__ = ["area", "linear", "spread"]


def linear(positions: np.ndarray, step: float, length: int) -> csr_array:
    """The weights `[len(positions), length]` of linear interpolation, widened by a step above 1.

    Args:
        positions: centres in pixels of the old grid; one that lies beyond its pixels has no weight at all.
        step: pixels of the old grid from one position to the next.
        length: pixels of the old grid.
    """
    width = max(step, 1.0)
    near = _near(positions, width)
    return _matrix(positions, near, np.maximum(0, 1 - np.abs(near - positions[:, None]) / width), length)


def area(positions: np.ndarray, step: float, length: int) -> csr_array:
    """The weights of the mean over the cell round each position; the arguments are those of `linear`."""
    near = _near(positions, (step + 1) / 2)
    low, high = positions[:, None] - step / 2, positions[:, None] + step / 2
    shared = np.minimum(high, near + 0.5) - np.maximum(low, near - 0.5)
    return _matrix(positions, near, np.where(shared > 1e-9 * step, shared, 0), length)


def spread(values: np.ndarray, matrices: Sequence[csr_array]) -> np.ndarray:
    """Apply a matrix to each of the last axes of `values [..., *old]`: `[..., *new]` float32."""
    values = np.asarray(values, np.float32)
    for axis, matrix in enumerate(matrices, start=values.ndim - len(matrices)):
        if _is_identity(matrix):
            continue
        front = np.moveaxis(values, axis, 0)
        product = matrix @ np.ascontiguousarray(front).reshape(len(front), -1)
        values = np.moveaxis(product.reshape(-1, *front.shape[1:]), 0, axis)
    return np.ascontiguousarray(values)


def _near(positions: np.ndarray, reach: float) -> np.ndarray:
    """The pixels of the old grid within reach of each position, `[len(positions), some]`."""
    first = np.ceil(positions - reach)[:, None]
    return np.asarray(first + np.arange(int(np.floor(2 * reach)) + 1))


def _matrix(positions: np.ndarray, near: np.ndarray, weight: np.ndarray, length: int) -> csr_array:
    inside = (positions >= -0.5) & (positions <= length - 0.5)
    weight = np.where((near >= 0) & (near < length) & inside[:, None], weight, 0)
    total = weight.sum(1, keepdims=True)
    weight = np.divide(weight, total, out=np.zeros_like(weight), where=total > 0)
    rows, taps = np.nonzero(weight)
    shape = (len(positions), length)
    return csr_array((weight[rows, taps].astype(np.float32), (rows, near[rows, taps].astype(np.int64))), shape=shape)


def _is_identity(matrix: csr_array) -> bool:
    rows, columns = matrix.shape
    plain = rows == columns == matrix.nnz and bool((matrix.data == 1).all())
    return plain and np.array_equal(matrix.indices, np.arange(rows))
