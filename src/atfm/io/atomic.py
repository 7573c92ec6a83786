"""Writing files so that a reader sees the old file or the new one, never half of one."""

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from atfm.errors import DiskError

__all__ = ["atomic_write", "disk_errors"]

REASONS = {
    errno.ENOSPC: "the disk is full; free some space and run the command again",
    errno.EFBIG: "the file would be larger than this system allows; write less, or lift the limit",
    errno.EDQUOT: "the disk quota is used up; free some space and run the command again",
    errno.EACCES: "no permission to write there; choose another folder",
    errno.EPERM: "no permission to write there; choose another folder",
    errno.EROFS: "the file system is read-only; choose another folder",
    errno.EEXIST: "a part of the path is a file, not a folder; choose another path",
    errno.ENOTDIR: "a part of the path is a file, not a folder; choose another path",
    errno.EISDIR: "this is a folder; give the name of a file",
    errno.ENOTEMPTY: "another folder of this name appeared meanwhile; choose another name",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
    errno.ELOOP: "this is a link to elsewhere, which is not followed; remove it",
}


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn the operating system's refusals to write `path` into one-line errors.

    Raises:
        DiskError: no space, no permission, a read-only file system or an impossible path.
    """
    try:
        yield
    except OSError as error:
        reason = REASONS.get(error.errno or 0)
        if reason is None:
            raise
        raise DiskError(f"{path}: {reason}") from error


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path` to write to; the file takes the place of `path` if the block succeeds.

    Args:
        path: the file to write; its folder is made if missing.

    Yields:
        The temporary path. It ends as `path` does, for writers that choose the format by the suffix.

    Raises:
        DiskError: no space, no permission, a read-only file system or an impossible path.
    """
    temporary = path.with_name(f".writing-{secrets.token_hex(8)}{''.join(path.suffixes[-2:])}")
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        try:
            yield temporary
            with temporary.open("rb+") as stream:
                os.fsync(stream.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
