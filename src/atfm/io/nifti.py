"""NIfTI-1 files: the head is looked at before a reader reserves what it claims.

Fields of the head are those of nifti1.h (https://nifti.nimh.nih.gov/pub/dist/src/niftilib/nifti1.h): `sizeof_hdr` at
byte 0, `vox_offset` at 108, extensions from 352 on, each with its size and a code before it.
"""

import gzip
import math
import struct
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from atfm.errors import InputError
from atfm.io.decoding import decoding

if TYPE_CHECKING:
    from nibabel.nifti1 import Nifti1Image

__all__ = ["open_nifti"]

LARGEST_HEAD = 2**24  # bytes before the first voxel, extensions included
MOST_VOXELS = 2**30
MOST_PACKED = 1032  # deflate makes no more bytes out of one


def open_nifti(path: Path) -> "Nifti1Image":
    """Open a `.nii` or `.nii.gz`; its voxels are still on the disk.

    Raises:
        InputError: no NIfTI, damaged, or voxels that the file cannot hold.
    """
    import nibabel

    packed = path.name.lower().endswith(".gz")
    with decoding(path, "NIfTI"):
        with gzip.open(path) if packed else path.open("rb") as stream:
            check_head(stream.read(352), path, lambda size: bytes(stream.read(size)))
        volume = nibabel.Nifti1Image.from_filename(path)
        shape = volume.shape
        if math.prod(shape) > MOST_VOXELS:
            raise InputError(f"{path}: shape {list(shape)} is more than an image may have; cut it up")
        needed = math.prod(shape) * volume.get_data_dtype().itemsize
        if needed > path.stat().st_size * (MOST_PACKED if packed else 1):
            raise InputError(f"{path}: shape {list(shape)} takes {needed} bytes, more than the file holds; truncated")
        if not np.isfinite(volume.affine).all():
            raise InputError(f"{path}: its affine holds NaN or infinity; mend the file or leave it out")
    return volume


def check_head(head: bytes, path: Path, more: Callable[[int], bytes]) -> None:
    """Refuse voxels that begin too far behind, and extensions that reach beyond where they begin."""
    # By the number of axes, as nibabel tells it. Another size of the head nibabel would mend; here it is damage.
    order = "<" if 1 <= struct.unpack("<h", head[40:42])[0] <= 7 else ">"
    if struct.unpack(f"{order}i", head[:4])[0] != 348:
        raise InputError(f"{path}: cannot be read as NIfTI: its head has no size of 348 bytes; it is damaged")
    begins = struct.unpack(f"{order}f", head[108:112])[0]
    if not 0 <= begins <= LARGEST_HEAD:
        raise InputError(f"{path}: its voxels are said to begin at byte {begins:g}; it is damaged")
    if head[348:349] in (b"", b"\0"):
        return
    extensions = more(max(0, int(begins) - 352))
    at = 0
    while at + 8 <= len(extensions):
        size = struct.unpack(f"{order}i", extensions[at : at + 4])[0]
        if size < 16 or at + size > len(extensions):
            raise InputError(f"{path}: an extension of {size} bytes that does not fit before its voxels; it is damaged")
        at += size
