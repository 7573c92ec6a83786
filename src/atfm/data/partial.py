"""The hidden folder in which a store grows, beside the name that it will take, and its files while they grow."""

import os
import secrets
import shutil
import time
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import numpy as np

from atfm.data.journal import Entry
from atfm.data.layout import HEADER_BYTES, STORED
from atfm.errors import InputError

__all__ = ["ABANDONED_SECONDS", "LOCK", "end", "lock_folder", "partial_folder", "settle", "truncate", "whole_cases"]

# A writer touches its files with every case; a folder silent for this long was left by a killed one.
ABANDONED_SECONDS = 3600.0
LOCK = "lock"


def partial_folder(path: Path, fingerprint: str | None) -> Path:
    """Make the hidden folder of the store `path`, or find the one that an import of this fingerprint left.

    Folders that other killed imports left an hour ago or more are removed: once this store is there, they cannot become
    it any more.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{path.name}.partial-"
    folder = path.with_name(prefix + (fingerprint[:16] if fingerprint else secrets.token_hex(8)))
    for other in path.parent.glob(f"{glob_quoted(prefix)}*"):
        if other != folder and silent_seconds(other) > ABANDONED_SECONDS:
            shutil.rmtree(other, ignore_errors=True)
    folder.mkdir(exist_ok=fingerprint is not None)
    return folder


def lock_folder(folder: Path, path: Path) -> BinaryIO:
    """Take the folder for this process alone, for as long as the stream that is returned stays open.

    Raises:
        InputError: another process is writing there, or has just finished.
    """
    stream = (folder / LOCK).open("ab")
    try:
        exclusive(stream)
    except OSError:
        stream.close()
        raise InputError(f"{path}: the same import is at work already; wait for it, or choose another name") from None
    if not (folder / LOCK).exists():
        stream.close()
        raise InputError(f"{path}: the same import has just finished; there is nothing left to do")
    return stream


def exclusive(stream: BinaryIO) -> None:
    """Lock an open file, or raise OSError if it is locked; where the system has no such locks, do nothing."""
    with suppress(ImportError):
        import fcntl

        fcntl.flock(stream.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)


def silent_seconds(folder: Path) -> float:
    """How long ago anything in a folder changed."""
    with suppress(OSError):
        return time.time() - max(file.stat().st_mtime for file in [folder, *folder.iterdir()])
    return 0.0  # somebody is removing or finishing it this very moment


def glob_quoted(text: str) -> str:
    """`text` as a pattern that fits nothing else."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in text)


def whole_cases(entries: Iterable[Entry], images: BinaryIO, masks: BinaryIO, dtype: str) -> Iterator[Entry]:
    """The entries up to the first whose pixels are not what was written, read from the two open files."""
    itemsize = np.dtype(STORED[dtype]).itemsize
    images.seek(HEADER_BYTES)
    masks.seek(HEADER_BYTES)
    for entry in entries:
        image = images.read((entry.image_end - entry.row[0]) * itemsize)
        mask = masks.read(entry.mask_end - entry.row[1])
        if (zlib.crc32(image), zlib.crc32(mask)) != (entry.row[5], entry.row[6]):
            return
        yield entry


def truncate(stream: BinaryIO, size: int) -> None:
    """Cut an open file to `size` bytes and go to its end."""
    stream.flush()
    stream.truncate(size)
    stream.seek(size)


def settle(stream: BinaryIO) -> None:
    """See what was written to an open file safely on the disk."""
    stream.flush()
    os.fsync(stream.fileno())


def end(stream: BinaryIO, header: bytes) -> None:
    """Write the header that was left open, and see the file safely on the disk."""
    stream.seek(0)
    stream.write(header)
    settle(stream)
    stream.close()
