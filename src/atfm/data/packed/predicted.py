"""8-bit planes predicted pixel by pixel, and the errors coded: a tenth smaller than JPEG 2000 on noisy slices.

    x'[p] = clip( sum_k c_k y_k >> SHIFT ),   coded: (x - x') mod 256 in the context of errors nearby

`y` are pixels of the plane that come before `p`, and pixels around `p` of the plane before (`neighbours`); `c` are
whole numbers, so that every machine predicts the same.

Planes are read in step, one pixel of thousands at a time. Chains of `CHAIN` planes follow each other two rows apart:
the plane before is always far enough ahead.
"""

import zlib
from collections.abc import Iterator

import numpy as np

from atfm.data.packed.lanes import SYMBOLS, Model, Reader, write_lanes
from atfm.data.packed.neighbours import (
    BEFORE,
    BIAS,
    CHAIN,
    LAG,
    OWN,
    PAD,
    SHIFT,
    TERMS,
    around,
    bordered,
    fitted,
    raster,
    shifted,
)

__all__ = ["FEWEST", "from_predicted", "to_predicted"]

FEWEST = 64  # planes; fewer are as quick one by one, and JPEG 2000 takes them
BINS = 32  # contexts
ACTIVITY = ((0, 1, 2), (1, 0, 2), (1, 1, 1), (1, -1, 1), (0, 2, 1), (2, 0, 1))  # where an error counts, and how much
LEVELS = 2**9  # of the mean error of a plane
VALUES = 2 * 128 * sum(weight for *_, weight in ACTIVITY) + LEVELS


def to_predicted(planes: np.ndarray) -> bytes:
    """Code planes `[n, H, W]` uint8."""
    n, height, width = planes.shape
    rasters = np.stack([raster(plane) for plane in planes])  # [n, P]
    means = np.rint(rasters.mean(1)).astype(np.uint8)
    coefficients = np.zeros((n, TERMS), np.int16)
    symbols, values = np.empty_like(rasters), np.empty(rasters.shape, np.uint16)
    levels = np.empty(n, np.uint16)
    for i in range(n):
        terms = around(rasters, means, i, width + PAD)
        coefficients[i] = fitted(rasters[i], terms, width)
        predicted = np.clip((coefficients[i].astype(np.int64) @ terms + (1 << SHIFT >> 1)) >> SHIFT, 0, 255)
        symbols[i] = (rasters[i] - predicted) & 255
        error = bordered(np.minimum(symbols[i], 256 - symbols[i].astype(np.int64)), width)
        levels[i] = min(round(12 * error.mean()), LEVELS - 1)
        nearby = sum(weight * shifted(error, dy * (width + PAD) + dx, 0) for dy, dx, weight in ACTIVITY)
        values[i] = 2 * nearby + levels[i]
    coded = values.reshape(n, height, -1)[..., :width]
    edges = np.quantile(coded[:, ::3], np.linspace(0, 1, BINS + 1)[1:-1]).astype(np.uint16)
    bin_of = bins(edges)
    contexts = bin_of[values]
    counts = np.zeros((BINS, SYMBOLS), np.int64)
    inner = (array.reshape(n, height, -1)[..., :width] for array in (contexts, symbols))
    np.add.at(counts.reshape(-1), np.ravel(next(inner)) * np.intp(SYMBOLS) + np.ravel(next(inner)), 1)
    counts[bin_of[0], 0] += 1  # of lanes that no plane fills
    model = Model.of(counts)
    laned = [
        lanes_of(line.reshape(n, height, -1)[..., :width], fill) for line, fill in ((contexts, bin_of[0]), (symbols, 0))
    ]
    lanes = -(-n // CHAIN) * CHAIN
    states, words = write_lanes(model, lanes, backwards(height, width, lanes, *laned))
    side = (coefficients.T, means, levels, edges, model.frequencies.astype(np.uint16))
    head = zlib.compress(
        b"".join(np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<")).tobytes() for array in side), 9
    )
    return len(head).to_bytes(8, "little") + head + states.astype("<u4").tobytes() + words.astype("<u2").tobytes()


def from_predicted(data: bytes, shape: tuple[int, ...]) -> np.ndarray:
    """`to_predicted` backwards.

    Args:
        data: what it gave.
        shape: `[n, H, W]`.

    Raises:
        ValueError: data that cannot be of this shape.
    """
    n, height, width = shape
    lanes, size = -(-n // CHAIN) * CHAIN, int.from_bytes(data[:8], "little")
    kinds = (("<i2", TERMS * n), ("u1", n), ("<u2", n), ("<u2", BINS - 1), ("<u2", BINS * SYMBOLS))
    head = zlib.decompressobj().decompress(
        data[8 : 8 + size], sum(np.dtype(kind).itemsize * count for kind, count in kinds)
    )
    side, at = [], 0
    for kind, count in kinds:
        side.append(np.frombuffer(head, kind, count, at))
        at += side[-1].nbytes
    coefficients, means, levels, edges, frequencies = side
    states = np.frombuffer(data, "<u4", lanes, 8 + size)
    words = np.frombuffer(data, "<u2", -1, 8 + size + states.nbytes)
    reader = Reader(Model(frequencies.reshape(BINS, SYMBOLS)), states, words)
    step = Step(reader, coefficients.reshape(TERMS, n), means, levels, bins(edges), width)
    out = np.zeros((height + LAG * (CHAIN - 1), width, lanes), np.uint8)
    for row, first, end in stretches(height, lanes):
        for column in range(width):
            out[row, column, first:end] = step.pixel(first, end)
        step.border(first, end)
    if reader.position != len(words):
        raise ValueError("more words than pixels")
    chains = lanes // CHAIN
    parts = [out[LAG * g : LAG * g + height, :, g * chains : (g + 1) * chains] for g in range(CHAIN)]
    planes = np.stack(parts, 3).transpose(2, 3, 0, 1)  # [H, W, chains, CHAIN] -> [chains, CHAIN, H, W]
    return np.ascontiguousarray(planes.reshape(-1, height, width)[:n])


class Step:
    """Reads one pixel of every lane after another.

    Args:
        reader: of the errors.
        coefficients: `[TERMS, n]`.
        means, levels: `[n]`, the pixels before the first and the mean errors.
        bin_of: the context of a value.
        width: of the planes.
    """

    def __init__(
        self,
        reader: Reader,
        coefficients: np.ndarray,
        means: np.ndarray,
        levels: np.ndarray,
        bin_of: np.ndarray,
        width: int,
    ) -> None:
        self.reader, self.bin_of, self.width, self.stride = reader, bin_of, width, width + PAD
        self.coefficients = np.stack([by_lane(row) for row in coefficients]).astype(np.int32)
        self.means, self.levels = by_lane(means).astype(np.int32), by_lane(levels).astype(np.int32)
        lanes = len(self.means)
        self.chains, self.now = lanes // CHAIN, 0
        self.rows = 4 * self.stride + 8  # kept of the past; what lies a plane further is less far back
        self.pixels = np.tile(self.means, (self.rows, 1))
        self.errors = np.zeros((self.rows, lanes), np.int32)
        self.sum, self.product = np.empty(lanes, np.int32), np.empty(lanes, np.int32)

    def past(self, back: int) -> int:
        """Where the pixel `back` steps ago lies."""
        return (self.now - back) % self.rows

    def pixel(self, first: int, end: int) -> np.ndarray:
        """The next pixel of lanes `first` to `end`."""
        predicted = self.predict(first, end)
        nearby = np.zeros(end - first, np.int32)
        for dy, dx, weight in ACTIVITY:
            error = self.errors[self.past(dy * self.stride + dx), first:end]
            nearby += error
            if weight == 2:
                nearby += error
        nearby += nearby
        nearby += self.levels[first:end]
        symbols = self.reader.read(first, end, self.bin_of.take(nearby)).astype(np.int32)
        pixels = (predicted + symbols) & 255
        self.put(first, end, pixels, np.minimum(symbols, 256 - symbols))
        return pixels

    def predict(self, first: int, end: int) -> np.ndarray:
        """What `around` and the coefficients give, for one pixel of many planes."""
        total, product = self.sum[first:end], self.product[first:end]
        np.multiply(self.coefficients[-1, first:end], BIAS, out=total)
        for (dy, dx), row in zip(OWN, self.coefficients, strict=False):
            np.multiply(row[first:end], self.pixels[self.past(dy * self.stride + dx), first:end], out=product)
            total += product
        begin = max(first, self.chains)  # the first planes of the chains have none before them
        if begin < end:
            total, product = self.sum[begin:end], self.product[begin:end]
            for (dy, dx), row in zip(BEFORE, self.coefficients[len(OWN) :], strict=False):
                there = self.past((LAG + dy) * self.stride + dx)
                pixels = self.pixels[there, begin - self.chains : end - self.chains]
                np.multiply(row[begin:end], pixels, out=product)
                total += product
        total = self.sum[first:end]
        total += 1 << SHIFT >> 1
        total >>= SHIFT
        return np.clip(total, 0, 255)

    def put(self, first: int, end: int, pixels: np.ndarray, errors: np.ndarray) -> None:
        """Keep a pixel of each lane; the others have their mean, and no error."""
        row = self.past(0)
        self.pixels[row], self.errors[row] = self.means, 0
        self.pixels[row, first:end], self.errors[row, first:end] = pixels, errors
        self.now += 1

    def border(self, first: int, end: int) -> None:
        """The two pixels after a row: its last and its first."""
        for back in (1, self.stride - 1):
            row = self.past(back)
            self.put(first, end, self.pixels[row, first:end].copy(), self.errors[row, first:end].copy())


def bins(edges: np.ndarray) -> np.ndarray:
    """The context of each value."""
    return np.searchsorted(edges, np.arange(VALUES), side="right").astype(np.uint8)


def by_lane(values: np.ndarray, fill: int = 0) -> np.ndarray:
    """Values of planes `[n, ...]` in the order of their lanes: the first planes of all chains, then all second ones."""
    empty = np.full((-len(values) % CHAIN, *values.shape[1:]), fill, values.dtype)
    filled = np.concatenate([values, empty])
    return np.ascontiguousarray(filled.reshape(-1, CHAIN, *values.shape[1:]).swapaxes(0, 1).reshape(filled.shape))


def lanes_of(planes: np.ndarray, fill: int) -> np.ndarray:
    """Planes `[n, H, W]` as `[H, W, lanes]`."""
    return np.ascontiguousarray(by_lane(planes, fill).transpose(1, 2, 0))


def stretches(height: int, lanes: int) -> Iterator[tuple[int, int, int]]:
    """`(row of the first planes, first lane, end)`: the lanes that have a row while the first are at this one."""
    chains = lanes // CHAIN
    for row in range(height + LAG * (CHAIN - 1)):
        first, last = max(0, -(-(row - height + 1) // LAG)), min(CHAIN - 1, row // LAG)
        yield row, first * chains, (last + 1) * chains


def backwards(
    height: int, width: int, lanes: int, contexts: np.ndarray, symbols: np.ndarray
) -> Iterator[tuple[int, int, np.ndarray, np.ndarray]]:
    """The steps of `from_predicted`, the last one first, with what each lane has there."""
    chains = lanes // CHAIN
    for row, first, end in reversed(list(stretches(height, lanes))):
        rows = row - LAG * (np.arange(first, end) // chains)
        for column in reversed(range(width)):
            there = rows, column, np.arange(first, end)
            yield first, end, contexts[there], symbols[there]
