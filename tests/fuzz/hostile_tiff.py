"""TIFF: valid ones of many kinds, and ones whose directories lead round, or whose strips are not there."""

import io
import struct
from collections.abc import Callable, Iterable
from functools import partial

import numpy as np
import tifffile
from corpus import Kind
from hostile_rasters import BINARY, COLOUR, GREY, RNG, one, saved, zeros

__all__ = ["tiff_kind"]


def tiff_kind() -> Kind:
    stack = RNG.integers(0, 256, (3, 6, 9), np.uint8)
    deep = RNG.integers(0, 65536, (6, 9, 3), np.uint16)
    valid = {f"tiff {mode}": saved(COLOUR, "TIFF", mode) for mode in ("L", "RGB", "RGBA", "P", "1", "I", "CMYK")}
    for packing in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg"):
        valid[f"tiff {packing}"] = saved(GREY, "TIFF", compression=packing)
    for packing in ("lzw", "zstd", "lzma", "jpeg2000", "jpegxl", "lerc", "png"):
        valid[f"tiff 16 bit {packing}"] = tiff_of(np.tile(GREY, (4, 4)).astype(np.uint16) * 257, compression=packing)
    for packing in ("group3", "group4", "tiff_ccitt"):
        valid[f"tiff {packing}"] = saved(GREY, "TIFF", "1", compression=packing)
    valid["tiff ycbcr"] = saved(np.tile(COLOUR, (2, 2, 1)), "TIFF", "YCbCr")
    valid["tiff doubles"] = tiff_of(GREY / 255, compression="lzw", predictor=True)
    valid["tiff white is zero"] = tiff_of(GREY, photometric="miniswhite")
    valid["tiff turned"] = tiff_of(GREY, extratags=[(274, "H", 1, 6, True)])
    valid["tiff ImageJ"] = tiff_of(stack, imagej=True, metadata={"axes": "ZYX"})
    valid["tiff OME"] = tiff_of(stack, ome=True, photometric="minisblack", metadata={"axes": "ZYX"})
    valid["tiff mask"] = tiff_of(BINARY * 255)
    valid["tiff stack"] = tiff_of(stack, photometric="minisblack")
    valid["tiff floats"] = tiff_of(GREY.astype(np.float32) / 255)
    valid["tiff deep colours"] = tiff_of(deep, photometric="rgb")
    valid["tiff deep planes"] = tiff_of(np.moveaxis(deep, -1, 0), photometric="rgb", planarconfig="separate")
    valid["tiff deflated deep colours"] = tiff_of(deep, photometric="rgb", compression="zlib", predictor=True)
    valid["tiff tiles"] = tiff_of(np.tile(GREY, (4, 4)), tile=(16, 16))
    valid["tiff big"] = tiff_of(GREY, bigtiff=True)
    valid["tiff big end"] = tiff_of(GREY.astype(">u2"), byteorder=">")
    named = {name: {"a.tif": content} for name, content in valid.items()}
    return Kind(named, {name: partial(one, "a.tif", make) for name, make in tiff_hostile().items()})


def tiff_of(pixels: np.ndarray, **options: object) -> bytes:
    stream = io.BytesIO()
    tifffile.imwrite(stream, pixels, **options)
    return stream.getvalue()


Tag = tuple[int, int, int, int]  # number, type, count, value or offset


def directory(tags: Iterable[Tag], after: int) -> bytes:
    """An image file directory with the place of the next one."""
    rows = sorted(tags)
    body = b"".join(struct.pack("<HHII", *row) for row in rows)
    return struct.pack("<H", len(rows)) + body + struct.pack("<I", after)


def tags(width: int = 6, height: int = 9, **changed: int) -> list[Tag]:
    """Tags of an 8-bit grey picture of one strip, whose pixels begin at the 8th byte."""
    values = {"width": width, "height": height, "bits": 8, "packing": 1, "photometric": 1, "offset": 8}
    values |= {"samples": 1, "rows": height, "bytes": 54} | changed
    numbers = {"width": 256, "height": 257, "bits": 258, "packing": 259, "photometric": 262, "offset": 273}
    numbers |= {"samples": 277, "rows": 278, "bytes": 279, "format": 339, "exif": 34665, "sub": 330, "tile": 322}
    return [(numbers[name], 4, 1, value % 2**32) for name, value in values.items()]


def paged(*pages: list[Tag], loop: bool = False, body: bytes = bytes(54)) -> bytes:
    """A TIFF of these pages; the last one may lead back to the first."""
    at = 8 + len(body)
    places = []
    for page in pages:
        places.append(at)
        at += 6 + 12 * len(page)
    after = [*places[1:], places[0] if loop else 0]
    parts = [directory(page, next_) for page, next_ in zip(pages, after, strict=True)]
    return b"II*\0" + struct.pack("<I", places[0]) + body + b"".join(parts)


def tiff_hostile() -> dict[str, Callable[[], bytes]]:
    page, bomb = tags(), zeros(200)
    huge = tags(15000, 15000, packing=8, bytes=len(bomb))
    deep = {"samples": 3, "photometric": 2, "bits": 16}
    return {
        "tiff whose pages lead round": partial(paged, page, page, loop=True),
        "tiff whose page leads to itself": partial(paged, page, loop=True),
        "tiff of 300 pages": partial(paged, *[page] * 300),
        "tiff of 300 large pages": partial(paged, *[tags(4000, 4000, bytes=2**24)] * 300),
        "tiff of 10^9 x 10^9": lambda: paged(tags(10**9, 10**9)),
        "tiff of -1 x -1": lambda: paged(tags(-1, -1)),
        "tiff of nothing": lambda: paged(tags(0, 0)),
        "tiff whose second page unpacks to 225 MB": lambda: paged(page, huge, body=bomb),
        "tiff that unpacks to 225 MB": lambda: paged(huge, body=bomb),
        "tiff strip of 4 GB": lambda: paged(tags(bytes=-1)),
        "tiff strip beyond the end": lambda: paged(tags(offset=10**9)),
        "tiff of no rows in a strip": lambda: paged(tags(rows=0)),
        "tiff of 65535 samples": lambda: paged(tags(samples=65535)),
        "tiff of 64 bits": lambda: paged(tags(bits=64)),
        "tiff of unknown packing": lambda: paged(tags(packing=60000)),
        "tiff with tiles as large as 2^31": lambda: paged([*tags(), (322, 4, 1, 2**31), (323, 4, 1, 2**31)]),
        "tiff with tiles of nothing": lambda: paged([*tags(), (322, 4, 1, 0), (323, 4, 1, 0)]),
        "tiff with 2^32 - 1 strips": lambda: paged([*tags()[:5], (273, 4, 2**32 - 1, 8), (279, 4, 2**32 - 1, 8)]),
        "tiff with a tag of 4 GB": lambda: paged([*tags(), (270, 2, 2**32 - 1, 8)]),
        "tiff whose EXIF is itself": lambda: paged([*tags(), (34665, 4, 1, 62)]),
        "tiff whose child is itself": lambda: paged([*tags(), (330, 4, 1, 62)]),
        "tiff of deep colours, 10^5 x 10^5": lambda: paged(tags(10**5, 10**5, **deep)),
        "tiff of deep colours with a strip of 4 GB": lambda: paged(tags(**deep, bytes=-1)),
        "tiff of deep colours that unpacks to 54 MB": lambda: paged(
            tags(3000, 3000, **deep, packing=8, bytes=len(bomb)), body=bomb
        ),
        "tiff of deep colours of no rows in a strip": lambda: paged(tags(**deep, rows=0)),
        "tiff of 65535 tags": lambda: b"II*\0\x08\0\0\0" + b"\xff\xff" + directory(tags(), 0)[2:] * 8,
        "tiff head alone": lambda: b"II*\0\x08\0\0\0",
        "tiff that begins in its head": lambda: b"II*\0\x00\0\0\0" + bytes(60),
        "big tiff with a directory at 2^63": lambda: b"II+\0\x08\0\0\0" + struct.pack("<Q", 2**63) + bytes(60),
        "big tiff of 2^64 tags": lambda: b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, 2**64 - 1) + bytes(60),
    }
