"""Entropy coding of many streams in step: range asymmetric numeral systems (Duda 2013, arXiv 1311.2540) in numpy.

Each lane has a state of 32 bits. A step codes one symbol of every lane of a stretch of lanes, each by the frequencies
of its own context; lanes whose state runs low take the next words of 16 bits, in their order. Whole numbers throughout:
what was written is read back on any machine.
"""

from collections.abc import Iterable

import numpy as np

__all__ = ["SYMBOLS", "Model", "Reader", "write_lanes"]

SYMBOLS = 256
BITS = 14  # a context's frequencies add up to 2 ** BITS
LOW = 1 << 16  # a state is at least this


class Model:
    """Frequencies of symbols in every context.

    Args:
        frequencies: `[contexts, SYMBOLS]` whole numbers, each row with the sum `2 ** BITS`.

    Raises:
        ValueError: rows of another sum.
    """

    def __init__(self, frequencies: np.ndarray) -> None:
        self.frequencies = frequencies.astype(np.uint32)
        if not (self.frequencies.sum(1, dtype=np.uint64) == 1 << BITS).all():
            raise ValueError("frequencies do not add up")
        self.begins = (self.frequencies.cumsum(1) - self.frequencies).astype(np.uint32)

    @classmethod
    def of(cls, counts: np.ndarray) -> "Model":
        """The frequencies nearest to counts `[contexts, SYMBOLS]`: 0 only where a symbol never occurs."""
        counts = counts.astype(np.float64)
        counts[counts.sum(1) == 0, 0] = 1
        shares = np.floor(counts / counts.sum(1, keepdims=True) * (1 << BITS)).astype(np.int64)
        shares = np.maximum(shares, counts > 0)
        # what rounding leaves or lacks goes to the most frequent symbol, which can spare it
        shares[np.arange(len(shares)), shares.argmax(1)] += (1 << BITS) - shares.sum(1)
        return cls(shares)


def write_lanes(
    model: Model, lanes: int, steps: Iterable[tuple[int, int, np.ndarray, np.ndarray]]
) -> tuple[np.ndarray, np.ndarray]:
    """Code symbols so that `Reader` gives them back.

    Args:
        model: of the contexts.
        lanes: how many.
        steps: from the LAST to the first, `(first lane, end, contexts, symbols)`.

    Returns:
        States `[lanes]` uint32 and words uint16, for a `Reader`.
    """
    states = np.full(lanes, LOW, np.uint64)
    frequencies, begins = (table.ravel().astype(np.uint64) for table in (model.frequencies, model.begins))
    words: list[np.ndarray] = []
    for first, end, contexts, symbols in steps:
        key = contexts.astype(np.intp) * SYMBOLS + symbols
        state, frequency = states[first:end], frequencies[key]
        full = np.flatnonzero(state >= frequency << np.uint64(32 - BITS))
        words.append(state[full].astype(np.uint16))  # the low half
        state[full] >>= np.uint64(16)
        states[first:end] = (state // frequency << np.uint64(BITS)) + state % frequency + begins[key]
    stream = np.concatenate(words[::-1]) if words else np.empty(0, np.uint16)
    return states.astype(np.uint32), stream


class Reader:
    """Reads symbols back, a step at a time.

    Args:
        model: of the contexts.
        states, words: what `write_lanes` gave.
    """

    def __init__(self, model: Model, states: np.ndarray, words: np.ndarray) -> None:
        self.states = states.astype(np.uint32)
        self.words, self.position = words.astype(np.uint32), 0
        counts = model.frequencies.ravel()
        symbols = np.tile(np.arange(SYMBOLS, dtype=np.uint8), len(model.frequencies))
        self._symbols = np.repeat(symbols, counts)  # [contexts * 2 ** BITS]
        self._both = (counts << np.uint32(BITS)) | np.minimum(model.begins.ravel(), (1 << BITS) - 1)

    def read(self, first: int, end: int, contexts: np.ndarray) -> np.ndarray:
        """The symbols of lanes `first` to `end` in their contexts.

        Raises:
            ValueError: fewer words than symbols.
        """
        state = self.states[first:end]
        slot = state & np.uint32((1 << BITS) - 1)
        symbols = self._symbols.take((contexts.astype(np.intp) << BITS) + slot)
        both = self._both.take(contexts.astype(np.intp) * SYMBOLS + symbols)
        state >>= np.uint32(BITS)
        state *= both >> np.uint32(BITS)
        state += slot
        state -= both & np.uint32((1 << BITS) - 1)
        low = np.flatnonzero(state < LOW)
        words = self.words[self.position : self.position + len(low)]
        if len(words) != len(low):
            raise ValueError("the words end too early")
        state[low] = state[low] << np.uint32(16) | words
        self.position += len(low)
        return symbols
