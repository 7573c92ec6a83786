"""Where other people's decoders and words meet: whatever they raise or hold becomes one line."""

import re
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager

from atfm.disk.machine import READING, refused
from atfm.errors import AtfmError, InputError, UnsupportedError

__all__ = ["brief", "decoding", "is_plain"]

# what decoders say of sound files that are beyond them
LACKING = re.compile(r"\bunsupported\b|\bnot (supported|implemented)\b|\bcannot handle\b", re.IGNORECASE)

# control characters, lone surrogates, separators of lines and paragraphs: what would break or fake a line
_UNPRINTABLE = {"Cc", "Cs", "Zl", "Zp"}


@contextmanager
def decoding(name: object, kind: str) -> Iterator[None]:
    """Turn the failure to decode a file into one line.

    Args:
        name: of the file, as the error calls it.
        kind: what it was to be, such as "an image".

    Raises:
        DiskError: the machine refused to read it: no permission, a disk that fails; the file may be sound.
        InputError: for any other error inside the block; one of ours passes as it is.
        DiskError: the machine refused to read it: no permission, a disk that fails; the file may be sound.
        InputError: for any other error inside the block; one of ours passes as it is.
        UnsupportedError: the decoder itself says that it lacks something.
    """
    try:
        yield
    except AtfmError:
        raise
    except FileNotFoundError:
        raise InputError(f"{name}: no such file") from None
    except IsADirectoryError:
        raise InputError(f"{name}: this is a folder; give a file") from None
    except MemoryError as error:
        raise InputError(f"{name}: does not fit in memory; cut it up") from error
    # Decoders have no list of what they raise: bytes in the wrong place lead them to any error there is.
    except Exception as error:
        machine = refused(error, name, READING) if isinstance(error, OSError) else None
        if machine is not None:
            raise machine from error
        if isinstance(error, NotImplementedError) or LACKING.search(said(error)):
            raise UnsupportedError(
                f"{name}: cannot be read as {kind}, this kind is not supported: {said(error)}"
            ) from error
        raise InputError(f"{name}: cannot be read as {kind}, it is damaged or truncated: {said(error)}") from error


def said(error: Exception) -> str:
    """The first line of what a decoder says, or the name of what it raised."""
    return brief((str(error).splitlines() or [""])[0]) or type(error).__name__


def is_plain(text: str) -> bool:
    """Whether a text, such as the name of a case, can be printed within one line."""
    return all(unicodedata.category(letter) not in _UNPRINTABLE for letter in text)


def brief(value: object, most: int = 160) -> str:
    """What a file holds, for an error: one plain line of at most `most` characters and dots."""
    try:
        text = str(value)
    except (ValueError, RecursionError):  # a number of more digits than Python prints; lists within lists
        return f"a {type(value).__name__} too large to print"
    cut = text[:most] + (" ..." if len(text) > most else "")
    return "".join(letter if is_plain(letter) else "?" for letter in cut)
