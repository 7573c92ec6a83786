"""GIF, BMP and the PGM family: valid ones of many kinds, and ones that claim too much or lead their decoder astray."""

import struct
from collections.abc import Callable
from functools import partial

import numpy as np
from corpus import Kind
from hostile_rasters import BINARY, COLOUR, GREY, one, saved
from PIL import Image

__all__ = ["bmp_kind", "gif_kind", "ppm_kind"]


def kind(name: str, valid: dict[str, bytes], hostile: dict[str, Callable[[], bytes]]) -> Kind:
    named = {label: {name: content} for label, content in valid.items()}
    return Kind(named, {label: partial(one, name, make) for label, make in hostile.items()})


def gif_kind() -> Kind:
    frames = [Image.fromarray(GREY), Image.fromarray(GREY[::-1].copy())]
    valid = {
        "gif grey": saved(GREY, "GIF"),
        "gif colours": saved(COLOUR, "GIF", "P"),
        "gif mask": saved(BINARY * 255, "GIF"),
        "gif labels": saved(GREY % 4, "GIF"),
        "gif interlaced": saved(np.tile(GREY, (4, 4)), "GIF", interlace=1),
        "gif transparent": saved(GREY % 4, "GIF", transparency=0),
    }
    moving = saved(GREY, "GIF", save_all=True, append_images=frames[1:], duration=9)
    grey = valid["gif grey"]
    return kind(
        "a.gif",
        valid,
        {
            "gif of two pictures": lambda: moving,
            "gif of 5000 pictures": lambda: moving[:-1] + moving[moving.rindex(b"\x21\xf9") : -1] * 5000 + b";",
            "gif of 65535 x 65535": lambda: grey[:6] + b"\xff\xff\xff\xff" + grey[10:],
            "gif whose picture is larger than its screen": lambda: grey.replace(
                b"\x2c\0\0\0\0\x09\0\x06\0", b"\x2c\0\0\0\0\xff\xff\xff\x7f"
            ),
            "gif of nothing": lambda: grey[:6] + bytes(4) + grey[10:],
            "gif without a palette": lambda: grey[:10] + b"\0" + grey[11:13] + grey[13 + 768 :],
            "gif of 20000 comments": lambda: grey[:-1] + b"\x21\xfe\x02ab\0" * 20000 + b";",
            "gif without an end": lambda: grey[:-1],
            "bmp called gif": lambda: saved(GREY, "BMP"),
            "webp called gif": lambda: saved(COLOUR, "WEBP"),
        },
    )


def bmp(width: int, height: int, bits: int = 8, packing: int = 0, colours: int = 0, offset: int = 54) -> bytes:
    """A BMP that claims what it is told to, with 64 bytes of pixels."""
    head = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, packing, 0, 0, 0, colours % 2**32, 0)
    return b"BM" + struct.pack("<IHHI", 118, 0, 0, offset % 2**32) + head + bytes(64)


def bmp_kind() -> Kind:
    valid = {f"bmp {mode}": saved(COLOUR, "BMP", mode) for mode in ("L", "RGB", "RGBA", "P", "1")}
    valid["bmp mask"] = saved(BINARY * 255, "BMP")
    valid["bmp labels"] = saved(GREY % 4, "BMP")
    return kind(
        "a.bmp",
        valid,
        {
            "bmp of 2^31 x 2^31": lambda: bmp(2**31 - 1, 2**31 - 1),
            "bmp of 11000 x 11000, truncated": lambda: bmp(11000, 11000),
            "bmp of -9 rows": lambda: bmp(6, -9),
            "bmp of -2^31 rows": lambda: bmp(6, -(2**31)),
            "bmp of nothing": lambda: bmp(0, 0),
            "bmp of 3 bits": lambda: bmp(6, 9, 3),
            "bmp of 16 bits": lambda: bmp(2, 9, 16),
            "bmp packed": lambda: bmp(6, 9, 8, 1),
            "bmp packed by 4 bits": lambda: bmp(6, 9, 4, 2),
            "bmp packed, 11000 x 11000": lambda: bmp(11000, 11000, 8, 1),
            "bmp that holds a JPEG": lambda: bmp(6, 9, 0, 4),
            "bmp of 2^31 colours": lambda: bmp(6, 9, 8, 0, 2**31 - 1),
            "bmp whose pixels begin at 2^32 - 1": lambda: bmp(6, 9, offset=-1),
            "bmp whose pixels begin in its head": lambda: bmp(6, 9, offset=2),
            "bmp of OS/2": lambda: b"BM" + struct.pack("<IHHI", 60, 0, 0, 26) + struct.pack("<IHHHH", 12, 6, 9, 1, 24),
            "bmp head alone": lambda: bmp(6, 9)[:54],
        },
    )


def ppm_kind() -> Kind:
    deep = GREY.astype(">u2") * 16
    valid = {
        "ppm colours": saved(COLOUR, "PPM"),
        "pgm grey": saved(GREY, "PPM"),
        "pbm mask": saved(BINARY, "PPM", "1"),
        "pgm mask": b"P5 9 6 1\n" + BINARY.tobytes(),
        "pgm labels": b"P5\n# labels\n9 6 3\n" + (GREY % 4).tobytes(),
        "pgm 12 bit": b"P5 9 6 4095\n" + deep.tobytes(),
        "pgm 16 bit": b"P5 9 6 65535\n" + deep.tobytes(),
        "pgm in text": b"P2 9 6 255\n" + " ".join(map(str, GREY.ravel())).encode(),
        "pbm in text": b"P1 9 6\n" + " ".join(map(str, BINARY.ravel())).encode(),
        "ppm in text": b"P3 9 6 255\n" + " ".join(map(str, COLOUR.ravel())).encode(),
        "pfm": b"Pf\n9 6\n-1.0\n" + (GREY / np.float32(255)).astype("<f4").tobytes(),
    }
    return kind(
        "a.ppm",
        valid,
        {
            "ppm of 10^9 x 10^9": lambda: b"P6 1000000000 1000000000 255\n" + bytes(60),
            "ppm of 10^40": lambda: b"P6 " + b"1" * 40 + b" 1 255\n",
            "ppm of 11000 x 11000, truncated": lambda: b"P5 11000 11000 255\n" + bytes(60),
            "pgm in text, 11000 x 11000, truncated": lambda: b"P2 11000 11000 255\n" + b"1 " * 60,
            "pgm of a white of 0": lambda: b"P5 9 6 0\n" + bytes(54),
            "pgm of a white of 70000": lambda: b"P5 9 6 70000\n" + bytes(108),
            "pgm brighter than white": lambda: b"P5 9 6 3\n" + bytes([200] * 54),
            "pgm in text, brighter than white": lambda: b"P2 9 6 3\n" + b"200 " * 54,
            "pgm of -9 columns": lambda: b"P5 -9 6 255\n" + bytes(54),
            "pgm of a megabyte of comments": lambda: b"P5\n#" + b"a" * 2**20 + b"\n9 6 255\n" + bytes(54),
            "pgm with a number of a megabyte": lambda: b"P5 " + b"0" * 2**20 + b"9 6 255\n" + bytes(54),
            "pgm in text without spaces": lambda: b"P2 9 6 255\n" + b"1" * 2**20,
            "pfm of a scale of 0": lambda: b"Pf\n9 6\n0\n" + bytes(216),
            "pfm of NaN": lambda: b"Pf\n9 6\n-1.0\n" + b"\xff" * 216,
            "pfm of a scale of 1e999": lambda: b"Pf\n9 6\n1e999\n" + bytes(216),
            "pam": lambda: b"P7\nWIDTH 9\nHEIGHT 6\nDEPTH 1\nMAXVAL 255\nTUPLTYPE GRAYSCALE\nENDHDR\n" + bytes(54),
            "colour pfm": lambda: b"PF\n3 2\n-1.0\n" + bytes(72),
            "ppm head alone": lambda: b"P6",
        },
    )
