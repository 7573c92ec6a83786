"""`Bits`: many masks of one image, a bit for each pixel, so that 1,000 of a volume fit where 125 did."""

from collections.abc import Iterator, Sequence

import numpy as np

__all__ = ["Bits"]

BLOCK = 2**24  # bits of all masks together that are unpacked at a time: 64 MB as float32


class Bits:
    """`S` masks `[*shape]`, unpacked one by one, or all at once where a caller wants them so.

    Args:
        shape: of one mask.
    """

    def __init__(self, shape: Sequence[int]) -> None:
        self.shape = tuple(shape)
        self._packed: list[np.ndarray] = []  # [bytes] uint8 of each mask

    def __len__(self) -> int:
        return len(self._packed)

    def __getitem__(self, number: int) -> np.ndarray:
        count = int(np.prod(self.shape))
        return np.unpackbits(self._packed[number], count=count).view(bool).reshape(self.shape)

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[number] for number in range(len(self)))

    def add(self, masks: np.ndarray) -> None:
        """Add masks `[s, *shape]` bool."""
        self._packed += list(np.packbits(masks.reshape(len(masks), -1), axis=1))

    def all(self) -> np.ndarray:
        """`[S, *shape]` bool."""
        return np.stack(list(self)) if self._packed else np.zeros((0, *self.shape), bool)

    def foreground(self) -> "Bits":
        """The masks `[*spatial]` of all classes `[C, *spatial]` but the background, class 0; of one class as it is."""
        joined = Bits(self.shape[1:])
        if self.shape[0] == 1:
            joined._packed = self._packed
        for mask in self if self.shape[0] > 1 else ():
            joined.add(np.asarray(mask[1:].any(0))[None])
        return joined

    def shared(self) -> np.ndarray:
        """Count what every two masks have in common, `[S, S]` float64; on the diagonal what each of them marks."""
        counts = np.zeros((len(self), len(self)))
        rows = len(self._packed[0]) if self._packed else 0
        width = max(1, BLOCK // (8 * max(1, len(self))))  # bytes of each mask
        for first in range(0, rows, width):
            packed = np.stack([row[first : first + width] for row in self._packed])
            packed = packed[
                :, np.flatnonzero(packed.sum(0, dtype=np.int64))
            ]  # where no mask marks anything is nothing to count
            some = np.unpackbits(packed, axis=1).astype(np.float32)
            counts += some @ some.T  # exact: a block has fewer than 2**24 pixels
        return counts

    @property
    def nbytes(self) -> int:
        """How much memory the masks take."""
        return sum(row.nbytes for row in self._packed)
