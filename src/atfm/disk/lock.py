"""One writer at a time: a lock that the operating system holds, which is gone with its owner.

The lock is an `flock` on a small hidden file that tells who holds it. Whether a folder is abandoned is told by its
lock, never by the age of its files: a process that is paused still holds it, one that was killed does not. Whoever
gets a lock also removes what killed writers have left half-written there (`atomic.sweep`).
"""

import fcntl
import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

from atfm.disk.atomic import disk_errors, sweep
from atfm.disk.links import refuse_link
from atfm.errors import BusyError, DiskError

__all__ = ["LOCK", "drop_dead", "file_lock", "folder_lock", "is_held"]

LOCK = ".lock"
_MOST = 2**16  # bytes that are read of who holds it


@contextmanager
def folder_lock(folder: Path, *, shared: bool = False) -> Iterator[None]:
    """Be the only one that writes in a folder while the block lasts; it is made if it is missing, and goes if empty.

    Args:
        folder: where.
        shared: let others in that share it too; such have to know among themselves who writes what.

    Raises:
        BusyError: another process is writing there; the line names it.
        DiskError: a link, or a folder that cannot be written.
    """
    refuse_link(folder)
    made = not folder.exists()
    try:
        with _held(folder / LOCK, folder, shared):
            yield
    finally:
        if made:
            with suppress(OSError):  # there is something in it
                folder.rmdir()


@contextmanager
def file_lock(file: Path) -> Iterator[None]:
    """Be the only one that makes a file, or a folder of that name, while the block lasts.

    Its parent is made if it is missing. The lock lies beside it, so that the name itself may be free.

    Raises:
        BusyError: another process is writing it; the line names it.
        DiskError: the folder cannot be written.
    """
    with _held(file.with_name(f".{file.name}{LOCK}"), file, shared=False):
        yield


def drop_dead(file: Path) -> None:
    """Remove the lock of a file or folder that is there already, if its holder died as it was done with it."""
    if file.with_name(f".{file.name}{LOCK}").exists():
        with suppress(BusyError, DiskError), file_lock(file):
            pass


def is_held(folder: Path) -> bool:
    """Whether another process is writing in a folder at this moment; nothing is changed by asking."""
    try:
        with (folder / LOCK).open("rb") as stream:
            return not _taken(stream, shared=False)
    except FileNotFoundError:
        return False


@contextmanager
def _held(lock: Path, what: Path, shared: bool) -> Iterator[None]:
    with disk_errors(what):
        stream = _locked(lock, what, shared)
    sweep(lock.parent)
    try:
        yield
    finally:
        # Only the last holder removes it, and while it holds it alone: nobody can then get a lock that is about to be
        # removed, see `_locked`. On a disk that fails the file stays, which is in nobody's way.
        with suppress(OSError):
            if not shared or _taken(stream, shared=False):
                lock.unlink(missing_ok=True)
        with suppress(OSError):
            stream.close()


def _locked(lock: Path, what: Path, shared: bool) -> BinaryIO:
    """The lock's open file, which holds it until it is closed."""
    while True:
        lock.parent.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        except FileNotFoundError:  # the last holder has just removed the empty folder
            continue
        stream = os.fdopen(descriptor, "r+b", buffering=0)
        try:
            if not _taken(stream, shared):
                holder = _told(stream.read(_MOST))
                raise BusyError(f"{what}: {holder} is writing there; wait until it is done, or choose another place")
            if _same(stream, lock):
                _sign(stream, shared)
                return stream
        except BaseException:
            stream.close()
            raise
        stream.close()  # removed by its last holder between our opening and locking it


def _taken(stream: BinaryIO, shared: bool) -> bool:
    """Lock an open file for as long as it stays open; False where another process has it."""
    try:
        fcntl.flock(stream.fileno(), (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _same(stream: BinaryIO, lock: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(stream.fileno()), lock.stat())
    except FileNotFoundError:
        return False


def _sign(stream: BinaryIO, shared: bool) -> None:
    """Write who holds it, a line for each of those that share it; on a full disk nobody is named."""
    line = json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "command": _command()}).encode() + b"\n"
    with suppress(OSError):
        if not shared:
            stream.truncate(0)
        stream.write(line)


def _command() -> str:
    words = [Path(sys.argv[0]).name, *sys.argv[1:]]
    return " ".join(words)[:200]


def _told(text: bytes) -> str:
    """The holder in words, of several one that lives; it may not have written them yet."""
    holders = [holder for line in text.splitlines() if (holder := _parsed(line)) is not None]
    # Of those that share it one that was here before may be listed, such as this very process.
    living = [holder for holder in holders if _lives(holder) and holder["pid"] != os.getpid()] or holders
    if not living:
        return "another process"
    host = str(living[-1].get("host", ""))
    where = "" if host in ("", socket.gethostname()) else f" on {host}"
    return f"process {living[-1]['pid']}{where} ({' '.join(str(living[-1]['command']).split())})"


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        holder = json.loads(line)
        return dict(holder) | {"pid": int(holder["pid"]), "command": str(holder["command"])}
    except (ValueError, KeyError, TypeError):
        return None


def _lives(holder: dict[str, Any]) -> bool:
    """Whether the process is there; of another machine nobody knows."""
    if holder.get("host") != socket.gethostname():
        return True
    try:
        os.kill(holder["pid"], 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
