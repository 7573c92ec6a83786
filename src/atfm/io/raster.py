"""PNG, JPEG and TIFF: from a file to pixels as they were stored."""

import io
import math
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError

from atfm.errors import InputError
from atfm.io.decoding import decoding

__all__ = ["MAX_PIXELS", "decode_raster", "raster_labels", "raster_pixels"]

# Far above any slide or slice, far below what would fill the memory: a small file can claim to be huge.
MAX_PIXELS = 2**27

LARGEST_HELD = 2**28  # bytes; a larger file is read bit by bit

FORMATS = ("PNG", "JPEG", "TIFF")


def decode_raster(source: bytes | Path, name: str) -> Image.Image:
    """Decode a PNG, JPEG or TIFF.

    Args:
        source: the bytes of the file, or its path.
        name: what errors call it.

    Returns:
        The picture, its first page loaded; a JPEG is turned upright as its EXIF tag says.

    Raises:
        InputError: unreadable, truncated, or more than `MAX_PIXELS` pixels.
    """
    with decoding(name, "an image"), warnings.catch_warnings():
        held = io.BytesIO(source) if isinstance(source, bytes) else in_memory(source)
        # What PIL only warns of, large sizes and odd tags, is either said below in a line of ours or does no harm.
        warnings.simplefilter("ignore")
        try:
            picture = Image.open(held, formats=FORMATS)
        except UnidentifiedImageError:
            raise InputError(
                f"{name}: cannot be read as an image: it is no PNG, JPEG or TIFF, or has lost its head"
            ) from None
        except Image.DecompressionBombError:
            raise InputError(f"{name}: more than the {MAX_PIXELS} pixels that an image may have; cut it up") from None
        pixels = picture.width * picture.height
        check_size(pixels * getattr(picture, "n_frames", 1), name)
        if picture.format in ("JPEG", "MPO") and picture.info.get("progressive"):
            check_scans(held.getvalue() if isinstance(held, io.BytesIO) else held.read_bytes(), pixels, name)
        picture.load()
    return ImageOps.exif_transpose(picture) if picture.format in ("JPEG", "MPO") else picture


def in_memory(path: Path) -> io.BytesIO | Path:
    """The content of a file, of which no decoder gets more than there is: for a file they reserve what it claims.

    A very large one stays on the disk, and so does what is no file or not there.
    """
    if path.is_file() and path.stat().st_size < LARGEST_HELD:
        return io.BytesIO(path.read_bytes())
    return path


def check_size(pixels: int, name: str) -> None:
    """Refuse what would not fit in memory, before it is decoded."""
    if pixels > MAX_PIXELS:
        raise InputError(f"{name}: {pixels} pixels, more than the {MAX_PIXELS} that an image may have; cut it up")


def check_scans(content: bytes, pixels: int, name: str) -> None:
    """Refuse a JPEG that goes over its pixels again and again: a small file can keep the decoder busy for hours."""
    scans = content.count(b"\xff\xda")
    if scans * pixels > 10 * MAX_PIXELS:
        raise InputError(f"{name}: a JPEG of {pixels} pixels in {scans} scans; save it as a plain JPEG or PNG")


def raster_pixels(path: Path) -> np.ndarray:
    """The pixels of an image file, transparency left out and palettes looked up.

    Returns:
        `[C, H, W]`, or `[1, D, H, W]` for a TIFF of several pages, of the file's own type: bool, uint8, uint16 or
        float32.
    """
    if path.suffix.lower() in (".tif", ".tiff") and deep_colour(path):
        return read_deep_colour(path)
    return pages(decode_raster(path, str(path)), path, upright)


def raster_labels(path: Path) -> np.ndarray:
    """The labels of a mask file, `[1, H, W]` or `[1, D, H, W]` of the file's own type.

    A palette's entries are labels by their number. Where a picture is not fully opaque, the region is what is not fully
    transparent; else colours have to be grey.
    """
    return pages(decode_raster(path, str(path)), path, labels)


def pages(picture: Image.Image, path: Path, convert: Callable[[Image.Image, Path], np.ndarray]) -> np.ndarray:
    """One page as `[C, H, W]`, several grey ones as `[1, D, H, W]`."""
    if picture.format != "TIFF" or getattr(picture, "n_frames", 1) == 1:
        return convert(picture, path)
    stack, size = [], picture.size
    with decoding(path, "an image"):
        for page in ImageSequence.Iterator(picture):
            if page.size != size:  # told before it is decoded: only the first one's size has been checked
                raise InputError(f"{path}: its pages are of several sizes; expected a stack of equal grey pages")
            stack.append(convert(page, path))
    if len({page.shape for page in stack}) > 1 or len(stack[0]) != 1:
        raise InputError(f"{path}: its pages are coloured or of several sizes; expected a stack of equal grey pages")
    return np.stack(stack, axis=1)  # [1, D, H, W]


def upright(picture: Image.Image, path: Path) -> np.ndarray:
    """One page of an image, `[C, H, W]`."""
    mode = picture.mode
    if mode in ("P", "PA"):
        colours = np.reshape(picture.getpalette("RGB") or [], (-1, 3))
        mode = "L" if (colours == colours[:, :1]).all() else "RGB"
        picture = picture.convert(mode)
    elif mode in ("LA", "La", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr"):
        mode = "L" if mode in ("LA", "La") else "RGB"
        picture = picture.convert(mode)
    pixels = plain(np.asarray(picture), mode, path)
    return np.moveaxis(pixels, -1, 0) if pixels.ndim == 3 else pixels[None]


def labels(picture: Image.Image, path: Path) -> np.ndarray:
    """One page of a mask, `[1, H, W]`."""
    if picture.mode in ("RGBA", "LA"):
        alpha = np.asarray(picture.getchannel("A"))
        if (alpha < 255).any():
            return (alpha > 0)[None]
    if picture.mode == "PA":
        picture = picture.getchannel("P")
    elif picture.mode in ("RGB", "RGBA", "LA"):
        colours = np.asarray(picture.convert("RGB"))
        if (colours != colours[..., :1]).any():
            raise InputError(f"{path}: expected a mask, got a colour picture without transparency; save labels as grey")
        return colours[None, ..., 0]
    return plain(np.asarray(picture), picture.mode, path)[None]


def plain(pixels: np.ndarray, mode: str, path: Path) -> np.ndarray:
    """Pixels of a type that has a meaning: PIL's 32-bit integers become the 16-bit ones that they hold."""
    if mode in ("1", "L", "P", "RGB", "F"):
        return pixels
    if mode.startswith("I") and pixels.min(initial=0) >= 0 and pixels.max(initial=0) <= 65535:
        return pixels.astype(np.uint16)
    raise InputError(
        f"{path}: pixels of mode {mode!r}, values {pixels.min()} to {pixels.max()}; expected 8-bit or 16-bit grey or "
        "colour, or grey floats in [0, 1]"
    )


def deep_colour(path: Path) -> bool:
    """Whether a TIFF has several samples of 16 bits or more a pixel, which PIL does not read."""
    import tifffile

    try:
        with decoding(path, "a TIFF"), tifffile.TiffFile(in_memory(path)) as file:
            page = file.pages.first
            return page.samplesperpixel > 1 and page.dtype is not None and page.dtype.itemsize > 1
    except InputError:
        return False  # decode_raster says what is wrong with it


def read_deep_colour(path: Path) -> np.ndarray:
    """A TIFF of 16-bit or float colours, `[C, H, W]`, transparency left out."""
    import tifffile

    with decoding(path, "a TIFF"), tifffile.TiffFile(in_memory(path)) as file:
        page = file.pages.first
        check_size(int(np.prod(page.shape)), str(path))
        pieces = math.prod(page.chunked)
        if len(page.dataoffsets) != pieces:  # tifffile would go through millions of strips that are not there
            raise InputError(f"{path}: {len(page.dataoffsets)} strips or tiles of {pieces}; it is damaged")
        pixels, axes = page.asarray(), page.axes
    if axes not in ("YXS", "SYX"):
        raise InputError(f"{path}: axes {axes}; expected a colour TIFF with rows, columns and samples")
    channels_first = np.moveaxis(pixels, -1, 0) if axes == "YXS" else pixels
    return channels_first[: 3 if len(channels_first) >= 3 else 1]
