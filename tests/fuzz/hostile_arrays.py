"""NPY and NIfTI: valid ones of many types, and heads that promise what the file does not hold."""

import gzip
import io
import pickle
import struct
import zlib
from collections.abc import Callable
from functools import partial

import nibabel
import numpy as np
from corpus import Files, Kind
from damage import damaged
from hostile_pickles import PICKLES
from hostile_rasters import BINARY, COLOUR, GREY, zeros

__all__ = ["nifti_kind", "npy", "npy_kind"]


def npy_kind() -> Kind:
    arrays = {
        "8 bit": GREY,
        "16 bit": GREY.astype(np.uint16) * 257,
        "floats": GREY / 255,
        "half floats": (GREY / 255).astype(np.float16),
        "big end": (GREY / 255).astype(">f4"),
        "bool": BINARY.astype(bool),
        "labels": (GREY % 4).astype(np.int64),
        "colour": COLOUR,
        "fortran": np.asfortranarray(COLOUR),
        "volume": np.stack([GREY] * 5),
    }
    valid = {f"npy {name}": {"a.npy": stored(array)} for name, array in arrays.items()}
    return Kind(valid, {name: partial(only, "a.npy", make) for name, make in npy_hostile().items()})


def only(name: str, make: Callable[[], bytes]) -> Files:
    return {name: make()}


def stored(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def npy(head: str, body: bytes = bytes(54), version: int = 1) -> bytes:
    """An NPY with whatever is said in its head."""
    text = head.encode("latin-1") + b"\n"
    size = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + size + text + body


def shaped(shape: str, kind: str = "'|u1'", fortran: str = "False") -> bytes:
    return npy(f"{{'descr': {kind}, 'fortran_order': {fortran}, 'shape': {shape}, }}")


def npy_hostile() -> dict[str, Callable[[], bytes]]:
    archive = io.BytesIO()
    np.savez(archive, a=GREY)
    shapes = {
        "npy of 10^18": "(1000000000000000000,)",
        "npy of 2^63 x 2^63": f"({2**63}, {2**63})",
        "npy of 2^32 x 2^32": f"({2**32}, {2**32})",
        "npy of 0 x 10^18": f"(0, {10**18})",
        "npy of -6 x -9": "(-6, -9)",
        "npy of halves": "(6.5, 9)",
        "npy of True x 54": "(True, 54)",
        "npy of no axis": "()",
        "npy of 70 axes": f"({'1, ' * 70})",
        "npy of a name": "('a',)",
        "npy of a sum": "(6 * 10**9, 9)",
    }
    kinds = {
        "npy of objects": "'|O'",
        "npy of fields": "[('a', '|u1'), ('b', '|O')]",
        "npy of 1000 fields": str([(f"f{i}", "|u1") for i in range(400)]),
        "npy of text of 10^9": "'<U1000000000'",
        "npy of void of 2^31": "'|V2147483647'",
        "npy of nothing": "'|V0'",
        "npy of dates": "'<M8[ns]'",
        "npy of complex": "'<c16'",
        "npy of long floats": "'<f16'",
        "npy of unknown": "'<q77'",
        "npy of a number": "7",
        "npy of an array of arrays": "('|u1', (1000000, 1000000))",
    }
    made: dict[str, Callable[[], bytes]] = {name: partial(shaped, shape) for name, shape in shapes.items()}
    made |= {name: partial(shaped, "(6, 9)", kind) for name, kind in kinds.items()}
    made |= {f"npy objects, {name}": partial(objects, content) for name, content in PICKLES.items()}
    return made | {
        "npy of fortran 7": partial(shaped, "(6, 9)", "'|u1'", "7"),
        "npy of bytes that are no bools": lambda: shaped("(6, 9)", "'|b1'")[:-54] + bytes(range(54)),
        "npy with a call in its head": lambda: npy("__import__('os').system('touch CANARY')"),
        "npy with a deep head": lambda: npy("[" * 9000 + "]" * 9000),
        "npy with a head of minus signs": lambda: npy("-" * 9000 + "1"),
        "npy with a head of 4 GB": lambda: b"\x93NUMPY\x02\0" + struct.pack("<I", 2**32 - 1) + b"{" * 60,
        "npy with a head of 1 MB": lambda: npy("{" + " " * 10**6 + "}", version=2),
        "npy of version 9": lambda: npy("{}", version=9),
        "npz called npy": archive.getvalue,
        "pickle called npy": lambda: pickle.dumps(GREY),
    }


def objects(content: bytes) -> bytes:
    return npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", content)


# ---- NIfTI ----


def nifti_kind() -> Kind:
    arrays = {
        "8 bit": GREY[..., None],
        "16 bit": GREY.astype(np.int16)[..., None],
        "floats": (GREY / np.float32(255))[..., None],
        "volume": np.stack([BINARY] * 3),
        "labels": (GREY % 4).astype(np.uint8),
    }
    valid: dict[str, Files] = {}
    for name, array in arrays.items():
        content = nibabel.Nifti1Image(array, np.diag([0.5, 0.7, 2, 1])).to_bytes()
        valid[f"nifti {name}"] = {"a.nii": content}
        valid[f"nifti {name} packed"] = {"a.nii.gz": gzip.compress(content, mtime=0)}
    return Kind(valid, {name: partial(nifti, **edits) for name, edits in nifti_hostile().items()}, None, repacked)


def repacked(files: Files, rng: np.random.Generator) -> Files:
    """Damage of what is inside the gzip."""
    name, content = next(iter(files.items()))
    if not isinstance(content, bytes) or not name.endswith(".gz"):
        return {name: damaged(content if isinstance(content, bytes) else b"", rng)[1]}
    try:
        inside = zlib.decompressobj(31).decompress(content, 10**6)
    except zlib.error:
        inside = content
    return {name: gzip.compress(damaged(inside, rng)[1], mtime=0)}


FIELDS = {"dim": (40, "<8h"), "datatype": (70, "<h"), "bitpix": (72, "<h"), "pixdim": (76, "<8f")}
FIELDS |= {"vox_offset": (108, "<f"), "slope": (112, "<f"), "inter": (116, "<f"), "units": (123, "<B")}
FIELDS |= {"qform": (252, "<h"), "sform": (254, "<h"), "srow": (280, "<12f"), "magic": (344, "<4s")}
FIELDS |= {"size": (0, "<i"), "extension": (348, "<4sii")}


def nifti(*, packed: bool = False, body: bytes = b"", **edits: object) -> Files:
    """A NIfTI with some fields of its head as told; `body` goes behind it, deflated already where `packed`."""
    head = bytearray(nibabel.Nifti1Image(GREY[..., None], np.eye(4)).to_bytes()[:352])
    for name, value in edits.items():
        at, form = FIELDS[name]
        field = struct.pack(form, *(value if isinstance(value, tuple) else (value,)))
        head[at : at + len(field)] = field
    if packed:
        return {"a.nii.gz": gzip.compress(bytes(head), mtime=0) + body}
    return {"a.nii": bytes(head) + (body or bytes(54))}


def nifti_hostile() -> dict[str, dict[str, object]]:
    large = 200 * 2**20
    nan, inf = float("nan"), float("inf")
    bomb = b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + zeros(200)[2:-4] + struct.pack("<II", zlib.crc32(bytes(large)), large)
    edits: dict[str, dict[str, object]] = {
        "nifti of 32767^3": {"dim": (3, 32767, 32767, 32767, 1, 1, 1, 1)},
        "nifti of 1000^3": {"dim": (3, 1000, 1000, 1000, 1, 1, 1, 1)},
        "nifti of 1000^3 doubles": {"dim": (3, 1000, 1000, 1000, 1, 1, 1, 1), "datatype": 64, "bitpix": 64},
        "nifti of -1": {"dim": (3, -1, -1, -1, 1, 1, 1, 1)},
        "nifti of -6 x -9": {"dim": (2, -6, -9, 1, 1, 1, 1, 1)},
        "nifti of nothing": {"dim": (2, 0, 9, 1, 1, 1, 1, 1)},
        "nifti of no axis": {"dim": (0, 6, 9, 1, 1, 1, 1, 1)},
        "nifti of 30000 axes": {"dim": (30000, 6, 9, 1, 1, 1, 1, 1)},
        "nifti of -3 axes": {"dim": (-3, 6, 9, 1, 1, 1, 1, 1)},
        "nifti of seven axes": {"dim": (7, 3, 1, 1, 1, 3, 3, 2)},
        "nifti with a glue of -1": {"dim": (3, -1, 1, 1, 1, 1, 1, 1)},
        "nifti with spacing of NaN": {"pixdim": (1, nan, nan, nan, 1, 1, 1, 1)},
        "nifti with spacing of 0": {"pixdim": (1, 0, 0, 0, 1, 1, 1, 1)},
        "nifti with negative spacing": {"pixdim": (1, -1, -1, -1, 1, 1, 1, 1)},
        "nifti with infinite spacing": {"pixdim": (inf, inf, inf, inf, 1, 1, 1, 1), "qform": 1, "sform": 0},
        "nifti with an affine of NaN": {"srow": (nan,) * 12, "sform": 2},
        "nifti with an affine of 0": {"srow": (0.0,) * 12, "sform": 2},
        "nifti of forms 99": {"qform": 99, "sform": -99},
    }
    edits |= {f"nifti that begins at {at}": {"vox_offset": at} for at in (nan, inf, -inf, -352.0, 0.0, 1e30, 352.5)}
    edits |= {f"nifti of type {kind}": {"datatype": kind} for kind in (0, 1, 4, 32, 128, 512, 1536, 2048, 2304, 7777)}
    edits |= {f"nifti scaled by {slope}": {"slope": slope, "inter": slope} for slope in (nan, inf, -inf, 1e38, 1e-45)}
    edits |= {f"nifti with a magic of {magic!r}": {"magic": magic} for magic in (b"ni1\0", b"n+2\0", b"xxxx", b"n+9\0")}
    for size in (-1, 0, 7, 2**31 - 1):
        edits[f"nifti with an extension of {size}"] = {"extension": (b"\1\0\0\0", size, 4), "vox_offset": 400.0}
    return edits | {
        "nifti with a head of 540": {"size": 540},
        "nifti packed, of 1000^3": {"packed": True, "dim": (3, 1000, 1000, 1000, 1, 1, 1, 1)},
        "nifti packed, of 1000^3 doubles": {"packed": True, "dim": (3, 1000, 1000, 1000, 1, 1, 1, 1), "datatype": 64},
        "nifti packed, that begins at 10^9": {"packed": True, "vox_offset": 1e9, "body": bomb},
        "nifti packed, with 200 MB behind it": {"packed": True, "body": bomb},
        "nifti packed, with an extension of 200 MB": {
            "packed": True,
            "extension": (b"\1\0\0\0", 200 * 2**20, 4),
            "vox_offset": 2e8,
            "body": bomb,
        },
        "nifti packed, of 20 MB": {"packed": True, "dim": (3, 512, 512, 80, 1, 1, 1, 1), "body": bomb},
    }
