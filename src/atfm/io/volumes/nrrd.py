"""NRRD, and the segmentations that 3D Slicer keeps in it: `.nrrd`, `.nhdr` with a file beside it, `.seg.nrrd`.

The head is read by pynrrd; the fields are those of https://teem.sourceforge.net/nrrd/format.html. Axes of an array run
from the slowest to the fastest here, in NRRD the other way. A `space` such as left-posterior-superior says where the
voxels lie; any other says only how large they are.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from atfm.errors import InputError, UnsupportedError
from atfm.io.decoding import brief, decoding
from atfm.io.picture import Picture
from atfm.io.volumes.geometry import Geometry, sound
from atfm.io.volumes.segments import labelled, segments_of
from atfm.io.volumes.voxels import Packing, beside, check_size, near_whole, read_voxels

__all__ = ["load_nrrd", "nrrd_geometry"]

LARGEST_HEAD = 2**22
TYPES = {
    "i1": ("signed char", "int8", "int8_t"),
    "u1": ("uchar", "unsigned char", "uint8", "uint8_t"),
    "i2": ("short", "short int", "signed short", "signed short int", "int16", "int16_t"),
    "u2": ("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"),
    "i4": ("int", "signed int", "int32", "int32_t"),
    "u4": ("uint", "unsigned int", "uint32", "uint32_t"),
    "i8": ("longlong", "long long", "long long int", "signed long long", "signed long long int", "int64", "int64_t"),
    "u8": ("ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"),
    "f4": ("float",),
    "f8": ("double",),
}
PACKINGS: dict[str, Packing] = {
    "raw": "raw",
    "gzip": "deflate",
    "gz": "deflate",
    "bzip2": "bzip2",
    "bz2": "bzip2",
    "text": "text",
    "txt": "text",
    "ascii": "text",
}
WORDS = {"right": "R", "left": "L", "anterior": "A", "posterior": "P", "superior": "S", "inferior": "I"}
UNITS = {"mm": 1.0, "millimeter": 1.0, "um": 0.001, "µm": 0.001, "micron": 0.001, "cm": 10.0, "m": 1000.0}
SPATIAL = {"domain", "space", "???", "none"}  # kinds of an axis that may be one of space


@dataclass(frozen=True)
class Head:
    """What the head of a NRRD says.

    Args:
        fields: as pynrrd reads them, those of 3D Slicer among them.
        shape: of the array, slowest axis first, the axis of channels or layers included.
        dtype, packing: of its voxels.
        lead: which axis of the array holds channels or layers; None for none.
        file, begins: the file that holds the voxels, and their first byte.
        affine: from `(x, y, z, 1)` to RAS millimetres; None where it does not say.
        spacing: of the spatial axes, slowest first; None where it does not say.
        warnings: what was guessed or ignored.
    """

    fields: Mapping[str, Any]
    shape: tuple[int, ...]
    dtype: np.dtype
    packing: Packing
    lead: int | None
    file: Path
    begins: int
    affine: np.ndarray | None
    spacing: tuple[float, ...] | None
    warnings: tuple[str, ...]

    @property
    def size(self) -> tuple[int, ...]:
        """The spatial axes of the array."""
        return tuple(n for axis, n in enumerate(self.shape) if axis != self.lead)


def load_nrrd(path: Path, as_labels: bool, spatial_dims: int | None) -> Picture:
    """Read a NRRD: `[C, D, H, W]`, or `[C, H, W]` of one slice; of a segmentation the labels of its segments.

    Raises:
        InputError: no NRRD, damaged, or voxels that the file cannot hold.
        UnsupportedError: an encoding, a type, more axes or more files than are read, or a segmentation as an image.
    """
    head = read_head(path)
    segments = segments_of(head.fields, path)
    if segments and not as_labels:
        raise UnsupportedError(f"{path}: a segmentation, with no image in it; give the image that it is of")
    with decoding(path, "NRRD"):
        pixels = read_voxels(head.file, head.begins, head.shape, head.dtype, head.packing)
    pixels = pixels[None] if head.lead is None else np.moveaxis(pixels, head.lead, 0)
    warnings = head.warnings
    if segments:
        labels, told = labelled(pixels, segments, path)
        pixels, warnings = labels[None], (*warnings, *told)
    elif len(pixels) not in (1, 3, 4):
        raise UnsupportedError(f"{path}: {len(pixels)} values a voxel; expected 1 of grey or 3 of colour")
    pixels = pixels[:3] if len(pixels) == 4 else pixels
    spacing = head.spacing or (1.0,) * len(head.size)
    if len(head.size) == 3 and head.size[0] == 1 and spatial_dims != 3:
        pixels, spacing = pixels[:, 0], spacing[1:]
    meta: dict[str, Any] = {"format": "nrrd", "spacing known": head.spacing is not None}
    if head.affine is not None:
        meta["affine"] = head.affine
    if segments:  # Slicer keeps the part of the image in which something is marked, or a single voxel for nothing
        meta |= {"part of a volume": True, "nothing marked": labels.size == 1}
    return Picture(near_whole(pixels) if as_labels else pixels, spacing, meta, warnings)


def nrrd_geometry(path: Path) -> Geometry | None:
    """Where the voxels of a file lie, from its head alone; None where it does not say.

    Raises:
        InputError: as `load_nrrd`.
    """
    head = read_head(path)
    return Geometry.of(head.affine, head.size)


def read_head(path: Path) -> Head:
    """Read and check a head.

    Raises:
        InputError: as `load_nrrd`.
    """
    import nrrd

    with decoding(path, "NRRD"), np.errstate(all="ignore"):  # numbers of any size; what is not finite is refused
        with path.open("rb") as stream:
            content = stream.read(LARGEST_HEAD)
        if content[:4] != b"NRRD":
            raise InputError(f"{path}: cannot be read as NRRD: it does not begin with these letters; it is damaged")
        ends = [content.find(end) + len(end) for end in (b"\n\n", b"\n\r\n") if content.find(end) >= 0]
        if not ends and len(content) == LARGEST_HEAD:
            raise InputError(f"{path}: its head is longer than {LARGEST_HEAD} bytes; it is damaged")
        length = min(ends, default=len(content))
        fields = nrrd.read_header(io.BytesIO(content[:length]))
        shape = tuple(int(n) for n in reversed(fields["sizes"]))
        if int(fields["dimension"]) != len(shape):
            raise InputError(f"{path}: {fields['dimension']} axes of {len(shape)} sizes; it is damaged")
        dtype, packing = type_of(fields, path), packing_of(fields, path)
        file, begins = where(fields, path, length)
        check_size(shape, dtype, file.stat().st_size, path, packing)
        lead = lead_of(fields, len(shape), path)
        affine, spacing, warnings = place_of(fields, lead, len(shape), path)
    return Head(fields, shape, dtype, packing, lead, file, begins, affine, spacing, warnings)


def type_of(fields: Mapping[str, Any], path: Path) -> np.dtype:
    """The type of the voxels, with its byte order."""
    name = str(fields["type"]).lower()
    code = next((code for code, names in TYPES.items() if name in names), None)
    if code is None:
        raise UnsupportedError(f"{path}: voxels of type {brief(name)!r}; expected whole or floating numbers")
    if code[1] != "1" and fields["encoding"].lower() not in ("text", "txt", "ascii"):
        endian = str(fields.get("endian", "")).lower()
        if endian not in ("little", "big"):
            raise InputError(f"{path}: expected endian: little or big, got {brief(endian)!r}; it is damaged")
        return np.dtype(code).newbyteorder("<" if endian == "little" else ">")
    return np.dtype(code)


def packing_of(fields: Mapping[str, Any], path: Path) -> Packing:
    """How the voxels are kept."""
    name = str(fields["encoding"]).lower()
    if name not in PACKINGS:
        raise UnsupportedError(f"{path}: encoding {brief(name)!r}; expected raw, gzip, bzip2 or text")
    return PACKINGS[name]


def where(fields: Mapping[str, Any], path: Path, length: int) -> tuple[Path, int]:
    """The file of the voxels, and their first byte."""
    if int(fields.get("line skip", fields.get("lineskip", 0))) != 0:
        raise UnsupportedError(f"{path}: line skip; save it without, as one file")
    skip = int(fields.get("byte skip", fields.get("byteskip", 0)))
    raw = PACKINGS[str(fields["encoding"]).lower()] == "raw"
    if skip < -1 or (skip and not raw):
        raise UnsupportedError(f"{path}: byte skip {skip} of {fields['encoding']}; save it without, as one file")
    named = fields.get("data file", fields.get("datafile"))
    file, begins = (path, length) if named is None else (beside(path, str(named)), 0)
    return file, -1 if skip == -1 else begins + skip


def lead_of(fields: Mapping[str, Any], axes: int, path: Path) -> int | None:
    """Which axis of the array, slowest first, holds channels or layers; None where all are of space."""
    kinds = [str(kind).lower() for kind in fields.get("kinds", [])]
    directions = fields.get("space directions")
    lead = [axis for axis, kind in enumerate(kinds) if kind not in SPATIAL]
    if directions is not None:
        lead = [axis for axis, vector in enumerate(directions) if vector is None or not np.isfinite(vector).any()]
    if len(lead) > 1 or not 2 <= axes - len(lead) <= 3:
        raise UnsupportedError(
            f"{path}: {axes} axes, {len(lead)} of them not of space; expected a slice or a volume, of grey, colour or "
            "segments"
        )
    return axes - 1 - lead[0] if lead else None


def place_of(
    fields: Mapping[str, Any], lead: int | None, axes: int, path: Path
) -> tuple[np.ndarray | None, tuple[float, ...] | None, tuple[str, ...]]:
    """Where the voxels lie, how far apart they are, and what was guessed or ignored."""
    spatial = [axis for axis in range(axes) if lead is None or axis != axes - 1 - lead]  # fastest first
    unit, told = unit_of(fields)
    directions = fields.get("space directions")
    if directions is None:
        sides = [float(np.abs(fields["spacings"][axis])) * unit for axis in spatial] if "spacings" in fields else []
        known = bool(sides) and all(np.isfinite(mm) and mm > 0 for mm in sides)
        return None, tuple(reversed(sides)) if known else None, told
    vectors = np.array([directions[axis] for axis in spatial], float) * unit  # [axes, 3]
    if not np.isfinite(vectors).all():
        raise InputError(f"{path}: space directions hold no numbers for an axis of space; it is damaged")
    lengths = np.linalg.norm(vectors, axis=1)
    spacing = tuple(lengths[::-1].tolist()) if ((lengths > 0) & np.isfinite(lengths)).all() else None
    signs = signs_of(str(fields.get("space", "")))
    origin = np.array(fields.get("space origin", np.full(vectors.shape[1], np.nan)), float) * unit
    if len(vectors) != 3 or signs is None or origin.shape != (3,) or not np.isfinite(origin).all():
        return None, spacing, told
    affine = np.eye(4)
    affine[:3, :3], affine[:3, 3] = (vectors * signs).T, origin * signs
    if not sound(affine):
        return None, spacing, (*told, "its space directions span no volume, so where it lies is not known")
    return affine, spacing, told


def signs_of(space: str) -> np.ndarray | None:
    """For each axis of a space 1 where it runs as RAS does, -1 where it runs the other way; None of another space."""
    letters = "".join(WORDS.get(word, "") for word in space.lower().split("-")) or space.upper()
    if len(letters) != 3 or any(letter not in pair for letter, pair in zip(letters, ("RL", "AP", "SI"), strict=True)):
        return None
    return np.array([1.0 if letter in "RAS" else -1.0 for letter in letters])


def unit_of(fields: Mapping[str, Any]) -> tuple[float, tuple[str, ...]]:
    """Millimetres of a length of the file, and what to say where it names another unit."""
    units = {str(unit).strip('" ').lower() for unit in fields.get("space units", fields.get("units", []))} - {"", "???"}
    known = {UNITS[unit] for unit in units if unit in UNITS}
    if len(known) == 1 and units <= UNITS.keys():
        return known.pop(), ()
    return 1.0, (f"its unit of length is {brief(', '.join(sorted(units)))}; taken for millimetres",) if units else ()
