"""Closed polygons on a plane of pixels: which centres lie inside, and which on the line.

A centre is inside where a ray from it crosses the polygon an odd number of times, so that a keyhole, an outline that
runs through a channel to an inner border and back, has its hole whichever way it was drawn. A centre within a hundredth
of a pixel of the line is on it: coordinates are written as decimals of a few digits.
"""

from collections.abc import Iterator

import numpy as np

from atfm.errors import InputError

__all__ = ["NEAR", "area", "filled", "on_line"]

NEAR = 0.01  # of a pixel
AT_ONCE = 2**20  # crossings
MOST_CROSSINGS = 2**26  # some thousand times those of the largest outline


def area(points: np.ndarray) -> float:
    """The area of a polygon `[N, 2]`, in pixels; half the sum of cross products."""
    x, y = points.T
    return float(abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2)


def filled(points: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The centres inside a polygon, `[H, W]` bool; of those on its line, the ones that a half-open rule gives it.

    Args:
        points: `[N, 2]` column and row of each corner, the last joined to the first; may lie outside.
        shape: `(H, W)`.

    Raises:
        InputError: more crossings than any outline has.
    """
    height, width = shape
    toggles = np.zeros((height, width + 1), np.int32)
    for rows, columns in crossings(points[:, 1], points[:, 0], height):
        # from the first centre at or behind the crossing on, everything is turned round
        np.add.at(toggles, (rows, np.clip(np.ceil(columns), 0, width).astype(np.int64)), 1)
    return np.cumsum(toggles[:, :width], axis=1) % 2 == 1


def crossings(along: np.ndarray, across: np.ndarray, count: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Where a polygon crosses the lines 0 to `count - 1`: the line, and the other coordinate there.

    An edge holds its lower end and not its upper one, so a corner is crossed once or twice, never half.
    """
    after, beside = np.roll(along, -1), np.roll(across, -1)
    first = np.clip(np.ceil(np.minimum(along, after)), 0, count).astype(np.int64)
    last = np.clip(np.ceil(np.maximum(along, after)), 0, count).astype(np.int64)  # not in it
    lines = last - first
    if lines.sum() > MOST_CROSSINGS:
        raise InputError(f"an outline that crosses {lines.sum()} rows; nobody drew it")
    blocks = np.cumsum(lines) // AT_ONCE
    for block in np.unique(blocks[lines > 0]):
        edges = np.flatnonzero((blocks == block) & (lines > 0))
        edge = np.repeat(edges, lines[edges])
        begin = np.repeat(np.cumsum(lines[edges]) - lines[edges], lines[edges])
        line = first[edge] + np.arange(len(edge)) - begin
        share = (line - along[edge]) / (after[edge] - along[edge])
        yield line, across[edge] + share * (beside[edge] - across[edge])


def on_line(points: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """The centres on the line of a polygon, `[H, W]` bool; arguments as for `filled`."""
    on = np.zeros(shape, bool)
    x, y = points.T
    for rows, columns in crossings(y, x, shape[0]):
        mark(on, rows, columns)
    for columns, rows in crossings(x, y, shape[1]):
        mark(on, rows, columns)
    mark(on, y, x)  # corners, also of edges that the half-open rule passes over
    return on


def mark(on: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> None:
    """Set the centres that points are near to."""
    row, column = np.rint(rows), np.rint(columns)
    near = (np.abs(rows - row) <= NEAR) & (np.abs(columns - column) <= NEAR)
    near &= (row >= 0) & (row < on.shape[0]) & (column >= 0) & (column < on.shape[1])
    on[row[near].astype(np.int64), column[near].astype(np.int64)] = True
