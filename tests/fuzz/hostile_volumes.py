"""NRRD, MetaImage and NIfTI-2: valid ones of many kinds, and heads that promise what the file does not hold."""

import bz2
import gzip
import struct
import zlib
from collections.abc import Callable
from functools import partial

import nibabel
import numpy as np
from corpus import Content, Files, Kind, Link
from hostile_arrays import repacked
from hostile_rasters import BINARY, COLOUR, GREY

__all__ = ["metaimage_kind", "nifti2_kind", "nrrd_kind"]

VOLUME = np.stack([GREY] * 3)  # [D, H, W]
BOMB = 2**26  # bytes of zeros


# ---- NRRD ----

PLACED = {
    "space": "left-posterior-superior",
    "space directions": "(0.5,0,0) (0,0.7,0) (0,0,2)",
    "space origin": "(1,2,3)",
}
SEGMENTS = {
    "Segment0_Name": "a",
    "Segment0_Layer": "0",
    "Segment0_LabelValue": "1",
    "Segment1_Name": "b",
    "Segment1_Layer": "1",
    "Segment1_LabelValue": "1",
}
LAYERED = {"kinds": "list domain domain domain", "space directions": "none (0.5,0,0) (0,0.7,0) (0,0,2)"}
PACK: dict[str, Callable[[bytes], bytes]] = {
    "raw": bytes,
    "gzip": partial(gzip.compress, mtime=0),
    "bzip2": bz2.compress,
}


def nrrd(
    array: np.ndarray = VOLUME,
    *,
    packing: str = "raw",
    name: str = "a.nrrd",
    body: bytes | None = None,
    **fields: object,
) -> Files:
    """A NRRD of an array, slowest axis first, with some fields of its head as told; None leaves one out."""
    kinds = {"uint8": "uint8", "uint16": "uint16", "float32": "float"}
    head: dict[str, object] = {
        "type": kinds[array.dtype.name],
        "dimension": array.ndim,
        "sizes": " ".join(map(str, array.shape[::-1])),
        "encoding": packing,
        "endian": "little",
        **(PLACED if array.ndim >= 3 else {}),
    }
    head |= {key.replace("_", " ") if not key.startswith("Segment") else key: value for key, value in fields.items()}
    lines = [
        f"{key}{':=' if key.startswith('Segment') else ': '}{value}" for key, value in head.items() if value is not None
    ]
    text = "\n".join(["NRRD0005", *lines]).encode("latin-1") + b"\n"
    content = PACK.get(packing, bytes)(array.tobytes()) if body is None else body
    if "data file" in head:
        return {name: text, str(head["data file"]).split("/")[-1] or "x": content}
    return {name: text + b"\n" + content}


def nrrd_kind() -> Kind:
    valid = {f"nrrd {packing}": nrrd(packing=packing) for packing in PACK}
    valid |= {
        "nrrd text": nrrd(packing="text", body=" ".join(map(str, VOLUME.ravel())).encode()),
        "nrrd floats": nrrd(VOLUME / np.float32(255)),
        "nrrd 16 bit": nrrd(VOLUME.astype(np.uint16), packing="gzip"),
        "nrrd flat": nrrd(GREY),
        "nrrd mask": nrrd(np.stack([BINARY] * 3)),
        "nrrd labels": nrrd((VOLUME % 4).astype(np.uint8)),
        "nrrd spacings": nrrd(**{"space": None, "space_directions": None, "space_origin": None, "spacings": "1 2 3"}),
        "nrrd colour": nrrd(COLOUR[None], **LAYERED | {"kinds": "RGB-color domain domain domain"}),
        "nrrd layers": nrrd(np.stack([np.stack([BINARY] * 3)] * 2, -1), **LAYERED, **SEGMENTS),
        "nrrd beside": nrrd(name="a.nhdr", data_file="a.raw"),
    }
    zeros = partial(bytes, BOMB)
    hostile: dict[str, Callable[[], Files]] = {
        "nrrd gzip bomb": lambda: nrrd(packing="gzip", body=gzip.compress(zeros(), mtime=0)),
        "nrrd gzip bomb of its size": lambda: nrrd(
            packing="gzip", sizes="1024 1024 64", body=gzip.compress(zeros(), mtime=0)[: 2**16]
        ),
        "nrrd bzip2 bomb": lambda: nrrd(packing="bzip2", body=bz2.compress(zeros())),
        "nrrd bzip2 bomb that is believed": lambda: nrrd(
            packing="bzip2", sizes="8192 8192 1", body=bz2.compress(zeros())
        ),
    }
    for name, sizes in {
        "of 10^9": "1000 1000 1000", "of 2^63": f"{2**63} 1 1", "of 2^64": f"{2**64} {2**64} 2", "of -1": "-1 -1 1",
        "of 0": "0 1 1", "of halves": "1.5 2 3", "of names": "a b c", "of two": "6 9", "of 9": "1 1 1 1 1 1 1 1 1",
        "of nothing": "", "of nan": "nan 6 9", "of 10^300": "1e300 6 9",
    }.items():  # fmt: skip
        hostile[f"nrrd {name}"] = partial(nrrd, sizes=sizes)
    for key, values in {
        "dimension": ["-1", "4", "1000000000", "x", ""],
        "type": ["block", "object", "__import__('os')", "int128", ""],
        "encoding": ["zrl", "hex", "raw\nencoding: gzip", ""],
        "endian": ["middle", "", "big"],
        "space": ["left-left-left", "scanner-xyz", "nowhere", "left-posterior-superior-time", "x" * 10**5],
        "space directions": ["(nan,0,0) (0,1,0) (0,0,1)", "(0,0,0) (0,0,0) (0,0,0)", "none none none", "(1,0,0)",
            "((((",
                             "(1e308,0,0) (0,1e308,0) (0,0,1e308)", "(1,0) (0,1) (1,1)",
                                 "(1e-308,0,0) (0,1,0) (0,0,1)"],
        "space origin": ["(nan,inf,0)", "(1,2)", "none", "(1e400,0,0)"],
        "kinds": ["list list domain", "x", "domain", "domain " * 10**4],
        "space units": ['"furlong" "mm" "mm"', '"', "mm"],
        "line skip": ["1", "-1", "1000000000", "x"],
        "byte skip": ["-1", "-2", "1000000000000", "x"],
        "spacings": ["nan nan nan", "0 0 0", "-1 -1 -1", "x"],
        "data file": ["/etc/passwd", "../../a.raw", "LIST", "a%d.raw 1 1000000000 1", "/dev/zero", "a.nrrd",
            "SKIPLIST 1", ""],
    }.items():  # fmt: skip
        for value in values:
            hostile[f"nrrd {key}: {value[:30]}"] = partial(nrrd, **{key.replace(" ", "_"): value})
    for key, values in {
        "Layer": ["2", "-1", "x", "99999999999999999999"],
        "LabelValue": ["0", "-5", "x", "300", "1e9"],
    }.items():
        for value in values:
            changed = SEGMENTS | {f"Segment1_{key}": value}
            hostile[f"nrrd segment {key} {value}"] = partial(
                nrrd, np.stack([np.stack([BINARY] * 3)] * 2, -1), **LAYERED, **changed
            )
    hostile |= {
        "nrrd of 10^5 segments": lambda: nrrd(**{f"Segment{i}_Name": str(i) for i in range(9999)}),
        "nrrd head without end": lambda: {"a.nrrd": b"NRRD0005\n" + b"# x\n" * 2**21},
        "nrrd line without end": lambda: {"a.nrrd": b"NRRD0005\ncontent: " + b"x" * 2**23},
        "nrrd of nothing": lambda: {"a.nrrd": b""},
        "nrrd magic alone": lambda: {"a.nrrd": b"NRRD"},
        "nrrd of no colon": lambda: {"a.nrrd": b"NRRD0005\nsizes 6 9\n\n"},
        "nrrd field twice": lambda: {"a.nrrd": b"NRRD0005\ntype: uint8\ntype: float\n\n"},
        "nrrd link to a device": lambda: nrrd(name="a.nhdr", data_file="a.raw") | {"a.raw": Link("/dev/zero")},
        "nrrd link to itself": lambda: nrrd(name="a.nhdr", data_file="a.raw") | {"a.raw": Link("a.raw")},
    }
    return Kind(valid, hostile)


# ---- MetaImage ----


def metaimage(array: np.ndarray = VOLUME, *, body: bytes | None = None, name: str = "a.mha", **fields: object) -> Files:
    """A MetaImage of an array with some fields of its head as told; None leaves one out."""
    kinds = {"uint8": "MET_UCHAR", "uint16": "MET_USHORT", "float32": "MET_FLOAT"}
    axes = min(array.ndim, 3)
    head: dict[str, object] = {
        "ObjectType": "Image",
        "NDims": axes,
        "BinaryData": "True",
        "BinaryDataByteOrderMSB": "False",
        "CompressedData": "False",
        "TransformMatrix": " ".join(str(int(i == j)) for i in range(axes) for j in range(axes)),
        "Offset": " ".join(["1"] * axes),
        "ElementSpacing": " ".join(["0.5"] * axes),
        "DimSize": " ".join(map(str, array.shape[:axes][::-1])),
        "ElementType": kinds[array.dtype.name],
        **fields,
    }
    last = head.pop("ElementDataFile", "LOCAL")
    lines = [f"{key} = {value}" for key, value in head.items() if value is not None]
    text = "\n".join([*lines, f"ElementDataFile = {last}"]).encode("latin-1") + b"\n"
    content: Content = array.tobytes() if body is None else body
    return {name: text + content} if last == "LOCAL" else {name: text, str(last).split("/")[-1] or "x": content}


def metaimage_kind() -> Kind:
    valid = {
        "metaimage 8 bit": metaimage(),
        "metaimage 16 bit": metaimage(VOLUME.astype(np.uint16)),
        "metaimage floats": metaimage(VOLUME / np.float32(255)),
        "metaimage packed": metaimage(body=zlib.compress(VOLUME.tobytes()), CompressedData="True"),
        "metaimage flat": metaimage(GREY),
        "metaimage mask": metaimage(np.stack([BINARY] * 3)),
        "metaimage labels": metaimage((VOLUME % 4).astype(np.uint8)),
        "metaimage colour": metaimage(COLOUR[None], ElementNumberOfChannels="3"),
        "metaimage text": metaimage(body=" ".join(map(str, VOLUME.ravel())).encode(), BinaryData="False"),
        "metaimage beside": metaimage(name="a.mhd", ElementDataFile="a.raw"),
    }
    hostile: dict[str, Callable[[], Files]] = {
        "metaimage bomb": lambda: metaimage(body=zlib.compress(bytes(BOMB)), CompressedData="True"),
        "metaimage bomb that is believed": lambda: metaimage(
            body=zlib.compress(bytes(BOMB)), CompressedData="True", DimSize="1024 1024 64"
        ),
    }
    for key, values in {
        "DimSize": ["1000 1000 1000", f"{2**63} 1 1", f"{2**64} {2**64} 1", "-1 -1 1", "0 1 1", "1.5 2 3", "a b c",
            "6 9",
                    "1 1 1 1 1 1 1 1 1", "", "nan 6 9", None],
        "NDims": ["-1", "4", "1000000000", "x", "", None],
        "ObjectType": ["Tube", "", "Image\nObjectType = Scene"],
        "ElementType": ["MET_OTHER", "MET_STRING", "", "MET_UCHAR_ARRAY", None],
        "ElementNumberOfChannels": ["0", "-1", "1000000000", "x", "3"],
        "ElementSpacing": ["0 0 0", "nan nan nan", "-1 -1 -1", "1", "x", "1e308 1e308 1e308", "1e-320 1 1"],
        "TransformMatrix": ["0 0 0 0 0 0 0 0 0", "nan " * 9, "1 0 0", "x", "1e200 0 0 0 1e200 0 0 0 1e200"],
        "Offset": ["inf 0 0", "1e400 0 0", "1 2", "x"],
        "CompressedData": ["True", "maybe"],
        "CompressedDataSize": ["-1", "1000000000000"],
        "BinaryData": ["False"],
        "HeaderSize": ["-1", "-2", "1000000000000", "x"],
        "ElementToIntensityFunctionSlope": ["2", "nan", "x"],
        "DistanceUnits": ["furlong", "um"],
        "ElementDataFile": ["LIST", "/etc/passwd", "../a.raw", "/dev/zero", "a.mha", "a%03d.raw 1 1000000000 1", ""],
    }.items():  # fmt: skip
        for value in values:
            hostile[f"metaimage {key}: {str(value)[:30]}"] = partial(metaimage, **{key: value})
    hostile |= {
        "metaimage of nothing": lambda: {"a.mha": b""},
        "metaimage of a long name": lambda: {
            "a.mha": b"NDims = 3\nDimSize = 6 9 3\nElementType = MET_UCHAR\nElementDataFile = " + b"x" * 10**5 + b"\n"
        },
        "metaimage without an end": lambda: {"a.mha": b"A = 1\n" * 2**20},
        "metaimage line without end": lambda: {"a.mha": b"A = " + b"x" * 2**23},
        "metaimage of empty lines": lambda: {"a.mha": b"\n" * 2**22},
        "metaimage link to a device": lambda: (
            metaimage(name="a.mhd", ElementDataFile="a.raw") | {"a.raw": Link("/dev/zero")}
        ),
        "metaimage link to itself": lambda: metaimage(name="a.mhd", ElementDataFile="a.raw") | {"a.raw": Link("a.raw")},
    }
    return Kind(valid, hostile)


# ---- NIfTI-2 ----

FIELDS = {"size": (0, "<i"), "magic": (4, "<8s"), "datatype": (12, "<h"), "bitpix": (14, "<h"), "dim": (16, "<8q")}
FIELDS |= {"pixdim": (104, "<8d"), "vox_offset": (168, "<q"), "slope": (176, "<d"), "inter": (184, "<d")}
FIELDS |= {"qform": (344, "<i"), "sform": (348, "<i"), "quatern": (352, "<3d"), "srow": (400, "<12d")}
FIELDS |= {"units": (500, "<i"), "extension": (540, "<4sii")}


def nifti2(*, packed: bool = False, **edits: object) -> Files:
    """A NIfTI-2 with some fields of its head as told."""
    content = bytearray(nibabel.Nifti2Image(VOLUME.T, np.diag([0.5, 0.7, 2, 1])).to_bytes())
    for name, value in edits.items():
        at, form = FIELDS[name]
        struct.pack_into(form, content, at, *(value if isinstance(value, tuple) else (value,)))
    return {"a.nii.gz": gzip.compress(bytes(content), mtime=0)} if packed else {"a.nii": bytes(content)}


def nifti2_kind() -> Kind:
    valid: dict[str, Files] = {}
    for name, array in {"8 bit": VOLUME, "mask": np.stack([BINARY] * 3), "16 bit": VOLUME.astype(np.uint16)}.items():
        content = nibabel.Nifti2Image(array.T, np.diag([0.5, 0.7, 2, 1])).to_bytes()
        valid |= {
            f"nifti-2 {name}": {"a.nii": content},
            f"nifti-2 {name} packed": {"a.nii.gz": gzip.compress(content, mtime=0)},
        }
    nan = float("nan")
    edits: dict[str, tuple[object, ...]] = {
        "dim": ((3, 1000, 1000, 1000, 1, 1, 1, 1), (3, 2**62, 2**62, 2**62, 1, 1, 1, 1), (3, -6, -9, 3, 1, 1, 1, 1),
                (0, 6, 9, 3, 1, 1, 1, 1), (7, 6, 9, 3, 2**40, 1, 1, 1), (2**40, 6, 9, 3, 1, 1, 1, 1), (3, 0, 0, 0, 1,
                    1, 1, 1)),
        "datatype": (0, 1, 128, 1536, 2304, -1, 32), "bitpix": (0, -8, 32000),
        "vox_offset": (-1, 2**62, 0, 2**33, 541), "size": (348, 0, -540, 2**31 - 1), "magic": (b"n+1", b"ni2", b""),
        "pixdim": ((0,) * 8, (nan,) * 8, (-1.0,) * 8, (1e308,) * 8), "slope": (0.0, nan, 1e308, -1.0), "inter": (nan,
            float("inf")),
        "qform": (1, -1, 2**31 - 1), "sform": (0, -1, 2**31 - 1), "quatern": ((2.0, 2.0, 2.0), (nan,) * 3),
        "srow": ((0.0,) * 12, (nan,) * 12, (1e308,) * 12, (-0.5, 0, 0, 0, 0, 0.7, 0, 0, 0, 0, 2, 0)), "units": (1, 3,
            7, -1),
        "extension": ((b"\1\0\0\0", 2**30, 4), (b"\1\0\0\0", -1, 4), (b"\1\0\0\0", 0, 0), (b"\1\0\0\0", 16, 4)),
    }  # fmt: skip
    hostile = {
        f"nifti-2 {name} {number}{' packed' * packed}": partial(nifti2, packed=packed, **{name: value})
        for name, values in edits.items()
        for number, value in enumerate(values)
        for packed in (False, True)
    }
    hostile["nifti-2 mirrored qform"] = partial(nifti2, qform=1, srow=(-0.5, 0, 0, 0, 0, 0.7, 0, 0, 0, 0, 2, 0))
    return Kind(valid, hostile, None, repacked)
