"""What is sent to the service: the inputs of all readers of images as bodies with a name, and zips made to do harm."""

import struct
import zipfile
from collections.abc import Mapping
from functools import cache, partial

import numpy as np
from corpus import Files, Kind
from hostile_arrays import nifti_kind, npy_kind
from hostile_dicom import dicom_kind
from hostile_masks import bare_kind
from hostile_packages import zipped
from hostile_pictures import bmp_kind, gif_kind, ppm_kind
from hostile_rasters import jpeg_kind, png_kind
from hostile_tiff import tiff_kind
from hostile_volumes import metaimage_kind, nifti2_kind, nrrd_kind

__all__ = ["upload_kind"]

MAKERS = (
    png_kind, tiff_kind, jpeg_kind, gif_kind, bmp_kind, ppm_kind, npy_kind, nifti_kind, nifti2_kind, nrrd_kind,
    metaimage_kind, dicom_kind, bare_kind,
)  # fmt: skip
# sound files that are no image by themselves
NO_IMAGES = ("nrrd: nrrd layers", "nrrd: nrrd beside", "metaimage: metaimage beside")


@cache
def kinds() -> Mapping[str, Kind]:
    return {make.__name__.removesuffix("_kind"): make() for make in MAKERS}


def upload_kind() -> Kind:
    valid = {f"{name}: {label}": files for name, kind in kinds().items() for label, files in kind.valid.items()}
    for label in NO_IMAGES:
        del valid[label]
    valid["zip: a series"] = {"a.zip": series()}
    hostile = {f"{name}: {label}": make for name, kind in kinds().items() for label, make in kind.hostile.items()}
    for label, content in zips().items():
        hostile[f"zip: {label}"] = partial(dict, {"a.zip": content})
    return Kind(valid, hostile, mended, inside)


def mended(files: Files) -> Files:
    """Checksums made right again, where the format has them."""
    mend = kinds()["png"].mended
    return mend(files) if mend is not None and "a.png" in files else files


def inside(files: Files, rng: np.random.Generator) -> Files:
    """Damage within a package, where the format is one."""
    owner = {"a.png": "png", "a.nii.gz": "nifti", "a.mha": "metaimage"}
    name = next((owner[file] for file in files if file in owner), None)
    damage = None if name is None else kinds()[name].inner
    return files if damage is None else damage(files, rng)


def series() -> bytes:
    files = kinds()["dicom"].valid["dicom series"]
    return zipped({name: content for name, content in files.items() if isinstance(content, bytes)})


def zips() -> dict[str, bytes]:
    """Zips that lie about their members, hold too much, or lead elsewhere."""
    whole = series()
    at, end = whole.rfind(b"PK\1\2"), whole.rfind(b"PK\5\6")
    head = bytes(128) + b"DICM"
    many = {f"{number}": b"" for number in range(5000)}
    return {
        "a bomb": zipped({"a.dcm": head + bytes(2**28)}),
        "bombs": zipped({f"{k}.dcm": head + bytes(2**24) for k in range(40)}),
        "names that lead out": zipped({"../../a.dcm": head, "/etc/b.dcm": head, "C:\\c.dcm": head}),
        "5,000 members": zipped(many, zipfile.ZIP_STORED),
        "65,535 members that are not there": whole[:end] + ending(65535, 2**30, 4),
        "a list of 4 GB": whole[:end] + ending(1, 2**32 - 1, 4),
        "a list that begins in itself": whole[:end] + ending(1, 46, end),
        "no list": whole[:at],
        "only an end": b"PK\3\4" + bytes(26) + whole[end:],
        "locked": whole[: at + 8] + b"\1" + whole[at + 9 :],
        "a packing that is none": whole[: at + 10] + b"\x63" + whole[at + 11 :],
        "a size that lies": whole[: at + 24] + b"\xff\xff\xff\x7f" + whole[at + 28 :],
        "a zip in a zip": zipped({"a.zip": whole}),
        "a text": zipped({"a.txt": b"words"}),
        "nothing": zipped({}),
        "half a head": zipped({"a.dcm": head}),
        "twins": zipped([("a.dcm", head), ("a.dcm", head)]),
    }


def ending(members: int, size: int, at: int) -> bytes:
    """The end of a zip, with what it claims of its list."""
    return struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, members, members, size, at, 0)
