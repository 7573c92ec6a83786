"""`Letters`: what stands at the four edges of a slice, as radiologists expect it: R and L, A and P, S and I."""

from typing import NamedTuple

import numpy as np

from atfm.io.volumes.geometry import Geometry

__all__ = ["Letters", "letter_of", "letters_of"]

LEANS = 0.5  # the sine of 30 degrees: an axis that leans further has the letter of where it leans to, too
TOWARDS = ("RL", "AP", "SI")  # for each axis of RAS millimetres where it counts up to, then down to


class Letters(NamedTuple):
    """Where the edges of a slice lie in the patient; two letters where it is oblique, the nearer direction first."""

    left: str
    right: str
    top: str
    bottom: str


def letters_of(geometry: Geometry | None) -> Letters | None:
    """The letters of a slice `[H, W]` that is shown as it is stored: its columns to the right, its rows down.

    Args:
        geometry: of the image; None where nobody said where it lies, and then there are no letters.
    """
    if geometry is None:
        return None
    columns, rows = geometry.affine[:3, 0], geometry.affine[:3, 1]  # one pixel on, in RAS millimetres
    return Letters(left=letter_of(-columns), right=letter_of(columns), top=letter_of(-rows), bottom=letter_of(rows))


def letter_of(way: np.ndarray) -> str:
    """One letter for the direction of the body that is nearest to a way, and one more where it leans far from it.

    Args:
        way: `[3]`, in RAS, of any length.
    """
    unit = way / np.linalg.norm(way)
    first, second = np.argsort(-np.abs(unit), kind="stable")[:2].tolist()
    axes = [first, second] if abs(unit[second]) >= LEANS else [first]
    return "".join(TOWARDS[axis][int(unit[axis] < 0)] for axis in axes)
