"""One DICOM file: opened within bounds, whatever its lengths claim, and its attributes as words and finite numbers."""

import io
import math
import os
import struct
import warnings
import zlib
from collections.abc import Iterator, MutableSequence, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from atfm.errors import InputError, UnsupportedError
from atfm.io.decoding import brief, decoding

if TYPE_CHECKING:
    from pydicom import Dataset
    from pydicom.uid import UID

__all__ = [
    "NotDicom",
    "groups",
    "inner",
    "is_dicom_file",
    "items_of",
    "kind_of",
    "number",
    "numbers",
    "open_dicom",
    "said",
    "shared",
    "syntax_of",
    "whole",
]

# More than any image that people send each other; what is larger is a mistake or made to do harm.
LARGEST_FILE = 2**31
LARGEST_INFLATED = 2**29

_DEFLATED = b"1.2.840.10008.1.2.1.99"
_PREAMBLE, _MAGIC = 128, b"DICM"
_META = 12  # the element (0002,0000) that gives the length of the rest of the group
_FIRST_GROUPS = (2, 8)  # the group with which a file without a preamble begins: its meta group, or its data set
_PLAIN = {  # by implicit types, little end: the transfer syntax of files that do not name theirs
    (True, True): "1.2.840.10008.1.2",
    (False, True): "1.2.840.10008.1.2.1",
    (False, False): "1.2.840.10008.1.2.2",
}
_UNDEFINED = 0xFFFFFFFF


class NotDicom(InputError):
    """A file that does not begin as a DICOM file does; in a folder it is none of ours."""


class Bounded(io.BufferedReader):
    """A file that never reserves memory for more bytes than it has left."""

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path))
        self.left_from_start = os.fstat(self.fileno()).st_size

    def read(self, size: int | None = -1, /) -> bytes:
        left = max(self.left_from_start - self.tell(), 0)
        return super().read(left if size is None or size < 0 else min(size, left))


@contextmanager
def open_dicom(path: Path, *, pixels: bool) -> "Iterator[Dataset]":
    """Read one DICOM file; whatever goes wrong with it inside the block becomes one line.

    A file without the preamble and the letters DICM, as older archives and networks leave them, is one if it begins
    with an element of its meta group or of the first group of a data set.

    Args:
        path: the file.
        pixels: read the pixel data too, else only what comes before them.

    Raises:
        NotDicom: no DICOM file.
        InputError: too large, damaged or truncated.
    """
    import pydicom

    with decoding(path, "a DICOM image"), warnings.catch_warnings():
        # Odd values are common and mostly harmless; those that matter are refused in a line of ours.
        warnings.simplefilter("ignore")
        if path.is_dir():
            raise InputError(f"{path}: a folder, where a DICOM file is expected")
        with Bounded(path) as stream:
            start = start_of(stream)
            if start is None:
                raise NotDicom(
                    f"{path}: not a DICOM file: it has no letters DICM after {_PREAMBLE} bytes, and does not begin "
                    "with an element of a data set"
                )
            if stream.left_from_start > LARGEST_FILE:
                raise InputError(f"{path}: {stream.left_from_start} bytes, more than the {LARGEST_FILE} that are read")
            check_inflated(stream, path, start)
            stream.seek(0)
            ds = pydicom.dcmread(stream, stop_before_pixels=not pixels, force=True)
            if not start and not len(ds):
                raise NotDicom(f"{path}: not a DICOM file: no element of it can be read")
            yield ds


def is_dicom_file(path: Path) -> bool:
    """Whether a file begins as a DICOM file does; False for what is no file.

    Raises:
        InputError: a file that cannot be opened.
    """
    with decoding(path, "a DICOM file"):
        if not path.is_file():
            return False
        with Bounded(path) as stream:
            return start_of(stream) is not None


def start_of(stream: Bounded) -> int | None:
    """Where the elements of a DICOM file begin: behind its preamble, or at once; None where it is no DICOM file."""
    from pydicom.values import converters

    head = stream.read(_PREAMBLE + len(_MAGIC))
    if head[_PREAMBLE:] == _MAGIC:
        return len(head)
    if len(head) < _META:
        return None
    for order in ("<", ">"):
        group, element, length = struct.unpack(f"{order}HHI", head[:8])
        if group not in _FIRST_GROUPS or element > 0xFF:
            continue
        explicit = head[4:6].decode("latin-1") in converters
        if explicit or (order == "<" and length <= stream.left_from_start - 8):
            return 0
    return None


def check_inflated(stream: Bounded, path: Path, start: int) -> None:
    """Refuse a deflated file that would fill the memory: pydicom inflates it in one go."""
    stream.seek(start + _META - 4)
    length = int.from_bytes(stream.read(4), "little")
    if _DEFLATED not in stream.read(min(length, 4096)):
        return
    stream.seek(start + _META + length)
    inflater, size = zlib.decompressobj(-zlib.MAX_WBITS), 0
    while chunk := inflater.unconsumed_tail or stream.read(2**16):
        size += len(inflater.decompress(chunk, 2**20))
        if size > LARGEST_INFLATED:
            raise InputError(f"{path}: holds more than {LARGEST_INFLATED} bytes when inflated; it is not read")


# ---- what stands in it ----


def syntax_of(ds: "Dataset", path: Path) -> "UID":
    """The transfer syntax that a file names, or that it was read by where it names none.

    Raises:
        UnsupportedError: compressed pixels, and no word of how.
    """
    from pydicom.uid import UID

    named = ds.file_meta.get("TransferSyntaxUID")
    if named:
        return UID(str(named))
    pixels = ds.get_item("PixelData") if "PixelData" in ds else None
    if getattr(pixels, "length", 0) == _UNDEFINED or getattr(pixels, "is_undefined_length", False):
        raise UnsupportedError(
            f"{path}: its pixels are compressed, but it names no transfer syntax, so nobody knows how; files whose "
            "TransferSyntaxUID stands in them can be read"
        )
    implicit, little = ds.original_encoding
    return UID(_PLAIN[bool(implicit), bool(little)])


def kind_of(ds: "Dataset") -> str:
    """What kind of object a file says that it is, such as "CT Image Storage"; "" where it does not."""
    from pydicom.uid import UID

    uid = ds.get("SOPClassUID") or ds.file_meta.get("MediaStorageSOPClassUID")
    return brief(UID(str(uid)).name) if uid else ""


def items_of(ds: "Dataset", keyword: str) -> "Sequence[Dataset]":
    """The items of a sequence; none where it is missing, empty or no sequence."""
    value = ds.get(keyword)
    return value if isinstance(value, MutableSequence) and ds[keyword].VR == "SQ" else []


def groups(ds: "Dataset", frame: int) -> "list[Dataset]":
    """Where an attribute of a frame may stand: its own functional groups, the shared ones, the data set itself."""
    items = ds.get("PerFrameFunctionalGroupsSequence") or []
    return [*(inner(items[frame]) if frame < len(items) else []), *shared(ds), ds]


def shared(ds: "Dataset") -> "list[Dataset]":
    """The functional groups that all frames have in common."""
    items = ds.get("SharedFunctionalGroupsSequence") or []
    return inner(items[0]) if items else []


def inner(item: "Dataset") -> "list[Dataset]":
    """The first item of every sequence."""
    return [element.value[0] for element in item if element.VR == "SQ" and element.value]


def numbers(ds: "Dataset", keyword: str, path: Path) -> tuple[float, ...] | None:
    """All numbers of an attribute, None where it is missing or empty.

    Raises:
        InputError: a value that is no finite number.
    """
    value: Any = ds.get(keyword)
    if value is None or value == "":
        return None
    # A damaged type makes a word of a number: as a whole it may still be one, letter by letter it is others.
    values = tuple(float(part) for part in (value if isinstance(value, MutableSequence) else [value]))
    if not all(map(math.isfinite, values)):
        raise InputError(f"{path}: {keyword}: expected finite numbers, got {brief(values)}")
    return values or None


def said(ds: "Dataset", keyword: str) -> str:
    """The words of an attribute in one line, which errors and lists can show; "" where it is missing."""
    return brief(ds.get(keyword, ""))


def number(places: "Sequence[Dataset]", keyword: str, path: Path, default: float) -> float:
    """The first number of an attribute in the first of several places that has it."""
    return next((values[0] for place in places if (values := numbers(place, keyword, path))), default)


def whole(ds: "Dataset", keyword: str, path: Path, default: int | None = None) -> int:
    """A whole number, 0 or more."""
    value = number([ds], keyword, path, -1 if default is None else default)
    if value < 0 or value != int(value):
        raise InputError(f"{path}: {keyword}: expected a whole number, got {value}")
    return int(value)
