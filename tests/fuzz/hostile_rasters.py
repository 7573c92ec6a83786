"""PNG and JPEG: valid ones of many kinds, and ones that claim, repeat, or unpack to, too much."""

import io
import struct
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial

import numpy as np
from corpus import Files, Kind
from damage import damaged
from imagecodecs import png_encode
from PIL import Image

__all__ = ["BINARY", "COLOUR", "GREY", "jpeg_kind", "one", "png", "png_kind", "saved", "zeros"]

SIGNATURE = b"\x89PNG\r\n\x1a\n"
RNG = np.random.default_rng(7)
GREY = RNG.integers(0, 256, (6, 9), np.uint8)
COLOUR = RNG.integers(0, 256, (6, 9, 3), np.uint8)
BINARY = (GREY > 128).astype(np.uint8)


def saved(pixels: np.ndarray, form: str, mode: str | None = None, **options: object) -> bytes:
    """A picture as PIL writes it."""
    stream = io.BytesIO()
    picture = Image.fromarray(pixels)
    (picture.convert(mode) if mode else picture).save(stream, form, **options)
    return stream.getvalue()


# ---- PNG ----


def png_kind() -> Kind:
    valid = {f"png {mode}": saved(COLOUR, "PNG", mode) for mode in ("L", "RGB", "RGBA", "P", "1", "LA")}
    valid["png mask"] = saved(BINARY * 255, "PNG")
    valid["png labels"] = saved(GREY % 4, "PNG")
    valid["png 16 bit colours"] = bytes(png_encode(COLOUR.astype(np.uint16) * 257))
    valid["png 16 bit transparent"] = bytes(png_encode(np.dstack([COLOUR, GREY]).astype(np.uint16) * 257))
    valid["png white first"] = saved_picture(white_first())
    valid["png 16 bit"] = saved(GREY.astype(np.uint16) * 257, "PNG")
    named = {name: {"a.png": content} for name, content in valid.items()}
    return Kind(named, {name: partial(one, "a.png", make) for name, make in png_hostile().items()}, mended, recoded)


def white_first() -> Image.Image:
    """A mask whose palette begins with white."""
    picture = Image.fromarray(1 - BINARY)
    picture.putpalette([255, 255, 255, 0, 0, 0])
    return picture


def saved_picture(picture: Image.Image) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "PNG")
    return stream.getvalue()


def one(name: str, make: Callable[[], bytes]) -> Files:
    return {name: make()}


def chunk(name: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(
    width: int,
    height: int,
    *,
    depth: int = 8,
    colour: int = 0,
    interlace: int = 0,
    before: bytes = b"",
    data: bytes | None = None,
) -> bytes:
    """A PNG that claims what it is told to; one row of zeros is in it unless there is `data`."""
    head = struct.pack(">IIBBBBB", width % 2**32, height % 2**32, depth, colour, 0, 0, interlace)
    body = zlib.compress(bytes(64)) if data is None else data
    return SIGNATURE + chunk(b"IHDR", head) + before + chunk(b"IDAT", body) + chunk(b"IEND")


@cache
def zeros(megabytes: int) -> bytes:
    """So many megabytes of zeros in a thousandth of them: one deflated block again and again."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    megabyte = bytes(2**20)
    block = packer.compress(megabyte) + packer.flush(zlib.Z_FULL_FLUSH)
    check = 1
    for _ in range(megabytes):
        check = zlib.adler32(megabyte, check)
    return b"\x78\xda" + block * megabytes + packer.flush() + struct.pack(">I", check)


def png_hostile() -> dict[str, Callable[[], bytes]]:
    text = b"key\0\0" + zeros(60)
    profile = b"name\0\0" + zeros(60)
    bomb = zeros(60)
    small = partial(png, 6, 9)
    return {
        "png of 10^9 x 10^9": partial(png, 10**9, 10**9),
        "png of 2^31 - 1": partial(png, 2**31 - 1, 1),
        "png of -1": partial(png, -1, -1),
        "png of nothing": partial(png, 0, 9),
        "png of 12000 x 12000": partial(png, 12000, 12000, data=zeros(1)),
        "png of 4000 x 4000, truncated": partial(png, 4000, 4000, data=zeros(1)),
        "png with more data than pixels": partial(small, data=bomb),
        "png text bomb": partial(small, before=chunk(b"zTXt", text)),
        "png international text bomb": partial(small, before=chunk(b"iTXt", b"key\0\1\0\0\0" + zeros(60))),
        "png profile bomb": partial(small, before=chunk(b"iCCP", profile)),
        "png of 3 bits": partial(small, depth=3),
        "png of colour type 5": partial(small, colour=5),
        "png with palette left out": partial(small, colour=3),
        "png interlaced beyond its data": partial(small, interlace=1),
        "png of 2^31 - 1 frames": partial(small, before=chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0))),
        "png of no frames": partial(small, before=chunk(b"acTL", struct.pack(">II", 0, 0))),
        "png of 20000 chunks": partial(small, before=chunk(b"tEXt", b"a\0b") * 20000),
        "png chunk of 4 GB": lambda: SIGNATURE + struct.pack(">I", 2**32 - 1) + b"IHDR",
        "png with a strange EXIF": partial(small, before=chunk(b"eXIf", b"MM\0*\xff\xff\xff\xff" + b"\xff" * 40)),
        "gif called png": lambda: saved(GREY, "GIF"),
        "tiff called png": lambda: saved(GREY, "TIFF"),
    }


def chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Name and content of every chunk that is whole."""
    at = 8
    while at + 12 <= len(content):
        size = struct.unpack(">I", content[at : at + 4])[0]
        yield content[at + 4 : at + 8], content[at + 8 : at + 8 + size]
        at += 12 + size


def mended(files: Files) -> Files:
    """The same chunks, each with the check sum that it should have."""
    found: Iterable[tuple[bytes, bytes]] = chunks(bytes_of(files, "a.png"))
    return {"a.png": SIGNATURE + b"".join(chunk(name, content) for name, content in found)}


def recoded(files: Files, rng: np.random.Generator) -> Files:
    """Damage of the pixels before they are packed."""
    parts = []
    for name, content in chunks(bytes_of(files, "a.png")):
        if name == b"IDAT":
            try:
                content = zlib.compress(damaged(zlib.decompressobj().decompress(content, 10**6), rng)[1])
            except zlib.error:
                content = damaged(content, rng)[1]
        parts.append(chunk(name, content))
    return {"a.png": SIGNATURE + b"".join(parts)}


def bytes_of(files: Files, name: str) -> bytes:
    content = files.get(name, b"")
    return content if isinstance(content, bytes) else b""


# ---- JPEG ----


def jpeg_kind() -> Kind:
    exif = Image.Exif()
    exif[0x0112] = 6
    valid = {
        "jpeg grey": saved(GREY, "JPEG"),
        "jpeg colour": saved(COLOUR, "JPEG"),
        "jpeg ink": saved(COLOUR, "JPEG", "CMYK"),
        "jpeg progressive": saved(np.tile(COLOUR, (4, 4, 1)), "JPEG", progressive=True),
        "jpeg turned": saved(GREY, "JPEG", exif=exif),
    }
    named = {name: {"a.jpg": content} for name, content in valid.items()}
    return Kind(named, {name: partial(one, "a.jpg", make) for name, make in jpeg_hostile(valid).items()})


def jpeg_hostile(valid: dict[str, bytes]) -> dict[str, Callable[[], bytes]]:
    grey, progressive = valid["jpeg grey"], valid["jpeg progressive"]
    frame = grey.index(b"\xff\xc0") + 5
    tags = struct.pack("<HHHIIHHIII", 2, 274, 4, 1, 6, 34665, 4, 1, 8, 8)  # of which one, and the next page, lead back
    loop = b"Exif\0\0II*\0\x08\0\0\0" + tags
    return {
        "jpeg of 65535 x 65535": lambda: grey[:frame] + b"\xff\xff\xff\xff" + grey[frame + 4 :],
        "jpeg of 5000 x 5000, truncated": lambda: grey[:frame] + struct.pack(">HH", 5000, 5000) + grey[frame + 4 :],
        "jpeg of no rows": lambda: grey[:frame] + b"\0\0\0\x09" + grey[frame + 4 :],
        "jpeg whose EXIF is itself": lambda: (
            grey[:2] + b"\xff\xe1" + struct.pack(">H", len(loop) + 2) + loop + grey[2:]
        ),
        "jpeg turned by 200": lambda: valid["jpeg turned"].replace(b"\x00\x01\x00\x06", b"\x00\x01\x00\xc8"),
        "jpeg of 3000 scans": partial(scans, progressive, 3000),
        "jpeg of 3000 scans of 2000 x 2000": lambda: scans(
            saved(np.zeros((2000, 2000), np.uint8), "JPEG", progressive=True), 3000
        ),
        "jpeg of 60000 comments": lambda: grey[:2] + b"\xff\xfe\0\x03a" * 60000 + grey[2:],
        "jpeg without an end": lambda: grey[:-2],
        "png called jpeg": lambda: saved(GREY, "PNG"),
    }


def scans(progressive: bytes, count: int) -> bytes:
    """The last scan of a progressive JPEG again and again: little to store, much to decode."""
    last = progressive.rindex(b"\xff\xda")
    return progressive[:last] + progressive[last:-2] * count + progressive[-2:]
