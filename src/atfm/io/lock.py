"""One writer at a time: a lock that the operating system holds, which is gone with its owner.

The lock is an `flock` on a small hidden file that tells who holds it. Whether a folder is abandoned is told by its
lock, never by the age of its files: a process that is paused still holds it, one that was killed does not.
"""

import fcntl
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from atfm.errors import BusyError
from atfm.io.atomic import disk_errors

__all__ = ["LOCK", "file_lock", "folder_lock", "is_held"]

LOCK = ".lock"


@contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Be the only one that writes in a folder, which is made if it is missing, while the block lasts.

    Raises:
        BusyError: another process is writing there; the line names it.
        DiskError: the folder cannot be written.
    """
    with disk_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with _held(folder / LOCK, folder):
        yield


@contextmanager
def file_lock(file: Path) -> Iterator[None]:
    """Be the only one that writes a file while the block lasts; its folder is made if it is missing.

    Raises:
        BusyError: another process is writing it; the line names it.
        DiskError: the folder cannot be written.
    """
    with disk_errors(file):
        file.parent.mkdir(parents=True, exist_ok=True)
    with _held(file.with_name(f".{file.name}{LOCK}"), file):
        yield


def is_held(folder: Path) -> bool:
    """Whether another process is writing in a folder at this moment; nothing is changed by asking."""
    try:
        with (folder / LOCK).open("rb") as stream:
            return not _taken(stream)
    except FileNotFoundError:
        return False


@contextmanager
def _held(lock: Path, what: Path) -> Iterator[None]:
    with disk_errors(what):
        stream = _locked(lock, what)
    try:
        yield
    finally:
        # While it is held, so that nobody can hold a lock that is about to be removed; see `_locked`.
        lock.unlink(missing_ok=True)
        stream.close()


def _locked(lock: Path, what: Path) -> BinaryIO:
    """The lock's open file, which holds it until it is closed."""
    while True:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        stream = os.fdopen(descriptor, "r+b")
        if not _taken(stream):
            holder = _told(stream.read(4096))
            stream.close()
            raise BusyError(f"{what}: {holder} is writing there; wait until it is done, or choose another place")
        if _same(stream, lock):
            stream.truncate()
            stream.write(json.dumps({"pid": os.getpid(), "command": _command()}).encode())
            stream.flush()
            return stream
        stream.close()  # removed by its last holder between our opening and locking it


def _taken(stream: BinaryIO) -> bool:
    """Lock an open file for as long as it stays open; False where another process has it."""
    try:
        fcntl.flock(stream.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _same(stream: BinaryIO, lock: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(stream.fileno()), lock.stat())
    except FileNotFoundError:
        return False


def _command() -> str:
    words = [Path(sys.argv[0]).name, *sys.argv[1:]]
    return " ".join(words)[:200]


def _told(text: bytes) -> str:
    """The holder in words; it may not have written them yet."""
    try:
        holder = json.loads(text)
        return f"process {int(holder['pid'])} ({' '.join(str(holder['command']).split())})"
    except (ValueError, KeyError, TypeError):
        return "another process"
