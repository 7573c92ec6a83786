"""Files that readers open by their name, of what shall not lie on a disk.

Readers of image formats take a path. Where the system has them (Linux), a file in memory stands behind that path, in a
folder that nobody else may enter: what was sent never touches the disk, and is gone with the process however that ends.
Elsewhere, and of series with more files than may be open, the files lie in that folder, which is in memory too where
there is room (`/dev/shm`). It goes at once when the block ends; what a killed service left is removed by the next one,
as the lock on it tells.
"""

import fcntl
import os
import resource
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from atfm.disk.atomic import disk_errors

__all__ = ["PREFIX", "allow_open", "parents", "private_files", "private_folder", "sweep"]

MEMORY = Path("/dev/shm")
ROOM = 2**30  # bytes that have to be free there
PREFIX = "atfm-serve-"
LOCK = ".lock"
SHARE = 4  # of the files that a process may have open, one in so many is spent on an image


@contextmanager
def private_folder(parent: Path | None = None) -> Iterator[Path]:
    """Make a folder of mode 0700, and remove it with all that is in it.

    Args:
        parent: where; None: the first of `parents`.

    Raises:
        DiskError: it cannot be made.
    """
    parent = parent or parents()[0]
    with disk_errors(parent):
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    try:
        with (folder / LOCK).open("wb") as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def private_files(files: Mapping[str, bytes], parent: Path | None = None) -> Iterator[Path]:
    """Put contents under names into a private folder, in memory where that can be.

    Args:
        files: contents by plain names.
        parent: see `private_folder`.

    Yields:
        The folder.

    Raises:
        DiskError: no space, or no permission.
    """
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[0] // SHARE
    in_memory = hasattr(os, "memfd_create") and len(files) <= allowed
    with private_folder(parent) as folder, ExitStack() as stack:
        with disk_errors(folder):
            for name, content in files.items():
                if in_memory:
                    number = os.memfd_create("image", os.MFD_CLOEXEC)
                    stack.callback(os.close, number)
                    with os.fdopen(os.dup(number), "wb") as stream:
                        stream.write(content)
                    (folder / name).symlink_to(f"/proc/{os.getpid()}/fd/{number}")
                else:
                    (folder / name).write_bytes(content)
        yield folder


def allow_open() -> None:
    """Let this process have as many files open as the system grants it: as a rule 1,024 are the usual, not the most."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def parents() -> list[Path]:
    """Where private folders are made, the best first: in memory, else in the system's folder for temporary files."""
    disk = Path(tempfile.gettempdir())
    with suppress(OSError):
        left = os.statvfs(MEMORY)
        if left.f_bavail * left.f_frsize >= ROOM and os.access(MEMORY, os.W_OK | os.X_OK):
            return [MEMORY, disk]
    return [disk]


def sweep(parent: Path | None = None) -> int:
    """Remove the folders that killed services left, and return how many there were; the living keep theirs."""
    removed = 0
    for folder in (folder for place in ([parent] if parent else parents()) for folder in place.glob(f"{PREFIX}*")):
        with suppress(OSError):  # another user's, or one that is just being removed
            if folder.is_symlink() or folder.stat().st_uid != os.getuid():
                continue
            with (folder / LOCK).open("rb") as held:  # without one nothing lies in it yet
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
                removed += 1
    return removed
