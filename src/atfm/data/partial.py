"""The hidden folder in which a store grows, beside the name that it will take."""

import secrets
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from atfm.errors import InputError

__all__ = ["ABANDONED_SECONDS", "LOCK", "lock_folder", "partial_folder"]

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
