"""One DICOM file on the disk: opened within bounds, whatever its lengths claim."""

import io
import os
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from atfm.errors import InputError
from atfm.io.decoding import decoding

if TYPE_CHECKING:
    from pydicom import Dataset

__all__ = ["looks_like_dicom", "open_dicom"]

# More than any image that people send each other; what is larger is a mistake or made to do harm.
LARGEST_FILE = 2**31
LARGEST_INFLATED = 2**29

_DEFLATED = b"1.2.840.10008.1.2.1.99"
_META = 132 + 12  # preamble, magic and the element (0002,0000) that gives the length of the rest of the group


class Bounded(io.BufferedReader):
    """A file that never reserves memory for more bytes than it has left."""

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path))
        self.left_from_start = os.fstat(self.fileno()).st_size

    def read(self, size: int | None = -1, /) -> bytes:
        left = max(self.left_from_start - self.tell(), 0)
        return super().read(left if size is None or size < 0 else min(size, left))


def looks_like_dicom(path: Path) -> bool:
    """Whether a file has the letters DICM after its preamble of 128 bytes.

    Raises:
        InputError: it cannot be opened.
    """
    with decoding(path, "a DICOM file"), path.open("rb") as stream:
        return stream.read(132)[128:] == b"DICM"


@contextmanager
def open_dicom(path: Path, *, pixels: bool) -> "Iterator[Dataset]":
    """Read one DICOM file; whatever goes wrong with it inside the block becomes one line.

    Args:
        path: the file.
        pixels: read the pixel data too, else only what comes before them.

    Raises:
        InputError: no DICOM file, too large, damaged or truncated.
    """
    import pydicom

    with decoding(path, "a DICOM image"), warnings.catch_warnings():
        # Odd values are common and mostly harmless; those that matter are refused in a line of ours.
        warnings.simplefilter("ignore")
        if path.is_dir():
            raise InputError(f"{path}: a folder, where a DICOM file is expected")
        with Bounded(path) as stream:
            if stream.read(132)[128:] != b"DICM":
                raise InputError(f"{path}: not a DICOM file: it has no letters DICM after 128 bytes")
            if stream.left_from_start > LARGEST_FILE:
                raise InputError(f"{path}: {stream.left_from_start} bytes, more than the {LARGEST_FILE} that are read")
            check_inflated(stream, path)
            stream.seek(0)
            yield pydicom.dcmread(stream, stop_before_pixels=not pixels)


def check_inflated(stream: Bounded, path: Path) -> None:
    """Refuse a deflated file that would fill the memory: pydicom inflates it in one go."""
    stream.seek(_META - 4)
    length = int.from_bytes(stream.read(4), "little")
    if _DEFLATED not in stream.read(min(length, 4096)):
        return
    stream.seek(_META + length)
    inflater, size = zlib.decompressobj(-zlib.MAX_WBITS), 0
    while chunk := inflater.unconsumed_tail or stream.read(2**16):
        size += len(inflater.decompress(chunk, 2**20))
        if size > LARGEST_INFLATED:
            raise InputError(f"{path}: holds more than {LARGEST_INFLATED} bytes when inflated; it is not read")
