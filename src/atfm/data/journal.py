"""`Journal`: which cases are safely in a half-written store, so that a killed import can go on.

The file has a line for the head and a line for each case, `CRC-32 JSON`. A line is written only after the pixels that
it tells of have reached the disk; a line that a crash tore is not there when the journal is read again.
"""

import json
import os
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, NamedTuple

__all__ = ["Entry", "Journal"]

Dtype = Literal["uint8", "float32"]


class Entry(NamedTuple):
    """One case of a half-written store.

    Args:
        case_id, patient_id: of the case.
        row: its row of the index.
        image_end: the elements in the file of the images with it.
        mask_end: the bytes in the file of the masks with it.
        warnings: of the case.
    """

    case_id: str
    patient_id: str
    row: tuple[int, int, tuple[float, ...], int, tuple[float, ...], int, int]
    image_end: int
    mask_end: int
    warnings: tuple[str, ...] = ()


class Journal:
    """The journal of one half-written store.

    Args:
        file: where it lies.
    """

    def __init__(self, file: Path) -> None:
        self.file = file

    def read(self) -> tuple[Dtype, list[Entry]]:
        """How the images are stored and the cases that are safe; none where there is no journal or it has no head."""
        try:
            lines = self.file.read_bytes().split(b"\n")[:-1]  # after the last newline is nothing, or half a line
        except FileNotFoundError:
            return "uint8", []
        values = []
        for line in lines:
            crc, _, text = line.partition(b" ")
            if crc != checksum(text):
                break
            values.append(json.loads(text))
        if not values or values[0] not in ("uint8", "float32"):
            return "uint8", []
        try:
            return values[0], [entry(fields) for fields in values[1:]]
        except (TypeError, ValueError, IndexError):  # of another version, which wrote other fields
            return "uint8", []

    def restart(self, dtype: Dtype, entries: Iterable[Entry]) -> None:
        """Replace the whole journal, all at once: a crash leaves the old one or the new one."""
        fresh = self.file.with_suffix(".new")
        with fresh.open("wb") as stream:
            stream.write(encoded(dtype) + b"".join(map(encoded, entries)))
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(self.file)

    def append(self, entries: Iterable[Entry]) -> None:
        """Add cases whose pixels are on the disk."""
        with self.file.open("ab") as stream:
            stream.write(b"".join(map(encoded, entries)))
            stream.flush()
            os.fsync(stream.fileno())


def entry(fields: list) -> Entry:
    """An entry from the lists that JSON made of its tuples."""
    case_id, patient_id, row, image_end, mask_end, warnings = fields
    fixed = (row[0], row[1], tuple(row[2]), row[3], tuple(row[4]), row[5], row[6])
    return Entry(case_id, patient_id, fixed, image_end, mask_end, tuple(warnings))


def encoded(value: object) -> bytes:
    """One line."""
    text = json.dumps(value).encode()
    return checksum(text) + b" " + text + b"\n"


def checksum(text: bytes) -> bytes:
    """CRC-32 in eight hex digits."""
    return b"%08x" % zlib.crc32(text)
