"""`Scale`: how stored values become those of the modality, and tables that look them up (DICOM PS3.3, C.11.1).

A slope and an intercept, or a table. Slices of one series may have slopes of their own, as those of a PET do; but where
some have one and others say nothing, or a table, their values are not of one kind, and nobody knows which is meant.
"""

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from atfm.errors import InputError
from atfm.io.dicom.file import groups, items_of, numbers

if TYPE_CHECKING:
    from pydicom import Dataset

__all__ = ["Scale", "Table", "scale_of", "scales_of", "table_of", "unlike"]

MOST_ENTRIES = 2**16


class Scale(StrEnum):
    """How one frame is turned into values of its modality."""

    NONE = "no rescale slope"
    IDENTITY = "a rescale slope of 1"
    SLOPE = "a rescale slope"
    TABLE = "a modality look-up table"


def scale_of(places: "Iterable[Dataset]", path: Path) -> Scale:
    """That of a frame whose attributes stand in `places`."""
    said: dict[str, float] = {}
    for place in places:
        if items_of(place, "ModalityLUTSequence"):
            return Scale.TABLE
        for keyword in ("RescaleSlope", "RescaleIntercept"):
            values = numbers(place, keyword, path)
            if values:
                said.setdefault(keyword, values[0])
    if not said:
        return Scale.NONE
    identity = said.get("RescaleSlope", 1.0) == 1 and said.get("RescaleIntercept", 0.0) == 0
    return Scale.IDENTITY if identity else Scale.SLOPE


def scales_of(ds: "Dataset", frames: int, path: Path) -> frozenset[Scale]:
    """Those of all frames of a file."""
    described = min(len(items_of(ds, "PerFrameFunctionalGroupsSequence")), frames)
    return frozenset(scale_of(groups(ds, frame), path) for frame in range(max(described, 1)))


def unlike(scales: Iterable[Scale]) -> tuple[Scale, Scale] | None:
    """Two of them that cannot stand in one volume, if there are any; a slope of 1 changes nothing, as none does."""
    kinds = set(scales)
    if Scale.TABLE in kinds and len(kinds) > 1:
        return Scale.TABLE, min(kinds - {Scale.TABLE})
    return (Scale.SLOPE, Scale.NONE) if {Scale.SLOPE, Scale.NONE} <= kinds else None


# ---- tables ----


class Table(NamedTuple):
    """A look-up table.

    Args:
        entries: `[N]` uint8 or uint16.
        first: the stored value of the first.
        bits: how many bits an entry has.
    """

    entries: np.ndarray
    first: int
    bits: int

    def look_up(self, values: np.ndarray) -> np.ndarray:
        """The entries of stored values; what lies below the first or above the last has that one's."""
        return self.entries[np.clip(values.astype(np.int64) - self.first, 0, len(self.entries) - 1)]


def table_of(place: "Dataset", ds: "Dataset", name: str, data: str, path: Path) -> Table:
    """Read a table (DICOM PS3.3, C.11.1.1.1 and C.7.6.3.1.5).

    Words lie in the byte order of the file, and entries of 8 bits in pairs within words.

    Args:
        place: the data set in which the table stands.
        ds: that of the file.
        name: keyword of its descriptor: how many entries, the value of the first, bits of each.
        data: keyword of the entries.
        path: of the file.

    Raises:
        InputError: no descriptor, or fewer entries than it says.
    """
    said = numbers(place, name, path) or ()
    if len(said) != 3 or any(value != int(value) for value in said) or not 1 <= said[2] <= 16:
        raise InputError(f"{path}: {name}: expected how many entries, the first value and bits; it is damaged")
    count, first, bits = int(said[0]) % MOST_ENTRIES or MOST_ENTRIES, int(said[1]), int(said[2])
    if first > 0x7FFF and ds.get("PixelRepresentation") == 1:
        first -= 0x10000  # a negative value that was written as an unsigned one
    value = place.get(data)
    if isinstance(value, bytes | bytearray):
        words = np.frombuffer(value[: len(value) // 2 * 2], "<u2" if ds.original_encoding[1] else ">u2")
        paired = len(value) - count in (0, 1)
        found = words.astype("<u2").view(np.uint8) if paired else words.astype(np.uint16)
    else:
        listed = value if isinstance(value, Iterable) and not isinstance(value, str) else [value]
        found = np.array([int(each) % MOST_ENTRIES for each in listed if each is not None], np.uint16)
    if len(found) < count:
        raise InputError(f"{path}: {data}: {len(found)} entries, {name} says {count}; it is damaged")
    found = found[:count]
    return Table(found, first, 8 if found.dtype == np.uint8 else bits if int(found.max()) < 2**bits else 16)
