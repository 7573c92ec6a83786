"""What the machine refuses, which is nobody's mistake: each of the operating system's errors in words of its own.

A file that may not be read is not damaged, and a disk that fails says nothing of what lies on it.
"""

import errno
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from atfm.errors import DiskError

__all__ = ["READING", "WRITING", "in_words", "reading", "refused"]

# What numpy says of a disk that took a part of an array; it keeps the system's own word to itself.
_SHORT = re.compile(r"\d+ requested and \d+ written")

_BOTH = {
    errno.EIO: "the disk or the connection to it has failed (input/output error); see to it, and run the command again",
    errno.ENODEV: "the disk is gone; see to it, and run the command again",
    errno.ENXIO: "the disk is gone; see to it, and run the command again",
    errno.ENOTCONN: "the server of this folder does not answer; see to it, and run the command again",
    errno.ETIMEDOUT: "the server of this folder does not answer; see to it, and run the command again",
    errno.ESTALE: "its server has changed this folder meanwhile; run the command again",
    errno.EMFILE: "too many files are open at once; raise the limit (ulimit -n) and run the command again",
    errno.ENFILE: "this machine has too many files open; close some programs and run the command again",
    errno.ENOMEM: "the machine has no memory left; close some programs and run the command again",
    errno.ENOLCK: "the file system has no locks, by which two writers are told apart; choose a folder elsewhere",
    errno.ENOSYS: "the file system has no locks, by which two writers are told apart; choose a folder elsewhere",
}

READING: Mapping[int, str] = _BOTH | {
    errno.EACCES: "no permission to read it; change its permissions or ask its owner, and run the command again",
    errno.EPERM: "no permission to read it; change its permissions or ask its owner, and run the command again",
    errno.ELOOP: "a link that leads back to itself; give the file that is meant",
}

WRITING: Mapping[int, str] = _BOTH | {
    errno.ENOSPC: "the disk is full; free some space and run the command again",
    errno.EFBIG: "the file would be larger than this system allows; write less, or lift the limit",
    errno.EDQUOT: "the disk quota is used up; free some space and run the command again",
    errno.EACCES: "no permission to write there; choose another folder",
    errno.EPERM: "no permission to write there; choose another folder",
    errno.EROFS: "the file system is read-only; choose another folder",
    errno.EEXIST: "a part of the path is a file, not a folder; choose another path",
    errno.ENOTDIR: "a part of the path is a file, not a folder; choose another path",
    errno.EISDIR: "this is a folder; give the name of a file",
    errno.ENAMETOOLONG: "the name is too long; choose a shorter one",
    errno.ENOTEMPTY: "another folder of this name appeared meanwhile; choose another name",
    errno.ELOOP: "this is a link to elsewhere, which is not followed; remove it",
}


def refused(error: OSError, name: object, reasons: Mapping[int, str]) -> DiskError | None:
    """The error in one line, if it is among those that the machine is known to make.

    Args:
        error: what the operating system said.
        name: of the file.
        reasons: `READING` or `WRITING`.
    """
    number = error.errno or 0
    if not number and _SHORT.fullmatch(str(error)):
        number = errno.ENOSPC
    reason = reasons.get(number)
    return None if reason is None else DiskError(f"{name}: {reason}")


@contextmanager
def reading(name: object) -> Iterator[None]:
    """Turn the machine's refusals to read a file into one line; a missing file or a folder is left to the reader.

    Raises:
        DiskError: no permission, a disk that fails, ...
    """
    try:
        yield
    except OSError as error:
        found = refused(error, name, READING)
        if found is None:
            raise
        raise found from error


def in_words(error: OSError) -> str:
    """Any error of the operating system in one line, where nobody knows any more what was done to the file."""
    number = error.errno or 0
    where = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes | os.PathLike) else ""
    if number == errno.ENOENT:
        return f"{where}no such file or folder; check the path"
    if number in (errno.EACCES, errno.EPERM):
        return f"{where}permission denied; choose another path or change its permissions"
    known = WRITING.get(number)
    return where + (known or f"{error.strerror or error} ({errno.errorcode.get(number, number)})")
