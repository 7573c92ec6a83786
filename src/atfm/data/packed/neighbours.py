"""What a pixel is predicted from, and how much each of it tells.

A plane is one line of pixels here. A row ends in two pixels that are not coded, its last and its first, so that
neighbours across the border are like those within.
"""

import numpy as np

__all__ = [
    "BEFORE",
    "BIAS",
    "CHAIN",
    "LAG",
    "OWN",
    "PAD",
    "SHIFT",
    "TERMS",
    "around",
    "bordered",
    "fitted",
    "raster",
    "shifted",
]

CHAIN = 16  # planes, of which each but the first is predicted from the one before
LAG = 2  # rows that a plane is read behind the one before
PAD = 2  # pixels that a row ends in
SHIFT = 10  # coefficients are whole numbers of 2 ** -SHIFT
BIAS = 16  # the constant among the pixels
# (rows up, columns left) in the plane itself, and in the plane before
NEAR = ((0, 1), (1, 0), (1, 1), (1, -1), (0, 2), (2, 0))
OWN = (*NEAR, (2, 1), (2, -1), (1, 2), (1, -2), (0, 3), (3, 0), (2, 2), (2, -2))
BEFORE = (*((dy, dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)), (0, 2), (0, -2), (2, 0), (-1, 2), (-1, -2), (1, 2))
TERMS = len(OWN) + len(BEFORE) + 1


def raster(plane: np.ndarray) -> np.ndarray:
    """A plane `[H, W]` as one line, each row with its border."""
    return bordered(np.pad(plane, ((0, 0), (0, PAD))).reshape(-1), plane.shape[1])


def bordered(line: np.ndarray, width: int) -> np.ndarray:
    """The same line, each row of it followed by its last and its first pixel."""
    rows = line.reshape(-1, width + PAD).copy()
    rows[:, width], rows[:, width + 1] = rows[:, width - 1], rows[:, 0]
    return rows.reshape(-1)


def shifted(line: np.ndarray, back: int, fill: int) -> np.ndarray:
    """The pixel `back` steps before each one, or after it where `back` is negative."""
    out = np.full_like(line, fill)
    if abs(back) < len(line):
        out[max(back, 0) : len(line) + min(back, 0)] = line[max(-back, 0) : len(line) - max(back, 0)]
    return out


def around(rasters: np.ndarray, means: np.ndarray, i: int, stride: int) -> np.ndarray:
    """What plane `i` is predicted from, `[TERMS, P]`."""
    own = [shifted(rasters[i], dy * stride + dx, means[i]) for dy, dx in OWN]
    before = np.zeros((len(BEFORE), rasters.shape[1]), np.uint8)
    if i % CHAIN:
        before = np.stack([shifted(rasters[i - 1], dy * stride + dx, means[i - 1]) for dy, dx in BEFORE])
    return np.concatenate([own, before, np.full((1, rasters.shape[1]), BIAS)]).astype(np.int64)


def fitted(line: np.ndarray, terms: np.ndarray, width: int) -> np.ndarray:
    """The coefficients of one plane, in steps of `2 ** -SHIFT`."""
    stride, used = width + PAD, terms.any(1)
    inner = (np.arange(len(line)) % stride < width).astype(np.float32)
    matrix, wanted, weight = terms[used].astype(np.float32), line.astype(np.float32), inner
    for _ in range(2):
        weighted = matrix * weight
        ridge = 1e-3 * len(line) * np.eye(len(matrix))
        solution = np.linalg.solve(
            (weighted @ matrix.T).astype(np.float64) + ridge, (weighted @ wanted).astype(np.float64)
        )
        error = np.abs(wanted - solution.astype(np.float32) @ matrix)
        weight = inner / (1 + error)
    out = np.zeros(len(terms))
    out[used] = np.clip(np.rint(solution * (1 << SHIFT)), -(2**15), 2**15 - 1)
    return out.astype(np.int16)
