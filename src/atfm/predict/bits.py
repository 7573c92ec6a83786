"""`Bits`: many masks of one image, a bit for each pixel, so that 1,000 of a volume fit where 125 did."""

from collections.abc import Iterator, Sequence

import numpy as np

__all__ = ["Bits"]


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

    @property
    def nbytes(self) -> int:
        """How much memory the masks take."""
        return sum(row.nbytes for row in self._packed)
