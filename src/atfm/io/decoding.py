"""Where other people's decoders meet damaged files: whatever they raise becomes one line."""

from collections.abc import Iterator
from contextlib import contextmanager

from atfm.errors import AtfmError, InputError

__all__ = ["decoding"]


@contextmanager
def decoding(name: object, kind: str) -> Iterator[None]:
    """Turn the failure to decode a file into one line.

    Args:
        name: of the file, as the error calls it.
        kind: what it was to be, such as "an image".

    Raises:
        InputError: for any error inside the block; one of ours passes as it is.
    """
    try:
        yield
    except AtfmError:
        raise
    except FileNotFoundError:
        raise InputError(f"{name}: no such file") from None
    # Decoders have no list of what they raise: bytes in the wrong place lead them to any error there is.
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{name}: cannot be read as {kind}, it is damaged or truncated: {reason}") from error
