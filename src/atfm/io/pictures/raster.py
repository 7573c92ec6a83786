"""`Raster`: a picture file as it is stored and as it is shown; which decoder reads it is told by its first bytes."""

import io
from pathlib import Path
from typing import NamedTuple

import numpy as np

from atfm.errors import InputError, UnsupportedError
from atfm.io.decoding import decoding
from atfm.io.most import most

__all__ = ["MAX_PIXELS", "RASTERS", "Raster", "check_size", "in_memory", "kind_of", "read_raster"]

# Far above any slide or slice, far below what would fill the memory: a small file can claim to be huge.
MAX_PIXELS = 2**27

LARGEST_HELD = 2**28  # bytes; a larger file is read bit by bit

RASTERS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".gif", ".bmp", ".pbm", ".pgm", ".ppm", ".pnm")

READ = "PNG, JPEG, TIFF, GIF, BMP and PBM, PGM, PPM"

# The first bytes of what is read, and of what people have besides; a dot is any byte.
MAGIC = (
    ("TIFF", b"II*\0"),
    ("TIFF", b"MM\0*"),
    ("TIFF", b"II+\0"),
    ("TIFF", b"MM\0+"),
    ("PNG", b"\x89PNG"),
    ("JPEG", b"\xff\xd8\xff"),
    ("GIF", b"GIF8"),
    ("BMP", b"BM"),
    ("PPM", b"P1"), ("PPM", b"P2"), ("PPM", b"P3"), ("PPM", b"P4"), ("PPM", b"P5"), ("PPM", b"P6"), ("PPM", b"Pf"),
)  # fmt: skip
UNREAD = (
    ("WebP", 8, b"WEBP"),
    ("JPEG 2000", 0, b"\0\0\0\x0cjP  "),
    ("JPEG 2000", 0, b"\xff\x4f\xff\x51"),
    ("JPEG XL", 0, b"\xff\x0a"),
    ("JPEG XL", 0, b"\0\0\0\x0cJXL "),
    ("HEIF or AVIF", 4, b"ftyp"),
    ("PAM", 0, b"P7"),
    ("colour PFM", 0, b"PF"),
    ("Photoshop", 0, b"8BPS"),
    ("PDF", 0, b"%PDF"),
    ("SVG or XML", 0, b"<"),
    ("NPY", 0, b"\x93NUMPY"),
    ("DICOM", 128, b"DICM"),
    ("packed", 0, b"\x1f\x8b"),
    ("ZIP", 0, b"PK\x03\x04"),
)


class Raster(NamedTuple):
    """What a picture file stores, and what a viewer shows of it.

    Args:
        shown: `[C, *spatial]`, grey or colour of 8 or 16 bits, bool, or a file's own numbers where it has no white.
        stored: `[*spatial]`, the numbers of one sample a pixel: an index where there is a palette; None of colours.
        alpha: `[*spatial]`, 0 where nothing is shown; None where everything is.
        palette: `[n, 3]` uint8, the colours that the numbers stand for; None where there is no palette.
        lossy: whether packing has changed the values.
        inverted: whether high numbers are shown dark.
        warnings: a sentence for whatever was guessed, ignored or left out.
    """

    shown: np.ndarray
    stored: np.ndarray | None
    alpha: np.ndarray | None = None
    palette: np.ndarray | None = None
    lossy: bool = False
    inverted: bool = False
    warnings: tuple[str, ...] = ()

    @property
    def grey(self) -> np.ndarray | None:
        """`[*spatial]`, the grey that is shown; None where there are colours."""
        if len(self.shown) == 1 or (len(self.shown) == 3 and (self.shown == self.shown[:1]).all()):
            return np.asarray(self.shown[0])
        return None


def read_raster(path: Path) -> Raster:
    """Read a picture, whatever its extension says.

    Returns:
        One page; of a TIFF also a stack of them, or a volume.

    Raises:
        InputError: unreadable, truncated, or more than `MAX_PIXELS` pixels.
        UnsupportedError: a format, or a kind of it, that is not read.
        AmbiguousError: pages of which nobody says which is meant.
    """
    from atfm.io.pictures.bitmap import read_bitmap
    from atfm.io.pictures.tiff import read_tiff

    with decoding(path, "an image"), path.open("rb") as stream:
        head = stream.read(132)
    return read_tiff(path) if kind_of(head, str(path)) == "TIFF" else read_bitmap(path)


def kind_of(head: bytes, name: str) -> str:
    """Which format a file is of, by its first bytes.

    Raises:
        UnsupportedError: a format that is known and not read.
        InputError: none that is known.
    """
    for kind, magic in MAGIC:
        if head.startswith(magic):
            return kind
    for kind, at, magic in UNREAD:
        if head[at : at + len(magic)] == magic:
            raise UnsupportedError(f"{name}: a {kind} file is not supported as a picture; save it as one of {READ}")
    raise InputError(f"{name}: cannot be read as an image: it is none of {READ}, or has lost its head; it is damaged")


def in_memory(path: Path) -> io.BytesIO | Path:
    """The content of a file, of which no decoder gets more than there is: for a file they reserve what it claims.

    A very large one stays on the disk, and so does what is no file or not there.
    """
    if path.is_file() and path.stat().st_size < LARGEST_HELD:
        return io.BytesIO(path.read_bytes())
    return path


def check_size(pixels: int, name: str) -> None:
    """Refuse what would not fit in memory, before it is decoded."""
    if pixels > most(MAX_PIXELS):
        raise InputError(f"{name}: {pixels} pixels, more than the {most(MAX_PIXELS)} that an image may have; cut it up")
