"""Arrays, their types and their scalars as a pickle describes them, with the bytes left in the file."""

import math
import re
from typing import Any

import numpy as np

from atfm.importers.pickles.file import LARGEST_PIECE, PickleFile, Span

__all__ = ["Kind", "PickledArray", "array_of", "frombuffer", "kind_of", "latin1", "scalar"]

# Numbers and truth values only: an array of objects is a second pickle, a structured one is no image.
NUMERIC = re.compile(r"[<>|=]?(?:b1|[iu][1248]|f[248])")

Bytes = bytes | str | Span


class Kind:
    """A numpy type of numbers.

    Args:
        code: such as `f8`.
    """

    def __init__(self, code: str) -> None:
        if not isinstance(code, str) or not NUMERIC.fullmatch(code):
            what = "Python objects" if str(code).lstrip("|").startswith("O") else f"type {str(code)[:40]!r}"
            raise ValueError(f"it holds an array of {what}; only arrays of numbers are read")
        self.dtype = np.dtype(code)

    def set_state(self, state: tuple[Any, ...]) -> None:
        """Take the byte order of a pickled type: `(version, order, subtype, names, fields, ...)`."""
        _, order, subtype, names, fields = state[:5]
        if (subtype, names, fields) != (None, None, None) or order not in ("<", ">", "|", "="):
            raise ValueError("it holds an array of structures; only arrays of numbers are read")
        self.dtype = self.dtype.newbyteorder(order)


class PickledArray:
    """An array whose bytes lie in a pickle.

    Args:
        shape, dtype: of the array.
        order: `C` or `F`.
        content: its bytes, or where they lie.
    """

    def __init__(self) -> None:
        self.shape: tuple[int, ...] = (0,)
        self.dtype = np.dtype("u1")
        self.order = "C"
        self.content: Bytes = b""

    def set_state(self, state: tuple[Any, ...]) -> None:
        """Take what numpy writes of an array: `(version, shape, type, Fortran order, bytes)`."""
        _, shape, kind, fortran, content = state
        self.fill(shape, kind, "F" if fortran else "C", content)

    def fill(self, shape: Any, kind: Any, order: str, content: Any) -> None:
        """Check that the bytes are as many as the shape says, and remember them."""
        whole = isinstance(shape, tuple) and len(shape) <= 8 and all(type(n) is int and n >= 0 for n in shape)
        if not whole or not isinstance(kind, Kind) or not isinstance(content, bytes | str | Span):
            raise ValueError("it holds an array without a shape, a type or bytes; only arrays of numbers are read")
        length = content.length if isinstance(content, Span) else len(content)
        if math.prod(shape) * kind.dtype.itemsize != length or length > LARGEST_PIECE:
            raise ValueError(f"it holds an array of shape {list(shape)} and {kind.dtype}, but with {length} bytes")
        self.shape, self.dtype, self.order, self.content = shape, kind.dtype, order, content

    @property
    def offset(self) -> int:
        """Where its bytes begin, for reading in the order of the file."""
        return self.content.offset if isinstance(self.content, Span) else 0

    def read(self, file: PickleFile) -> np.ndarray:
        """The array itself, read-only.

        Raises:
            InputError: the file is damaged there.
        """
        content = file.fetch(self.content) if isinstance(self.content, Span) else as_bytes(self.content)
        return np.frombuffer(content, self.dtype).reshape(self.shape, order="F" if self.order == "F" else "C")


# ---- what the machine does where a pickle calls a function of numpy's ----


def array_of(_: Any, shape: Any, kind: Any) -> PickledArray:
    """`numpy.core.multiarray._reconstruct`: an array that gets its shape and bytes in the next step."""
    return PickledArray()


def frombuffer(content: Any, kind: Any, shape: Any, order: Any = "C") -> PickledArray:
    """`numpy.core.numeric._frombuffer`: an array of protocol 5."""
    array = PickledArray()
    array.fill(shape, kind, "F" if order == "F" else "C", content)
    return array


def kind_of(code: Any, align: Any = False, copy: Any = False) -> Kind:
    """`numpy.dtype`."""
    return Kind(code)


def scalar(kind: Any, content: Any = None) -> bool | int | float:
    """`numpy.core.multiarray.scalar`: one number."""
    if not isinstance(kind, Kind) or not isinstance(content, bytes | str):
        raise ValueError("it holds a scalar that is no number")
    value: bool | int | float = np.frombuffer(as_bytes(content), kind.dtype)[0].item()
    return value


def latin1(text: Any, coding: Any = "latin1") -> bytes | Span:
    """`_codecs.encode`: bytes that are written as letters."""
    if coding not in ("latin1", "latin-1") or not isinstance(text, str | Span):
        raise ValueError("it encodes something other than bytes")
    return text if isinstance(text, Span) else text.encode("latin-1")


def as_bytes(content: bytes | str) -> bytes:
    """Bytes as they are, and those that Python 2 called a string."""
    return content if isinstance(content, bytes) else content.encode("latin-1")
