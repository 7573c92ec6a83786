"""MetaImage, ITK's own format: `.mha`, and `.mhd` with its voxels in a file beside it.

The head is a line for each field, the last of them `ElementDataFile`, as
https://itk.org/Wiki/ITK/MetaIO/Documentation and the MetaIO library have them; the voxels lie behind it or in the file
that it names. Places are LPS millimetres, as ITK takes them: `AnatomicalOrientation` is only a comment. Each row of
`TransformMatrix` is the direction of one axis.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from atfm.errors import AmbiguousError, InputError, UnsupportedError
from atfm.io.decoding import brief, decoding
from atfm.io.picture import Picture
from atfm.io.volumes.geometry import Geometry, sound
from atfm.io.volumes.voxels import Packing, beside, check_size, near_whole, read_voxels

__all__ = ["load_metaimage", "metaimage_geometry"]

LARGEST_HEAD = 2**20
LAST = "ElementDataFile"
TYPES = {
    "MET_CHAR": "i1",
    "MET_UCHAR": "u1",
    "MET_SHORT": "i2",
    "MET_USHORT": "u2",
    "MET_INT": "i4",
    "MET_UINT": "u4",
    "MET_LONG": "i4",
    "MET_ULONG": "u4",
    "MET_LONG_LONG": "i8",
    "MET_ULONG_LONG": "u8",
    "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}
UNITS = {"": 1.0, "?": 1.0, "mm": 1.0, "um": 0.001, "cm": 10.0}
LPS = np.array([-1.0, -1.0, 1.0])


@dataclass(frozen=True)
class Head:
    """What the head of a MetaImage says.

    Args:
        size: `(D, H, W)` or `(H, W)`.
        channels: values of a voxel.
        dtype, packing: of its values.
        file, begins: the file that holds them, and their first byte.
        affine: from `(x, y, z, 1)` to RAS millimetres; None where it does not say.
        spacing: of the spatial axes, slowest first; None where it does not say.
        warnings: what was ignored.
    """

    size: tuple[int, ...]
    channels: int
    dtype: np.dtype
    packing: Packing
    file: Path
    begins: int
    affine: np.ndarray | None
    spacing: tuple[float, ...] | None
    warnings: tuple[str, ...]


def load_metaimage(path: Path, as_labels: bool, spatial_dims: int | None) -> Picture:
    """Read a MetaImage: `[C, D, H, W]`, or `[C, H, W]` of one slice.

    Raises:
        InputError: no MetaImage, damaged, or voxels that the file cannot hold.
        UnsupportedError: a type, more axes or more files than are read.
        AmbiguousError: a scale in the head, which readers do not agree on.
    """
    head = read_head(path)
    with decoding(path, "MetaImage"):
        pixels = read_voxels(head.file, head.begins, (*head.size, head.channels), head.dtype, head.packing)
    pixels = np.moveaxis(pixels, -1, 0)[:3]  # the fourth of colour is transparency
    spacing = head.spacing or (1.0,) * len(head.size)
    if len(head.size) == 3 and head.size[0] == 1 and spatial_dims != 3:
        pixels, spacing = pixels[:, 0], spacing[1:]
    meta: dict[str, Any] = {"format": "metaimage", "spacing known": head.spacing is not None}
    if head.affine is not None:
        meta["affine"] = head.affine
    return Picture(near_whole(pixels) if as_labels else pixels, spacing, meta, head.warnings)


def metaimage_geometry(path: Path) -> Geometry | None:
    """Where the voxels of a file lie, from its head alone; None where it does not say.

    Raises:
        InputError: as `load_metaimage`.
    """
    head = read_head(path)
    return Geometry.of(head.affine, head.size)


def read_head(path: Path) -> Head:
    """Read and check a head.

    Raises:
        InputError: as `load_metaimage`.
    """
    with decoding(path, "MetaImage"), np.errstate(all="ignore"):  # numbers of any size; what is not finite is refused
        fields, length = fields_of(path)
        size = tuple(int(n) for n in reversed(fields["DimSize"].split()))
        if int(fields.get("NDims", len(size))) != len(size):
            raise InputError(f"{path}: {brief(fields['NDims'], 20)} axes of {len(size)} sizes; it is damaged")
        if len(size) not in (2, 3) or fields.get("ObjectType", "Image") != "Image":
            raise UnsupportedError(
                f"{path}: {brief(fields.get('ObjectType', 'Image'))} of {len(size)} axes; expected 2 or 3"
            )
        channels = int(fields.get("ElementNumberOfChannels", 1))
        if channels not in (1, 3, 4):
            raise UnsupportedError(f"{path}: {channels} values a voxel; expected 1 of grey or 3 of colour")
        check_scale(fields, path)
        dtype, packing = type_of(fields, path)
        file, begins = where(fields, path, length)
        check_size((*size, channels), dtype, file.stat().st_size, path, packing)
        affine, spacing, warnings = place_of(fields, len(size), path)
    return Head(size, channels, dtype, packing, file, begins, affine, spacing, warnings)


def fields_of(path: Path) -> tuple[dict[str, str], int]:
    """The lines of a head by their names, and how many bytes they take."""
    fields: dict[str, str] = {}
    length = 0
    with path.open("rb") as stream:
        while LAST not in fields:
            line = stream.readline(LARGEST_HEAD)
            length += len(line)
            name, equals, value = line.decode("latin-1").partition("=")
            if not equals and line.strip():
                raise InputError(f"{path}: cannot be read as MetaImage: a line without =; it is damaged")
            if not line or length > LARGEST_HEAD:
                raise InputError(f"{path}: cannot be read as MetaImage: no {LAST} in its head; it is damaged")
            if equals:
                fields[name.strip()] = value.strip()
    return fields, length


def check_scale(fields: Mapping[str, str], path: Path) -> None:
    """Refuse a scale: MetaIO has a field for it, which ITK does not apply and other readers do."""
    slope = float(fields.get("ElementToIntensityFunctionSlope", 1))
    offset = float(fields.get("ElementToIntensityFunctionOffset", 0))
    if (slope, offset) != (1.0, 0.0):
        raise AmbiguousError(
            f"{path}: its head has a scale, {slope:g} and {offset:g}, which not all readers apply; save it with the "
            "values that are meant"
        )


def type_of(fields: Mapping[str, str], path: Path) -> tuple[np.dtype, Packing]:
    """The type of the values with its byte order, and how they are kept."""
    name = fields["ElementType"].removesuffix("_ARRAY")
    if name not in TYPES:
        raise UnsupportedError(f"{path}: voxels of type {brief(name)!r}; expected whole or floating numbers")
    high_first = yes(fields, "BinaryDataByteOrderMSB") or yes(fields, "ElementByteOrderMSB")
    dtype = np.dtype(TYPES[name]).newbyteorder(">" if high_first else "<")
    if yes(fields, "CompressedData"):
        return dtype, "deflate"
    return dtype, "raw" if yes(fields, "BinaryData", "True") else "text"


def yes(fields: Mapping[str, str], name: str, usual: str = "False") -> bool:
    """Whether a field says true; MetaIO looks at its first letter."""
    return fields.get(name, usual)[:1] in ("T", "t", "1")


def where(fields: Mapping[str, str], path: Path, length: int) -> tuple[Path, int]:
    """The file of the values, and their first byte."""
    named = fields[LAST]
    if named.upper() == "LOCAL":
        return path, length
    skip = int(fields.get("HeaderSize", 0))
    if skip < -1:
        raise InputError(f"{path}: HeaderSize: expected -1 or more, got {skip}; it is damaged")
    return beside(path, named), skip


def place_of(
    fields: Mapping[str, str], axes: int, path: Path
) -> tuple[np.ndarray | None, tuple[float, ...] | None, tuple[str, ...]]:
    """Where the voxels lie, how far apart they are, and what was ignored."""
    unit = UNITS.get(fields.get("DistanceUnits", "").lower())
    told = (
        () if unit is not None else (f"its unit of length is {brief(fields['DistanceUnits'])}; taken for millimetres",)
    )
    said = numbers(path, fields, axes, "ElementSpacing", "ElementSize")
    sides = None if said is None else said * (unit or 1.0)
    sides = sides if sides is not None and ((sides > 0) & np.isfinite(sides)).all() else None
    directions = numbers(path, fields, axes * axes, "TransformMatrix", "Rotation", "Orientation")
    origin = numbers(path, fields, axes, "Offset", "Position", "Origin")
    spacing = None if sides is None else tuple(sides[::-1].tolist())
    if axes != 3 or sides is None or directions is None or origin is None:
        return None, spacing, told
    affine = np.eye(4)
    affine[:3, :3] = (directions.reshape(3, 3) * sides[:, None] * LPS).T
    affine[:3, 3] = origin * (unit or 1.0) * LPS
    if not sound(affine):
        return None, spacing, (*told, "its TransformMatrix spans no volume, so where it lies is not known")
    return affine, spacing, told


def numbers(path: Path, fields: Mapping[str, str], count: int, *names: str) -> np.ndarray | None:
    """The finite numbers of the first field that is there; None without one."""
    for name in names:
        if name in fields:
            values = np.array([float(word) for word in fields[name].split()])
            if len(values) != count or not np.isfinite(values).all():
                raise InputError(
                    f"{path}: {name}: expected {count} numbers, got {brief(fields[name], 60)}; it is damaged"
                )
            return values
    return None
