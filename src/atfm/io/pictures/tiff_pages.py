"""`Pages`: the pages of a TIFF that are the picture, and the axes along which they lie."""

import io
import logging
import math
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from atfm.errors import AmbiguousError, InputError, UnsupportedError
from atfm.io.pictures.raster import check_size

if TYPE_CHECKING:
    from tifffile import TiffFile, TiffPage, TiffPageSeries

__all__ = ["Pages", "open_tiff"]

MOST_PAGES = 2**14
REDUCED, MASK = 1, 4  # bits of NewSubfileType

# Instruments whose descriptions tifffile would follow, to other files too; here their pages are pages.
DIALECTS = ("mmstack", "ndtiff", "fluoview", "stk", "sis", "svs", "scn", "qpi", "ndpi", "bif", "avs", "eer", "philips",
            "scanimage", "nih", "mdgel")  # fmt: skip

# What tifffile finds odd it writes into a log, which without a handler Python prints; a reader refuses or reads.
logging.getLogger("tifffile").addHandler(logging.NullHandler())


@dataclass(frozen=True)
class Pages:
    """Pages of one picture.

    Args:
        pages: in their order; all of one shape and type.
        series: as tifffile has put them together, or None where it has not put just these.
        left_out: how many smaller copies and masks there are beside them.
    """

    pages: "Sequence[TiffPage]"
    series: "TiffPageSeries | None"
    left_out: int

    @property
    def first(self) -> "TiffPage":
        """The page whose tags are those of all."""
        return self.pages[0]

    @property
    def count(self) -> int:
        """How many pages there are."""
        return len(self.pages)

    @property
    def axes(self) -> str:
        """A letter for each axis of `pixels`: X, Y, Z, S for samples, C for channels, T for time, I or Q for pages."""
        if self.series is not None:
            return str(self.series.axes)
        return ("I" if self.count > 1 else "") + str(self.first.axes)

    @property
    def unnamed(self) -> bool:
        """Whether nobody says what the pages are."""
        return self.count > 1 and ("I" in self.axes or "Q" in self.axes)

    def pixels(self) -> np.ndarray:
        """Everything, along `axes`."""
        if self.series is not None:
            return np.asarray(self.series.asarray())
        stack = [np.asarray(page.asarray()) for page in self.pages]
        return np.stack(stack) if self.count > 1 else stack[0]


@contextmanager
def open_tiff(source: io.BytesIO | Path, name: str) -> Iterator[Pages]:
    """Open a TIFF and tell which of its pages are the picture.

    Raises:
        InputError: pages that lead round or beyond the file, missing strips, or more than an image may have.
        AmbiguousError: full pages of several sizes or types.
    """
    from tifffile import TiffFile

    if isinstance(source, io.BytesIO):
        count, size = count_pages(source, name), source.getbuffer().nbytes
    else:
        with source.open("rb") as stream:
            count, size = count_pages(stream, name), source.stat().st_size
    strange: dict[str, Any] = {f"is_{dialect}": False for dialect in DIALECTS}
    with TiffFile(source, _multifile=False, **strange) as file:
        yield chosen(file, count, size, name)


def count_pages(stream: BinaryIO, name: str) -> int:
    """How many pages are linked; a chain that leads round or nowhere is refused, where decoders would just stop."""
    stream.seek(0)
    head = stream.read(16)
    order, big = ("<" if head[:2] == b"II" else ">"), head[2:4] in (b"+\0", b"\0+")
    count_form, offset_form, entry = (f"{order}Q", f"{order}Q", 20) if big else (f"{order}H", f"{order}I", 12)
    at = struct.unpack(offset_form, head[8:16] if big else head[4:8])[0]
    seen: set[int] = set()
    while at:
        if at in seen:
            raise InputError(f"{name}: cannot be read as a TIFF: its pages lead round in a circle; it is damaged")
        if len(seen) == MOST_PAGES:
            raise InputError(f"{name}: more than {MOST_PAGES} pages; cut it up")
        seen.add(at)
        stream.seek(min(at, 2**62))
        width = struct.calcsize(count_form)
        entries = stream.read(width)
        many = struct.unpack(count_form, entries)[0] if len(entries) == width else -1
        if not 0 < many <= 2**16:
            raise InputError(
                f"{name}: cannot be read as a TIFF: page {len(seen)} is not there; it is truncated or damaged"
            )
        stream.seek(at + width + many * entry)
        after = stream.read(struct.calcsize(offset_form))
        if len(after) < struct.calcsize(offset_form):
            raise InputError(f"{name}: cannot be read as a TIFF: page {len(seen)} ends too early; it is truncated")
        at = struct.unpack(offset_form, after)[0]
    stream.seek(0)
    return len(seen)


def chosen(file: "TiffFile", count: int, size: int, name: str) -> Pages:
    """The pages that are no copies and no masks, all alike."""
    file.pages.useframes = False
    found = [page_of(file, number) for number in range(count)]
    full = [page for page in found if not page.subfiletype & (REDUCED | MASK)] or found
    nested = sum(len(page.subifds or ()) for page in found)
    check_size(sum(check_page(page, size, name) for page in full), name)
    described = bool(file.is_imagej or file.is_shaped or file.is_ome)
    series = together(file, full, name) if len(full) > 1 or described else None
    if series is not None:
        check_size(math.prod(series.shape), name)
    elif len({(page.shape, str(page.dtype), int(page.photometric)) for page in full}) > 1:
        sizes = dict.fromkeys(" x ".join(map(str, page.shape)) for page in full)
        raise AmbiguousError(
            f"{name}: its pages are coloured differently or of several sizes, {', '.join(list(sizes)[:4])}, and none "
            "is said to be a smaller copy; save the one that is meant, or a stack of equal pages"
        )
    check_alike(full, name)
    return Pages(full, series, len(found) - len(full) + nested)


def page_of(file: "TiffFile", number: int) -> "TiffPage":
    """One page with all its tags."""
    from tifffile import TiffPage

    page = file.pages[number]
    if not isinstance(page, TiffPage):
        raise TypeError(f"page {number} has no tags of its own")
    return page


def together(file: "TiffFile", full: "Sequence[TiffPage]", name: str) -> "TiffPageSeries | None":
    """The series of tifffile that is just these pages.

    Raises:
        UnsupportedError: an OME description that is about other files too.
    """
    series = file.series[0] if file.series else None
    if file.is_ome and (series is None or series.kind != "ome" or None in list(series.pages)):
        raise UnsupportedError(
            f"{name}: an OME-TIFF in several files, or whose description does not fit; save one file"
        )
    if series is None or [None if page is None else page.offset for page in series.pages] != [p.offset for p in full]:
        return None
    return series


def check_page(page: "TiffPage", size: int, name: str) -> int:
    """The pixels of a page, whose strips or tiles have to be there."""
    if 0 in page.shape or not page.shape:
        raise InputError(f"{name}: a page of {list(page.shape)} pixels; it is damaged")
    for shape in (page.shape, page.chunks):
        check_size(math.prod(shape), name)
    pieces = math.prod(page.chunked)
    if len(page.dataoffsets) != pieces or len(page.databytecounts) != pieces:
        raise InputError(f"{name}: {len(page.dataoffsets)} strips or tiles of {pieces}; it is damaged")
    for at, length in zip(page.dataoffsets, page.databytecounts, strict=True):
        if length <= 0 or at <= 0 or at + length > size:
            raise InputError(f"{name}: a strip or tile lies beyond the end of the file or is missing; it is truncated")
    return math.prod(page.shape)


def check_alike(full: "Sequence[TiffPage]", name: str) -> None:
    """Refuse pages of different palettes, orientations or bits: the tags of the first would be wrong for the others."""
    first = full[0]

    def facts(page: "TiffPage") -> tuple[object, ...]:
        turn = page.tags.get(274)
        table = None if page.colormap is None else page.colormap.tobytes()
        return int(page.photometric), page.bitspersample, 1 if turn is None else turn.value, table

    if any(facts(page) != facts(first) for page in full[1:]):
        raise AmbiguousError(
            f"{name}: its pages have different palettes, bits or orientations; save the one that is meant, or a stack "
            "of equal pages"
        )
