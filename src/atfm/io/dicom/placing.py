"""Where the planes of a DICOM file lie, as its attributes have it: position, direction, size of a pixel, thickness."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from atfm.errors import InputError
from atfm.io.decoding import brief
from atfm.io.dicom.file import number, numbers

if TYPE_CHECKING:
    from pydicom import Dataset

__all__ = ["SPACINGS", "UPRIGHT", "normal", "place_of"]

UPRIGHT = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
FARTHEST, NEAREST = 1e6, 1e-6  # millimetres; products of what lies beyond overflow or vanish
SPACINGS = ("PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing")


def place_of(places: "Sequence[Dataset]", path: Path) -> dict[str, Any]:
    """What several places say of where a plane lies; only what is said."""
    found = {
        "orientation": first(places, "ImageOrientationPatient", path, 6),
        "position": first(places, "ImagePositionPatient", path, 3),
        "spacing": pixel_spacing(places, path),
        "thickness": thickness(places, path),
    }
    return {name: value for name, value in found.items() if value is not None}


def first(places: "Sequence[Dataset]", keyword: str, path: Path, count: int) -> tuple[float, ...] | None:
    """The first value of an attribute that is there."""
    for place in places:
        values = numbers(place, keyword, path)
        if values:
            if len(values) != count:
                raise InputError(f"{path}: {keyword}: expected {count} numbers, got {len(values)}")
            if max(map(abs, values)) > FARTHEST:
                raise InputError(f"{path}: {keyword}: expected millimetres within a scanner, got {brief(values)}")
            return values
    return None


def normal(orientation: Sequence[float], path: Path) -> np.ndarray:
    """The direction in which planes are stacked: rows x columns, a unit vector."""
    row, column = np.array(orientation[:3]), np.array(orientation[3:])
    if abs(row @ row - 1) > 0.01 or abs(column @ column - 1) > 0.01 or abs(row @ column) > 0.01:
        raise InputError(
            f"{path}: ImageOrientationPatient: expected two perpendicular unit vectors, got {list(orientation)}"
        )
    cross = np.cross(row, column)
    return cross / np.linalg.norm(cross)


def pixel_spacing(places: "Sequence[Dataset]", path: Path) -> tuple[float, float] | None:
    """`(dy, dx)`, from the first attribute that tells it; one of 0 tells nothing."""
    for keyword in SPACINGS:
        values = first(places, keyword, path, 2)
        if values is not None and 0.0 not in values:
            if min(values) < NEAREST:
                raise InputError(f"{path}: {keyword}: expected two sizes above 0 mm, got {list(values)}")
            return values[0], values[1]
    return None


def thickness(places: "Sequence[Dataset]", path: Path) -> float | None:
    """The distance to the next plane that the file itself claims."""
    for keyword in ("SpacingBetweenSlices", "SliceThickness"):
        value = abs(number(places, keyword, path, 0.0))
        if value > 0:
            return value
    return None
