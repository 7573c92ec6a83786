"""NIfTI-1 and NIfTI-2: the head is looked at before a reader reserves what it claims, and its geometry is weighed.

Fields of the head are those of nifti1.h (https://nifti.nimh.nih.gov/pub/dist/src/niftilib/nifti1.h): `sizeof_hdr` at
byte 0, `vox_offset` at 108, extensions from 352 on, each with its size and a code before it; and of nifti2.h, 540 bytes
with `vox_offset` at 168.

Where the voxels lie is said by up to two matrices. The sform counts where its code is above 0, else the qform; without
either nobody said more than the size of a voxel. Lengths are millimetres, metres or micrometres, as `xyzt_units` says,
and millimetres where it says nothing, as most files do.
"""

import gzip
import struct
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, cast

import numpy as np

from atfm.errors import AmbiguousError, InputError, UnsupportedError
from atfm.io.decoding import brief, decoding
from atfm.io.picture import Picture
from atfm.io.volumes.geometry import Geometry, apart, same_place, sound
from atfm.io.volumes.voxels import Packing, check_size, near_whole

if TYPE_CHECKING:
    from nibabel.nifti1 import Nifti1Image

__all__ = ["load_nifti", "nifti_geometry", "open_nifti"]

LARGEST_HEAD = 2**24  # bytes before the first voxel, extensions included
UNITS = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}  # of xyzt_units & 7: unknown, metre, millimetre, micrometre
SMALLEST, LARGEST = 0.01, 100.0  # millimetres of a voxel, beyond which an unnamed unit is hardly millimetres


class Place(NamedTuple):
    """Where voxels lie.

    Args:
        affine: from `(x, y, z, 1)` to RAS millimetres; None where the file does not say.
        sides: of a voxel along x, y and z in millimetres, 1.0 where the file does not say.
        known: whether it says all those that matter.
        warnings: what was guessed or ignored.
    """

    affine: np.ndarray | None
    sides: tuple[float, float, float]
    known: bool
    warnings: tuple[str, ...]


def load_nifti(path: Path, as_labels: bool, spatial_dims: int | None) -> Picture:
    """Read a `.nii` or `.nii.gz` with its scale applied: `[1, D, H, W]`, or `[1, H, W]` of one slice.

    Raises:
        InputError: no NIfTI, damaged, or voxels that the file cannot hold.
        UnsupportedError: several volumes in one file, colours, or complex numbers.
        AmbiguousError: two matrices that disagree on what is left and right.
    """
    volume = open_nifti(path)
    place = place_of(volume, path)
    shape = volume.shape
    if volume.get_data_dtype().kind not in "biuf":
        raise UnsupportedError(f"{path}: voxels of {volume.get_data_dtype()}; expected one grey value a voxel")
    if any(n != 1 for n in shape[3:]) or len(shape) < 2:
        raise UnsupportedError(f"{path}: shape {list(shape)}; expected one grey slice or volume, give it by itself")
    with decoding(path, "NIfTI"):
        voxels = np.asanyarray(volume.dataobj)
    voxels = voxels.reshape((*shape, 1)[:3])  # [X, Y, Z]
    pixels = voxels.T
    spacing: tuple[float, ...] = place.sides[::-1]
    if voxels.shape[2] == 1 and spatial_dims != 3:
        pixels, spacing = pixels[0], spacing[1:]
    meta = {"format": "nifti", "spacing known": place.known, "base affine": base_of(volume)}
    if place.affine is not None:
        meta["affine"] = place.affine
    return Picture((near_whole(pixels) if as_labels else pixels)[None], spacing, meta, place.warnings)


def nifti_geometry(path: Path) -> Geometry | None:
    """Where the voxels of a file lie, from its head alone; None where it does not say.

    Raises:
        InputError: as `load_nifti`.
    """
    volume = open_nifti(path)
    return Geometry.of(place_of(volume, path).affine, (*volume.shape, 1, 1)[:3][::-1])


def open_nifti(path: Path) -> "Nifti1Image":
    """Open a `.nii` or `.nii.gz` of either version; its voxels are still on the disk.

    Raises:
        InputError: no NIfTI, damaged, or voxels that the file cannot hold.
    """
    import nibabel

    with decoding(path, "NIfTI"):
        with opened(path) as stream:
            second = check_head(stream.read(544), path, lambda size: bytes(stream.read(size)))
        volume = (nibabel.Nifti2Image if second else nibabel.Nifti1Image).from_filename(path)
        packing: Packing = "deflate" if path.name.lower().endswith(".gz") else "raw"
        check_size(volume.shape, volume.get_data_dtype(), path.stat().st_size, path, packing)
    return volume


def opened(path: Path) -> BinaryIO:
    """The bytes of a file, unpacked."""
    return cast(BinaryIO, gzip.open(path)) if path.name.lower().endswith(".gz") else path.open("rb")


def place_of(volume: "Nifti1Image", path: Path) -> Place:
    """Weigh what a head says of where its voxels lie."""
    with np.errstate(all="ignore"):  # numbers of any size; what is not finite is refused
        return weighed(volume, path)


def weighed(volume: "Nifti1Image", path: Path) -> Place:
    """The matrix that counts, the sides of a voxel, and what there is to say of them."""
    head = volume.header
    code = int(head["xyzt_units"]) & 7
    unit = UNITS.get(code, 1.0)
    told = (
        [] if code in UNITS else [f"its unit of length has the code {code}, which no unit has; taken for millimetres"]
    )
    with decoding(path, "NIfTI"):
        sform = matrix(head.get_sform(), unit, path) if int(head["sform_code"]) > 0 else None
        qform = matrix(head.get_qform(), unit, path) if int(head["qform_code"]) > 0 else None
    found = [one for one in (sform, qform) if one is not None and sound(one)]
    if (sform is not None or qform is not None) and not found:
        told.append("its matrix spans no volume, so where it lies is not known")
    affine = found[0] if found else None
    if len(found) == 2:
        told += disagreement(Geometry.of(sform, volume_shape(volume)), Geometry.of(qform, volume_shape(volume)), path)
    sides, known = sides_of(volume, affine, unit, path)
    if code == 0 and known and not all(SMALLEST <= mm <= LARGEST for mm in sides):
        told.append(f"it does not say its unit of length; voxels of {brief(sides)} were taken for millimetres")
    return Place(affine, sides, known, tuple(told))


def base_of(volume: "Nifti1Image") -> np.ndarray:
    """What a file that is to be shown over this one has to have, wherever that lies."""
    affine = np.array(volume.affine)
    return affine if sound(affine) else np.eye(4)


def volume_shape(volume: "Nifti1Image") -> tuple[int, ...]:
    """`(D, H, W)`."""
    return tuple((*volume.shape, 1, 1)[:3][::-1])


def matrix(affine: np.ndarray, unit: float, path: Path) -> np.ndarray:
    """A matrix in millimetres."""
    if not np.isfinite(affine).all():
        raise InputError(f"{path}: its affine holds NaN or infinity; mend the file or leave it out")
    scaled = np.array(affine, float)
    scaled[:3] *= unit
    return scaled


def disagreement(sform: Geometry | None, qform: Geometry | None, path: Path) -> list[str]:
    """What to say of two matrices that are both meant; refused where they take left for right, or another axis."""
    if sform is None or qform is None or same_place(sform, qform):
        return []
    if sform.orientation != qform.orientation:
        raise AmbiguousError(
            f"{path}: its two matrices disagree: the sform says {sform}, the qform says {qform}; keep one of them "
            "(nibabel: image.set_qform(image.affine), or set_sform(None, 0)) and save it again"
        )
    return [f"its two matrices lie up to {apart(sform, qform):.3g} mm apart; the sform was taken, not the qform"]


def sides_of(
    volume: "Nifti1Image", affine: np.ndarray | None, unit: float, path: Path
) -> tuple[tuple[float, float, float], bool]:
    """The sides of a voxel, and whether the file says them; a side of 0 or NaN says as little as none."""
    if affine is not None:
        dx, dy, dz = np.linalg.norm(affine[:3, :3], axis=0).tolist()
        return (dx, dy, dz), True
    with opened(path) as stream:  # nibabel has made a side of 0 into 1, which nobody said
        head = stream.read(544)
    order = volume.header.endianness
    second = int(volume.header["sizeof_hdr"]) == 540
    said = [
        float(mm) * unit for mm in struct.unpack_from(f"{order}3{'d' if second else 'f'}", head, 112 if second else 80)
    ]
    sound_ones = [mm if np.isfinite(mm) and mm > 0 else 1.0 for mm in said]
    sizes = (*volume.shape, 1, 1)[:3]
    known = all(n == 1 or mm == own for n, mm, own in zip(sizes, said, sound_ones, strict=True))
    return (sound_ones[0], sound_ones[1], sound_ones[2]), known


def check_head(head: bytes, path: Path, more: Callable[[int], bytes]) -> bool:
    """Refuse voxels that begin too far behind, and extensions that reach beyond where they begin.

    Returns:
        Whether the head is of version 2.
    """
    size = next((n for n in (348, 540) if struct.pack("<i", n) == head[:4] or struct.pack(">i", n) == head[:4]), 0)
    second = size == 540
    # By the number of axes, as nibabel tells it. Another size of the head nibabel would mend; here it is damage.
    axes, at = ("q", 16) if second else ("h", 40)
    order = "<" if 1 <= struct.unpack_from(f"<{axes}", head, at)[0] <= 7 else ">"
    if struct.unpack(f"{order}i", head[:4])[0] not in (348, 540):
        raise InputError(f"{path}: cannot be read as NIfTI: its head has no size of 348 or 540 bytes; it is damaged")
    begins = struct.unpack_from(f"{order}q", head, 168)[0] if second else struct.unpack_from(f"{order}f", head, 108)[0]
    if not 0 <= begins <= LARGEST_HEAD:
        raise InputError(f"{path}: its voxels are said to begin at byte {begins:g}; it is damaged")
    if head[size : size + 1] in (b"", b"\0"):
        return second
    extensions = (head[size + 4 :] + more(max(0, int(begins) - len(head))))[: max(0, int(begins) - size - 4)]
    at = 0
    while at + 8 <= len(extensions):
        length = struct.unpack_from(f"{order}i", extensions, at)[0]
        if length < 16 or at + length > len(extensions):
            raise InputError(
                f"{path}: an extension of {length} bytes that does not fit before its voxels; it is damaged"
            )
        at += length
    return second
