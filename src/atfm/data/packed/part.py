"""`Part`: some pixels or masks of a pack, in the coding that is smallest, with the digest of what they hold.

jp2     8-bit planes side by side in one picture, reversible JPEG 2000. Three planes that follow each other are its
        three channels: its colour transform takes from them what they share, be they the colours of one image or
        neighbouring slices of one scan.
zlib    bytes; of wider numbers all first bytes, then all second ones, and so on
"""

import hashlib
import io
import math
import zlib
from collections.abc import Callable
from typing import Literal

import numpy as np
from PIL import Image, features
from pydantic import BaseModel, ConfigDict, Field

from atfm.data.layout import STORED
from atfm.errors import InputError, StoreError
from atfm.io.decoding import decoding

__all__ = ["LARGEST", "Part", "decode", "encode"]

LARGEST = 2**30  # bytes of a part once it is decoded: what claims more is a mistake or a bomb
LARGEST_PICTURE = 2**26  # pixels, below what Pillow takes for a bomb
LEVELS = 5  # of the wavelet transform


class Part(BaseModel):
    """What the head of a pack says of one of its parts.

    Args:
        name: of the member.
        coding: how its bytes are to be read.
        dtype: of its numbers.
        shape: planes `[n, H, W]`, or the bytes `[n]` of masks.
        sha256: of the numbers, decoded.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    coding: Literal["jp2", "zlib"]
    dtype: Literal["uint8", "float32"]
    shape: tuple[int, ...] = Field(min_length=1, max_length=3)
    sha256: str

    @property
    def size(self) -> int:
        """Bytes once decoded."""
        return math.prod(self.shape) * np.dtype(STORED[self.dtype]).itemsize


def encode(name: str, array: np.ndarray) -> tuple[Part, bytes]:
    """The smallest coding of planes `[n, H, W]` or bytes `[n]`, read back and compared before it is given out.

    Args:
        name: of the part; the coding is added to it.
        array: uint8 or float32.

    Raises:
        InputError: a Pillow without JPEG 2000, or one whose JPEG 2000 loses something.
    """
    dtype: Literal["uint8", "float32"] = "uint8" if array.dtype == np.uint8 else "float32"
    array = np.ascontiguousarray(array, STORED[dtype])
    codings = {"zlib": to_zlib(array)}
    if dtype == "uint8" and array.ndim == 3 and array.size <= LARGEST_PICTURE:
        codings["jp2"] = to_jp2(array)
    coding = min(codings, key=lambda name: len(codings[name]))
    digest = hashlib.sha256(array.tobytes()).hexdigest()
    fields = {"name": f"{name}.{coding}", "coding": coding, "dtype": dtype, "shape": array.shape, "sha256": digest}
    part = Part.model_validate(fields)
    try:
        decode(part, codings[coding])
    except StoreError as error:
        raise InputError(
            f"this Pillow does not give back what its JPEG 2000 holds ({error}); install another"
        ) from error
    return part, codings[coding]


def decode(part: Part, data: bytes) -> np.ndarray:
    """The numbers of a part, `encode` backwards.

    Raises:
        StoreError: not the numbers that went in.
    """
    if not 0 < part.size <= LARGEST or (part.coding != "zlib" and (part.dtype != "uint8" or len(part.shape) != 3)):
        raise StoreError(f"{part.name}: damaged: a part of {list(part.shape)} in {part.coding} cannot be")
    coded: dict[str, Callable[[bytes, Part], np.ndarray]] = {"jp2": from_jp2, "zlib": from_zlib}
    try:
        with decoding(part.name, "a part of a pack"):
            array = coded[part.coding](data, part)
    except InputError as error:
        raise StoreError(str(error)) from error
    if hashlib.sha256(array.tobytes()).hexdigest() != part.sha256:
        raise StoreError(f"{part.name}: damaged: its SHA-256 is not the one that the head names")
    return array


def to_zlib(array: np.ndarray) -> bytes:
    """Bytes of equal weight together, deflated."""
    return zlib.compress(array.reshape(-1).view(np.uint8).reshape(-1, array.itemsize).T.tobytes(), 9)


def from_zlib(data: bytes, part: Part) -> np.ndarray:
    """`to_zlib` backwards."""
    inflate = zlib.decompressobj()
    raw = inflate.decompress(data, part.size + 1)
    if len(raw) != part.size or not inflate.eof:
        raise StoreError(f"{part.name}: damaged: it does not hold {part.size} bytes")
    width = np.dtype(STORED[part.dtype]).itemsize
    shuffled = np.frombuffer(raw, np.uint8).reshape(width, -1)
    return np.ascontiguousarray(shuffled.T).reshape(-1).view(STORED[part.dtype]).reshape(part.shape)


def to_jp2(planes: np.ndarray) -> bytes:
    """Planes `[n, H, W]` uint8 as one picture."""
    require_jp2()
    picture = mosaic(planes)
    levels = min(LEVELS, max(min(picture.shape[:2]).bit_length() - 2, 0))
    stream = io.BytesIO()
    options = {"irreversible": False, "mct": int(picture.ndim == 3), "num_resolutions": 1 + levels}
    Image.fromarray(picture).save(stream, "JPEG2000", **options)
    return stream.getvalue()


def from_jp2(data: bytes, part: Part) -> np.ndarray:
    """`to_jp2` backwards."""
    require_jp2()
    n, height, width = part.shape
    depth, rows, columns = tiling(n)
    with Image.open(io.BytesIO(data), formats=["JPEG2000"]) as image:
        if image.size != (columns * width, rows * height) or image.mode != ("RGB" if depth == 3 else "L"):
            raise StoreError(f"{part.name}: damaged: a picture of {image.size} {image.mode} cannot be this part")
        picture = np.asarray(image)
    # [rows * H, columns * W, depth] -> [rows * columns * depth, H, W]
    tiles = picture.reshape(rows, height, columns, width, depth).transpose(0, 2, 4, 1, 3)
    return np.ascontiguousarray(tiles.reshape(-1, height, width)[:n])


def require_jp2() -> None:
    """Refuse a Pillow that was built without OpenJPEG."""
    if not features.check("jpg_2000"):
        raise InputError(
            "this Pillow has no JPEG 2000; install one from a wheel: pip install --only-binary=:all: pillow"
        )


def mosaic(planes: np.ndarray) -> np.ndarray:
    """Planes `[n, H, W]` side by side, `[rows * H, columns * W]` or three planes as channels; the last fills up."""
    n, height, width = planes.shape
    depth, rows, columns = tiling(n)
    filled = planes[np.minimum(np.arange(rows * columns * depth), n - 1)]
    tiles = filled.reshape(rows, columns, depth, height, width).transpose(0, 3, 1, 4, 2)
    picture = tiles.reshape(rows * height, columns * width, depth)
    return np.ascontiguousarray(picture if depth == 3 else picture[..., 0])


def tiling(n: int) -> tuple[int, int, int]:
    """Channels, rows and columns of the picture of `n` planes."""
    depth = 3 if n >= 3 else 1
    tiles = -(-n // depth)
    columns = math.isqrt(tiles - 1) + 1
    return depth, -(-tiles // columns), columns
