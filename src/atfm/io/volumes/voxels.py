"""Voxels behind a head that somebody else wrote: as many as it promises, and never more than the file can hold.

Formats with a text for a head (NRRD, MetaImage) keep their voxels plain, packed or written out as text, within the same
file or in one beside it. What is unpacked is bounded by what the head says, and that by the size of the file.
"""

import bz2
import math
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from atfm.errors import InputError, UnsupportedError
from atfm.io.decoding import brief
from atfm.io.most import most

__all__ = ["MOST_PACKED", "MOST_VOXELS", "Packing", "beside", "check_size", "near_whole", "read_voxels"]

MOST_VOXELS = 2**30
MOST_PACKED = 1032  # deflate makes no more bytes out of one
MOST_BZIP2 = 2**20  # ... and bzip2 so many, but no image comes near
NEAR_WHOLE = 1e-3
LONGEST_NAME = 255  # bytes, of file systems

Packing = Literal["raw", "deflate", "bzip2", "text"]


def check_size(shape: Sequence[int], dtype: np.dtype, held: int, path: Path, packing: Packing = "raw") -> int:
    """Return the bytes that voxels take.

    Raises:
        InputError: more than an image has, or more than the `held` bytes of the file can become.
    """
    if not shape or min(shape) < 1:
        raise InputError(f"{path}: shape {list(shape)}: expected at least one voxel along each axis; it is damaged")
    if math.prod(shape) > most(MOST_VOXELS):
        raise InputError(f"{path}: shape {list(shape)} is more than an image may have; cut it up")
    needed = math.prod(shape) * dtype.itemsize
    factor = {"raw": 1, "deflate": MOST_PACKED, "bzip2": MOST_BZIP2, "text": dtype.itemsize}[packing]
    if needed > held * factor:
        raise InputError(f"{path}: shape {list(shape)} takes {needed} bytes, more than the file holds; truncated")
    return needed


def read_voxels(path: Path, begins: int, shape: Sequence[int], dtype: np.dtype, packing: Packing = "raw") -> np.ndarray:
    """Read the voxels of a file from a byte on.

    Args:
        path: the file that holds them.
        begins: their first byte; of what is not packed, a negative one counts from the end of the file.
        shape: as the array is to be, the fastest axis last.
        dtype: with its byte order.
        packing: how they are kept.

    Returns:
        An array of that shape, in the machine's own byte order.

    Raises:
        InputError: fewer voxels than the head says, or more than a file of this size has.
    """
    size = path.stat().st_size
    if begins < 0:
        begins = size - math.prod(shape) * dtype.itemsize
    needed = check_size(shape, dtype, size - max(begins, 0), path, packing)
    with path.open("rb") as stream:
        stream.seek(max(begins, 0))
        if packing == "raw":
            content = stream.read(needed)
        elif packing == "text":
            return _text(stream.read(), shape, dtype, path)
        else:
            content = _unpacked(stream.read(), needed, packing)
    if len(content) < needed:
        raise InputError(f"{path}: {len(content)} bytes of voxels where its head says {needed}; it is truncated")
    return np.frombuffer(content, dtype).reshape(shape).astype(dtype.newbyteorder("="))


def _unpacked(packed: bytes, needed: int, packing: Packing) -> bytes:
    if packing == "bzip2":
        return bz2.BZ2Decompressor().decompress(packed, max_length=needed)
    return zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(packed, needed)  # zlib or gzip, as it says itself


def _text(content: bytes, shape: Sequence[int], dtype: np.dtype, path: Path) -> np.ndarray:
    words = content.split()
    if len(words) != math.prod(shape):
        raise InputError(f"{path}: {len(words)} numbers where its head says {math.prod(shape)}; it is damaged")
    numbers = np.array(words, np.float64) if dtype.kind == "f" else np.array([int(word) for word in words])
    kept = numbers.astype(dtype.newbyteorder("="))
    if dtype.kind != "f" and (kept != numbers).any():
        raise InputError(f"{path}: numbers that are no {dtype.name}; it is damaged")
    return kept.reshape(shape)


def beside(path: Path, name: str) -> Path:
    """The file of that name in the folder of `path`, which alone a head may refer to.

    Raises:
        UnsupportedError: a place elsewhere, a list or a pattern of files.
        InputError: no such file.
    """
    if not name or name != Path(name).name or "%" in name or name.upper().startswith("LIST"):
        raise UnsupportedError(
            f"{path}: its voxels are said to lie in {brief(name, 60)!r}; only a single file in the same folder is "
            "read; save it as one file"
        )
    file = path.with_name(name)
    if len(name.encode()) > LONGEST_NAME or not file.is_file():
        raise InputError(
            f"{path}: its voxels are said to lie in {brief(name, 60)!r}, which is not beside it; add that file"
        )
    return file


def near_whole(values: np.ndarray) -> np.ndarray:
    """Labels that a scale has left a little beside whole numbers, whole again; other values as they are."""
    if values.dtype.kind != "f":
        return values
    rounded = np.rint(values)
    return rounded if bool((np.abs(values - rounded) <= NEAR_WHOLE).all()) else values
