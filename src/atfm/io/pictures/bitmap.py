"""PNG, JPEG, GIF, BMP and the PBM, PGM, PPM family: one picture a file, as it is stored and as it is shown."""

import io
import struct
import warnings
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from atfm.errors import AmbiguousError, InputError, UnsupportedError
from atfm.io.decoding import decoding
from atfm.io.pictures.raster import MAX_PIXELS, READ, Raster, check_size, in_memory, kind_of

__all__ = ["decode_raster", "read_bitmap"]

FORMATS = ("PNG", "JPEG", "TIFF", "GIF", "BMP", "PPM")

ORIENTATION = 0x0112  # EXIF

TURNED = "a picture was turned upright as its EXIF tag says; draw masks on the upright picture"
HIDDEN = "some pixels are transparent: the colours stored there were taken, whatever a viewer shows in their place"
INKS = "inks (CMYK) were turned into colours without a colour profile"
OTHERS = "further pictures within a file (previews of a camera, say) were left out"


def decode_raster(source: bytes | Path, name: str) -> Image.Image:
    """Decode a picture.

    Args:
        source: the bytes of the file, or its path.
        name: what errors call it.

    Returns:
        The picture, loaded and turned upright as its EXIF tag says; of a TIFF its first page.

    Raises:
        InputError: unreadable, truncated, or more than `MAX_PIXELS` pixels.
        UnsupportedError: a JPEG of another kind than a baseline or progressive one of 8 bits.
        AmbiguousError: an animation.
    """
    picture = loaded(source, name).picture
    with decoding(name, "an image"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ImageOps.exif_transpose(picture)


class Loaded(NamedTuple):
    """A decoded picture.

    Args:
        picture: as its file has it.
        tile: how PIL came to its pixels, which it forgets.
        pictures: how many are in the file.
    """

    picture: Image.Image
    tile: tuple[Any, ...] | None
    pictures: int


def loaded(source: bytes | Path, name: str) -> Loaded:
    """The first picture of a file, as the file has it."""
    with decoding(name, "an image"), warnings.catch_warnings():
        held = io.BytesIO(source) if isinstance(source, bytes) else in_memory(source)
        # What PIL only warns of, large sizes and odd tags, is either said below in a line of ours or does no harm.
        warnings.simplefilter("ignore")
        try:
            picture = Image.open(held, formats=FORMATS)
        except UnidentifiedImageError:
            content = bytes_of(held)
            check_frame(content, name)
            kind_of(content[:132], name)
            raise InputError(
                f"{name}: cannot be read as an image: it is none of {READ}, or its head is damaged"
            ) from None
        except Image.DecompressionBombError:
            raise InputError(f"{name}: more than the {MAX_PIXELS} pixels that an image may have; cut it up") from None
        pixels, frames = picture.width * picture.height, getattr(picture, "n_frames", 1)
        check_size(pixels * frames, name)
        if picture.format in ("PNG", "GIF") and frames != 1:
            raise AmbiguousError(f"{name}: an animation of {frames} pictures; save the one that is meant by itself")
        if picture.format in ("JPEG", "MPO") and picture.info.get("progressive"):
            check_scans(bytes_of(held), pixels, name)
        tile = tuple(picture.tile[0]) if picture.tile else None
        picture.load()
        return Loaded(picture, tile, frames)


def bytes_of(held: io.BytesIO | Path) -> bytes:
    """The content of a file that may still be on the disk."""
    return held.getvalue() if isinstance(held, io.BytesIO) else held.read_bytes()


def check_scans(content: bytes, pixels: int, name: str) -> None:
    """Refuse a JPEG that goes over its pixels again and again: a small file can keep the decoder busy for hours."""
    scans = content.count(b"\xff\xda")
    if scans * pixels > 10 * MAX_PIXELS:
        raise InputError(f"{name}: a JPEG of {pixels} pixels in {scans} scans; save it as a plain JPEG or PNG")


def check_frame(content: bytes, name: str) -> None:
    """Say of a JPEG that it is lossless, or of more than 8 bits, where it is."""
    at = 2
    while content.startswith(b"\xff\xd8\xff") and at + 5 <= len(content) and content[at] == 0xFF:
        marker, length = content[at + 1], struct.unpack(">H", content[at + 2 : at + 4])[0]
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            if marker not in (0xC0, 0xC1, 0xC2, 0xC9, 0xCA) or content[at + 4] != 8:
                raise UnsupportedError(
                    f"{name}: a lossless JPEG, or one of {content[at + 4]} bits, is not supported as a picture; save "
                    "it as PNG or TIFF"
                )
            return
        at += 2 + length


def read_bitmap(path: Path) -> Raster:
    """Read one picture.

    Raises:
        InputError: as for `decode_raster`.
    """
    found = loaded(path, str(path))
    picture = found.picture
    told = [OTHERS] if found.pictures > 1 else []
    with decoding(path, "an image"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        orientation = picture.getexif().get(ORIENTATION, 1)
        raster = of_picture(found, path)
    if isinstance(orientation, int) and 2 <= orientation <= 8:
        raster = turned(raster, orientation)
        told.append(TURNED)
    if picture.mode == "CMYK":
        told.append(INKS)
    return raster._replace(warnings=tuple(told))


def of_picture(found: Loaded, path: Path) -> Raster:
    """A decoded picture, as it lies in its file."""
    picture = found.picture
    lossy = picture.format in ("JPEG", "MPO")
    depth, kind = png_depth(path) if picture.format == "PNG" else (8, 0)
    if depth == 16 and kind != 0:
        return deep_png(path, picture.info.get("transparency"))
    if picture.mode in ("P", "PA"):
        return of_palette(picture)
    if picture.mode in ("LA", "RGBA"):
        bands = np.moveaxis(np.asarray(picture), -1, 0)
        return Raster(bands[:-1], bands[0] if len(bands) == 2 else None, bands[-1])
    if picture.mode in ("RGB", "CMYK", "YCbCr"):
        colours = np.moveaxis(np.asarray(picture.convert("RGB")), -1, 0)
        return Raster(colours, None, keyed(colours, picture.info.get("transparency"), 1), lossy=lossy)
    shown = plain(np.asarray(picture), path)
    step = 255 // (2**depth - 1) if depth < 8 and picture.mode == "L" else 1
    alpha = keyed(shown[None], picture.info.get("transparency"), step)
    return Raster(shown[None], unscaled(shown, found.tile), alpha, lossy=lossy)


def of_palette(picture: Image.Image) -> Raster:
    """Numbers of a palette's entries, and its colours."""
    index = np.asarray(picture.getchannel("P") if picture.mode == "PA" else picture)
    colours = np.reshape(picture.getpalette("RGB") or [], (-1, 3))
    bands = np.moveaxis(np.asarray(picture.convert("RGBA")), -1, 0)
    clear = picture.mode == "PA" or picture.info.get("transparency") is not None
    grey = bool((colours == colours[:, :1]).all())
    table = colours.astype(np.uint8)
    return Raster(bands[: 1 if grey else 3], index, bands[3] if clear else None, palette=table)


def plain(pixels: np.ndarray, path: Path) -> np.ndarray:
    """Grey of a type that has a white: PIL's 32-bit integers are the 16-bit ones that PGM has."""
    if pixels.dtype in (bool, np.uint8, np.uint16) or pixels.dtype.kind == "f":
        return pixels
    if pixels.dtype.kind in "iu" and pixels.min(initial=0) >= 0 and pixels.max(initial=0) <= 65535:
        return pixels.astype(np.uint16)
    raise UnsupportedError(f"{path}: pixels of {pixels.dtype} are not supported; save 8 or 16 bits, or floats as TIFF")


def unscaled(shown: np.ndarray, tile: tuple[Any, ...] | None) -> np.ndarray:
    """The numbers that a PGM holds, which PIL has stretched from its own white to the type's."""
    args = tile[3] if tile is not None and tile[0] in ("ppm", "ppm_plain") else None
    if not isinstance(args, tuple) or not isinstance(args[-1], int) or shown.dtype.kind != "u":
        return shown
    return np.rint(shown * (args[-1] / np.iinfo(shown.dtype).max)).astype(shown.dtype)


def keyed(shown: np.ndarray, key: object, step: int) -> np.ndarray | None:
    """The alpha where one grey or colour is said to be transparent."""
    if isinstance(key, int) and len(shown) == 1:
        key = (key * step,)
    if not isinstance(key, tuple) or len(key) != len(shown):
        return None
    clear = np.all([band == value for band, value in zip(shown, key, strict=True)], axis=0)
    return np.where(clear, 0, 255).astype(np.uint8)


def png_depth(path: Path) -> tuple[int, int]:
    """Bits of a sample and the type of colour in the head of a PNG."""
    with path.open("rb") as stream:
        head = stream.read(26)
    return head[24], head[25]


def deep_png(path: Path, key: object) -> Raster:
    """A PNG of 16 bits a sample in colour, or with transparency, which PIL cuts down to 8."""
    from imagecodecs import png_decode

    bands = np.moveaxis(np.asarray(png_decode(path.read_bytes())), -1, 0)
    if len(bands) == 3:
        return Raster(bands, None, keyed(bands, key, 1))
    if isinstance(key, tuple) and len(bands) == 4:  # the decoder has made alpha of the key
        return Raster(bands[:3], None, bands[3])
    return Raster(bands[:-1], bands[0] if len(bands) == 2 else None, bands[-1])


def turned(raster: Raster, orientation: int) -> Raster:
    """As EXIF and TIFF have it: the side on which row 0 and column 0 of the file are to be seen."""
    if not 2 <= orientation <= 8:
        return raster
    stored = None if raster.stored is None else upright(raster.stored, orientation)
    alpha = None if raster.alpha is None else upright(raster.alpha, orientation)
    return raster._replace(shown=upright(raster.shown, orientation), stored=stored, alpha=alpha)


def upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """The last two axes, rows and columns, turned and mirrored."""
    if orientation >= 5:
        pixels = np.swapaxes(pixels, -1, -2)
    rows = orientation in (3, 4, 7, 8)
    columns = orientation in (2, 3, 6, 7)
    return pixels[..., :: -1 if rows else 1, :: -1 if columns else 1]
