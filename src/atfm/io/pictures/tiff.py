"""TIFF: which pages are meant, which axis is which, and what its numbers are shown as; read from its tags, not guessed.

The tags are those of TIFF 6.0 (https://www.itu.int/itudoc/itu-t/com16/tiff-fx/docs/tiff6.pdf); axes of several pages
stand in the descriptions that ImageJ, OME and tifffile write.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from atfm.errors import InputError, UnsupportedError
from atfm.io.decoding import decoding
from atfm.io.pictures.bitmap import INKS, turned
from atfm.io.pictures.raster import Raster, in_memory
from atfm.io.pictures.tiff_pages import Pages, open_tiff

if TYPE_CHECKING:
    from tifffile import TiffPage

__all__ = ["read_tiff"]

COPIES = "smaller copies of the picture (thumbnails, a pyramid) or masks within a TIFF were left out"
STACKED = "pages of a TIFF that does not say what they are were taken for slices, one behind the other"
TURNED = "a TIFF was turned upright as its orientation tag says; draw masks on the upright picture"
FAX = "a TIFF of single bits, of which 0 is white, was read as it is shown"
CHANNELS = "samples of a TIFF beyond its colours, of which it does not say what they are, were left out"

LOSSY = (6, 7, 33003, 33005, 33007, 34892, 22610, 34887, 34934, 50001, 34927, 34712, 33004, 50002, 52546)

# photometric interpretation
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, INK, YCBCR = 0, 1, 2, 3, 5, 6
NAMES = {
    4: "a mask of transparency",
    8: "CIE L*a*b*",
    9: "ICC L*a*b*",
    10: "ITU L*a*b*",
    32803: "a colour filter array",
    32844: "CIE Log2(L)",
    32845: "CIE Log2(L) u'v'",
    34892: "linear raw",
}


def read_tiff(path: Path) -> Raster:
    """Read a page, a stack of pages, or a volume.

    Raises:
        InputError: unreadable, truncated, or more than `MAX_PIXELS` pixels.
        UnsupportedError: packing, colours or axes that are not read.
        AmbiguousError: pages of several sizes.
    """
    with decoding(path, "a TIFF"), open_tiff(in_memory(path), str(path)) as pages:
        first = pages.first
        check_kind(first, path)
        samples = decoded(pages, path)  # [S, *spatial]
        raster = shown(samples, first, pages, path)
        told = [COPIES] if pages.left_out else []
        told += [STACKED] if pages.unnamed else []
        told += raster.warnings
        orientation = first.tags.get(274)
        turn = orientation.value if orientation is not None else 1
        if isinstance(turn, int) and 2 <= turn <= 8:
            raster, told = turned(raster, turn), [*told, TURNED]
    return raster._replace(warnings=tuple(told))


def check_kind(page: "TiffPage", path: Path) -> None:
    """Refuse, by their names, packings and colours that are not read."""
    from tifffile import TIFF

    try:
        TIFF.DECOMPRESSORS[page.compression]
    except KeyError:
        raise UnsupportedError(
            f"{path}: a TIFF packed by {name_of(page.compression)} is not supported; save it with LZW, deflate or none"
        ) from None
    if page.photometric not in (WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, INK, YCBCR):
        known = NAMES.get(int(page.photometric), f"photometric interpretation {int(page.photometric)}")
        raise UnsupportedError(f"{path}: a TIFF of {known} is not supported; save it in grey or RGB")
    if page.dtype is None or page.dtype.kind not in "biuf":
        raise UnsupportedError(
            f"{path}: a TIFF of {page.bitspersample} bits in sample format {int(page.sampleformat)} is not supported; "
            "save whole or floating numbers"
        )


def name_of(value: object) -> str:
    """A packing by its name, else by its number."""
    return str(getattr(value, "name", value)).lower()


def decoded(pages: Pages, path: Path) -> np.ndarray:
    """All samples, `[S, *spatial]`."""
    if pages.first.photometric == YCBCR and (int(pages.first.compression) not in LOSSY or pages.first.compression == 6):
        return subsampled(pages, path)
    pixels, axes = pages.pixels(), pages.axes
    for axis, letter in reversed(list(enumerate(axes))):
        if pixels.shape[axis] == 1 and letter not in "YXSC":
            pixels, axes = pixels.squeeze(axis), axes[:axis] + axes[axis + 1 :]
    channels = [axis for axis, letter in enumerate(axes) if letter in "SC"]
    if len(channels) > 1:  # one of them has one entry, or they are nested
        lone = next((axis for axis in channels if pixels.shape[axis] == 1), None)
        if lone is None:
            raise UnsupportedError(
                f"{path}: axes {axes} of {list(pixels.shape)}: channels of colours; save one of them"
            )
        pixels, axes = pixels.squeeze(lone), axes[:lone] + axes[lone + 1 :]
        channels = [axis for axis, letter in enumerate(axes) if letter in "SC"]
    if channels:
        pixels, axes = np.moveaxis(pixels, channels[0], 0), axes[channels[0]] + axes.replace(axes[channels[0]], "")
    else:
        pixels, axes = pixels[None], "S" + axes
    if axes[1:] not in ("YX", "ZYX", "IYX", "QYX"):
        moment = "; a series in time: save one moment of it" if "T" in axes else ""
        raise UnsupportedError(
            f"{path}: axes {axes[1:]} of {list(pixels.shape[1:])} are not supported; expected rows and columns YX, or "
            f"slices ZYX{moment}"
        )
    return pixels


def subsampled(pages: Pages, path: Path) -> np.ndarray:
    """A page of YCbCr that is not packed as JPEG, whose colours may be coarser: libtiff knows them."""
    from atfm.io.pictures.bitmap import loaded

    if pages.count > 1:
        raise UnsupportedError(f"{path}: several pages of YCbCr are not supported; save them in RGB")
    picture = loaded(path, str(path)).picture
    orientation = pages.first.tags.get(274)
    if orientation is not None and orientation.value != 1:
        raise UnsupportedError(f"{path}: a turned TIFF of YCbCr is not supported; save it in RGB")
    return np.moveaxis(np.asarray(picture.convert("RGB")), -1, 0)


def shown(samples: np.ndarray, page: "TiffPage", pages: Pages, path: Path) -> Raster:
    """What a viewer shows of the samples `[S, *spatial]`."""
    lossy, kind = is_lossy(page), page.photometric
    colours = {PALETTE: 1, RGB: 3, YCBCR: 3, INK: 4}.get(kind, 1)
    if len(samples) < colours:
        raise InputError(f"{path}: {len(samples)} samples a pixel where its colours need {colours}; it is damaged")
    extra = [int(value) for value in page.extrasamples]
    rest, told = samples[colours:], []
    alpha = rest[extra.index(next(value for value in extra if value in (1, 2)))] if set(extra) & {1, 2} else None
    if kind in (WHITE_IS_ZERO, BLACK_IS_ZERO) and alpha is None:
        colours = len(samples)  # channels, as a microscope has them
    elif len(rest) > (alpha is not None):
        told.append(CHANNELS)
    own = samples[:colours]
    if kind == PALETTE:
        return of_palette(own[0], page, path)._replace(alpha=alpha, warnings=tuple(told))
    if kind == INK:
        own, told = inks(own, page, path), [*told, INKS]
    white = 2**page.bitspersample - 1 if own.dtype.kind == "u" else 1
    stored = own[0] if len(own) == 1 else None
    inverted = kind == WHITE_IS_ZERO and own.dtype != bool
    if kind == WHITE_IS_ZERO:
        own = negative(own, white, path)
        told += [FAX] if own.dtype == bool else []
        stored = own[0] if own.dtype == bool else stored  # bits of a fax are nobody's labels
    bright = full_range(own, page.bitspersample) if kind != INK else own
    return Raster(bright, stored, alpha, lossy=lossy, inverted=inverted, warnings=tuple(told))


def is_lossy(page: "TiffPage") -> bool:
    """Whether the packing may have changed the values."""
    return int(page.compression) in LOSSY


def negative(samples: np.ndarray, white: int, path: Path) -> np.ndarray:
    """Numbers of which 0 is white, as numbers of which 0 is black."""
    if samples.dtype == bool:
        return ~samples
    if samples.dtype.kind != "u":
        raise UnsupportedError(f"{path}: {samples.dtype} values of which 0 is white are not supported; save 0 as black")
    return (white - samples).astype(samples.dtype)


def full_range(samples: np.ndarray, bits: int) -> np.ndarray:
    """Numbers of 2 to 7 or 9 to 15 bits by the full range of the type that holds them, as PNG and PGM are shown."""
    held = samples.dtype.itemsize * 8
    if samples.dtype.kind != "u" or bits >= held or held > 16:
        return samples
    scale = (2**held - 1) / (2**bits - 1)
    return np.rint(samples * scale).astype(samples.dtype)


def inks(samples: np.ndarray, page: "TiffPage", path: Path) -> np.ndarray:
    """Colours of cyan, magenta, yellow and black, each (1 - ink) (1 - black)."""
    kind = page.tags.get(332)
    if (kind is not None and kind.value != 1) or samples.dtype.kind != "u":
        raise UnsupportedError(f"{path}: a TIFF of other inks than CMYK is not supported; save it in RGB")
    top = float(2**page.bitspersample - 1)
    light = 1 - samples.astype(np.float64) / top
    held = np.iinfo(samples.dtype).max if samples.dtype.itemsize <= 2 else top
    return np.rint(light[:3] * light[3] * held).astype(samples.dtype)


def of_palette(index: np.ndarray, page: "TiffPage", path: Path) -> Raster:
    """Numbers of a palette's entries, and its colours of 8 bits."""
    index = index.astype(np.uint8) if index.dtype == bool else index
    table = page.colormap
    if table is None or index.dtype.kind != "u" or table.shape[1] <= int(index.max(initial=0)):
        raise InputError(f"{path}: a palette that lacks colours its pixels name; it is damaged")
    table = np.asarray(table)
    colours = (table if table.max() < 256 else table >> 8).astype(np.uint8)  # some write 8 bits where 16 belong
    grey = bool((colours == colours[:1]).all())
    return Raster(colours[: 1 if grey else 3][:, index], index, palette=colours.T)
