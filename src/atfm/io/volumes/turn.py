"""`Turn`: arrays from one order of axes to another, by flips and swaps of axes alone, so that no value changes.

Arrays are `[D, H, W]`: slices, rows, columns. An orientation is three letters, in the order of `--at X Y Z`: where
columns, rows and slices count up to, of L and R (left, right), P and A (back, front), S and I (head, feet). "LPS" is a
stack of axial slices as radiologists look at it and DICOM counts it: columns to the left, rows to the back, slices up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from atfm.errors import InputError

__all__ = ["AXIAL", "Turn", "check_letters", "turn"]

AXIAL = "LPS"
OPPOSITE = {"L": "R", "R": "L", "P": "A", "A": "P", "S": "I", "I": "S"}


@dataclass(frozen=True)
class Turn:
    """How an array is turned from the order of its file to another.

    Args:
        axes: for each axis of the turned array which axis of the file's it is.
        flips: for each axis of the turned array whether it counts the other way.
    """

    axes: tuple[int, int, int] = (0, 1, 2)
    flips: tuple[bool, bool, bool] = (False, False, False)

    @property
    def nothing(self) -> bool:
        """Whether everything stays as it is."""
        return self == Turn()

    @property
    def in_plane(self) -> bool:
        """Whether slices stay slices, so that one of them can be turned by itself."""
        return self.axes[0] == 0

    @property
    def inverse(self) -> "Turn":
        """The turn back."""
        axes = (self.axes.index(0), self.axes.index(1), self.axes.index(2))
        flips = (self.flips[axes[0]], self.flips[axes[1]], self.flips[axes[2]])
        return Turn(axes, flips)

    def array(self, values: np.ndarray, dims: int = 3) -> np.ndarray:
        """Turn the last `dims` axes of an array, as a view: `[..., D, H, W]`, or `[..., H, W]` of one slice.

        Raises:
            InputError: one slice that would not stay one.
        """
        if dims == 2:
            if not self.in_plane:
                raise InputError("a single slice cannot be turned out of its plane; give a volume")
            return self.array(values[..., None, :, :])[..., 0, :, :]
        lead = values.ndim - 3
        swapped = values.transpose(*range(lead), *(lead + axis for axis in self.axes))
        flipped: tuple[Any, ...] = (..., *(slice(None, None, -1 if flip else 1) for flip in self.flips))
        return swapped[flipped]

    def numbers(self, values: Sequence[float]) -> tuple[float, ...]:
        """Numbers that belong to axes, such as a spacing, in the order of the turned array; two are of one slice."""
        axes = [axis - 1 for axis in self.axes[1:]] if len(values) == 2 else self.axes
        return tuple(values[axis] for axis in axes)

    def index(self, at: Sequence[int], shape: Sequence[int]) -> tuple[int, ...]:
        """A voxel of the file, in the order of its axes, as one of the turned array.

        Args:
            at: as many numbers as the array has axes, 3 or 2.
            shape: of the file's array.
        """
        flips = self.flips[-len(at) :]
        turned, length = self.numbers(at), self.numbers(shape)
        return tuple(int(n - 1 - k if flip else k) for k, n, flip in zip(turned, length, flips, strict=True))

    def stored(self, index: Sequence[np.ndarray], shape: Sequence[int]) -> tuple[np.ndarray, ...]:
        """Voxels of the turned array, ascending along each axis, as those of the file, ascending too.

        Args:
            index: along each axis of the turned array, 3 or 2.
            shape: of the file's array.
        """
        back, lead = self.inverse, 3 - len(shape)
        covered = [index[axis - lead] for axis in back.axes[lead:]]
        return tuple(
            (length - 1 - own)[::-1] if flip else own
            for own, length, flip in zip(covered, shape, back.flips[lead:], strict=True)
        )


def check_letters(text: str, what: str = "orientation") -> str:
    """Return an orientation in capitals.

    Raises:
        InputError: anything but three letters, one of each pair.
    """
    letters = text.upper()
    if len(letters) != 3 or {min(one, OPPOSITE.get(one, one)) for one in letters} != {"L", "A", "I"}:
        raise InputError(
            f"{what}: expected three letters, one each of L or R, P or A, S or I, such as LPS: where columns, rows and "
            f"slices count up to; got {text!r}"
        )
    return letters


def turn(source: str, target: str) -> Turn:
    """How an array of one orientation becomes one of another.

    Raises:
        InputError: no orientation.
    """
    have, want = check_letters(source)[::-1], check_letters(target)[::-1]  # slices first, as the axes of an array
    axes = [next(at for at, own in enumerate(have) if own in (letter, OPPOSITE[letter])) for letter in want]
    flips = [have[axis] != letter for axis, letter in zip(axes, want, strict=True)]
    return Turn((axes[0], axes[1], axes[2]), (flips[0], flips[1], flips[2]))
