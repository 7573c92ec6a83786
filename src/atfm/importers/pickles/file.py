"""One pickle on the disk, plain or in a zip: read front to back once, then at places, never all at once."""

import codecs
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Self

from atfm.disk.machine import reading
from atfm.errors import InputError
from atfm.importers.members import checked_name
from atfm.io.decoding import brief, decoding
from atfm.io.hidden import is_hidden

__all__ = ["PickleFile", "Span", "open_pickle"]

LARGEST_PIECE = 2**28  # bytes of one string or array; a 128 x 128 image of doubles has 2**17
LARGEST_FILE = 2**36
MODEST = 2**12  # bytes that can be asked for without a look at what is left
TURNS = 256  # a zip is unpacked anew each time one goes back in it
ZIP = b"PK\x03\x04"  # the first bytes of a zip
SUFFIXES = (".pickle", ".pkl", ".p", ".pck")


@dataclass(frozen=True)
class Span:
    """Where a string lies in a pickle that is too long to be kept in memory.

    Args:
        offset: of its first byte in the file.
        stored: how many bytes it takes there.
        length: how many it has when decoded.
        coding: how it is stored: `raw`, `utf-8` or `raw-unicode-escape`; the last two hold bytes as Latin-1 letters.
    """

    offset: int
    stored: int
    length: int
    coding: str = "raw"

    @classmethod
    def of(cls, text: str | bytes | bytearray, coding: str, start: int, end: int) -> Self:
        """Where the string of a step lies: `start` is the position of its opcode, `end` that after the string."""
        if coding == "raw":
            return cls(end - len(text), len(text), len(text))
        if coding == "utf-8":
            stored = len(str(text).encode(coding, "surrogatepass"))
            return cls(end - stored, stored, len(text), coding)
        return cls(start + 1, end - start - 2, len(text), coding)  # a line: behind its opcode, before its newline


class PickleFile:
    """A bounded stream over a pickle: what is longer than it may be, or than the file, is refused before it is read.

    Args:
        stream: binary, with `seek`.
        name: what errors call it.
        size: in bytes.
        packed: whether going back is dear.
    """

    def __init__(self, stream: IO[bytes], name: str, size: int, *, packed: bool) -> None:
        self.name, self._stream, self.size, self._packed = name, stream, size, packed
        self._turns = 0
        self.fetch = lru_cache(maxsize=64)(self._fetch)  # an empty mask that many cases share is read once

    def read(self, count: int) -> bytes:
        """The next `count` bytes; fewer if only a few are left.

        Raises:
            InputError: more than a piece may have, or than there are.
        """
        if count > LARGEST_PIECE:
            raise InputError(f"{self.name}: a piece of {count} bytes, more than the {LARGEST_PIECE} that one may have")
        if count > MODEST and count > self.size - self.tell():
            raise InputError(f"{self.name}: cut off: it tells of {count} bytes more, and has {self.size - self.tell()}")
        return self._stream.read(count)

    def readline(self) -> bytes:
        """The next line.

        Raises:
            InputError: longer than a piece may be.
        """
        line = self._stream.readline(LARGEST_PIECE + 1)
        if len(line) > LARGEST_PIECE:
            raise InputError(f"{self.name}: a line of more than the {LARGEST_PIECE} bytes that one may have")
        return line

    def tell(self) -> int:
        """How many bytes were read."""
        return self._stream.tell()

    def _fetch(self, span: Span) -> bytes:
        """The bytes of a span.

        Raises:
            InputError: the file has changed or is damaged there, or its pieces lie too far out of order in a zip.
        """
        if self._packed and span.offset < self._stream.tell():
            self._turns += 1
            if self._turns > TURNS:
                raise InputError(f"{self.name}: its arrays are out of order, which is slow in a zip; unpack it first")
        with decoding(self.name, "a pickle"):
            self._stream.seek(span.offset)
            piece = self._stream.read(span.stored)
            if span.coding != "raw":
                piece = codecs.decode(piece, span.coding).encode("latin-1")
        if len(piece) != span.length:
            raise InputError(f"{self.name}: has changed while it was read; import it again")
        return piece


@contextmanager
def open_pickle(path: Path) -> Iterator[PickleFile]:
    """Open a plain pickle, or the one that lies in a zip.

    Raises:
        InputError: no such file, a damaged zip, one without a pickle or with several, or a file that is absurdly large.
    """
    try:
        with reading(path):
            stream: IO[bytes] = path.open("rb")
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    with stream:
        if not zipfile.is_zipfile(stream):
            stream.seek(0)
            if stream.read(len(ZIP)) == ZIP:  # a pickle that began so would ask for a persistent id
                raise InputError(f"{path}: the zip is damaged: its end is missing; copy it again")
            stream.seek(0)
            yield bounded(stream, str(path), path.stat().st_size, packed=False)
            return
        with damaged_zip(path), zipfile.ZipFile(stream) as archive:
            item = only_pickle(archive, path)
            with archive.open(item) as member:
                yield bounded(member, f"{path}: {item.filename}", item.file_size, packed=True)


def bounded(stream: IO[bytes], name: str, size: int, *, packed: bool) -> PickleFile:
    """A stream of a bearable size."""
    if size > LARGEST_FILE:
        raise InputError(f"{name}: {size} bytes, more than the {LARGEST_FILE} that a pickle may have")
    return PickleFile(stream, name, size, packed=packed)


def only_pickle(archive: zipfile.ZipFile, path: Path) -> zipfile.ZipInfo:
    """The one pickle in a zip."""
    items = [
        item
        for item in archive.infolist()
        if item.filename.lower().endswith(SUFFIXES) and not item.is_dir() and not is_hidden(item.filename)
    ]
    for item in items:
        checked_name(item.filename, path)
    if len(items) != 1:
        found = f"{len(items)}: {', '.join(item.filename for item in items[:4])}" if items else "none"
        raise InputError(f"{path}: expected one file in it that ends in {' or '.join(SUFFIXES[:2])}, got {found}")
    return items[0]


@contextmanager
def damaged_zip(path: Path) -> Iterator[None]:
    """Turn what a damaged or encrypted zip raises into one line."""
    try:
        with reading(path):
            yield
    except (OSError, UnicodeDecodeError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError) as error:
        raise InputError(f"{path}: the zip is damaged: {brief(error)}") from error
    except (RuntimeError, NotImplementedError) as error:
        raise InputError(f"{path}: cannot be read: {brief(error)}; unpack it and import the pickle itself") from error
