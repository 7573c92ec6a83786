"""Writing files so that a reader sees the old file or the new one, never half of one.

What is half-written lies under a hidden name, `.writing-...`, which its writer holds a lock on: one that nobody holds
was left by a process that was killed, and the next one that writes there removes it, see `sweep`.
"""

import errno
import fcntl
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from atfm.disk.machine import WRITING, refused

__all__ = ["atomic_write", "disk_errors", "new_temporary", "settle_folder", "sweep"]

_TEMPORARY = re.compile(r"\.writing-[0-9a-f]{16}(\..*)?")


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn the operating system's refusals to write `path` into one-line errors.

    Raises:
        DiskError: no space, no permission, a read-only file system, a failing disk or an impossible path.
    """
    try:
        yield
    except OSError as error:
        found = refused(error, path, WRITING)
        if found is None:
            raise
        raise found from error


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path` to write to; the file takes the place of `path` if the block succeeds.

    Args:
        path: the file to write; its folder is made if missing.

    Yields:
        The temporary path. It ends as `path` does, for writers that choose the format by the suffix.

    Raises:
        DiskError: no space, no permission, a read-only file system, a failing disk or an impossible path.
    """
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        with new_temporary(path) as temporary:
            yield temporary
            with temporary.open("rb+") as stream:
                os.fsync(stream.fileno())
            temporary.replace(path)


@contextmanager
def new_temporary(path: Path) -> Iterator[Path]:
    """Make an empty file of a hidden name beside `path`, whose folder is there, and remove it unless it was moved."""
    temporary, stream = _made(path)
    try:
        yield temporary
    finally:
        with suppress(OSError):  # on a disk that fails, what led here is on its way already
            temporary.unlink(missing_ok=True)
        stream.close()


def sweep(folder: Path) -> None:
    """Remove what killed writers left half-written in a folder, as their locks tell; the living keep theirs."""
    with suppress(OSError):  # what cannot be removed is in nobody's way
        for file in folder.iterdir():
            if _TEMPORARY.fullmatch(file.name) and file.is_file() and not file.is_symlink():
                with file.open("rb") as stream:
                    if _locked(stream):
                        file.unlink(missing_ok=True)


def settle_folder(folder: Path) -> None:
    """See the names in a folder safely on the disk, where the system can."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):  # some file systems have no such thing
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _made(path: Path) -> tuple[Path, BinaryIO]:
    """A new file and its open stream, which holds the lock on it."""
    while True:
        temporary = path.with_name(f".writing-{secrets.token_hex(8)}{''.join(path.suffixes[-2:])}")
        stream = temporary.open("xb")
        # Between making and locking it somebody's sweep may have taken it for a dead one's.
        if _locked(stream) and temporary.exists():
            return temporary, stream
        stream.close()


def _locked(stream: BinaryIO) -> bool:
    """Lock an open file until it is closed; False where another has it. Without locks nothing is ever swept."""
    try:
        fcntl.flock(stream.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
