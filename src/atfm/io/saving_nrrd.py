"""Arrays to NRRD files, and masks to the `.seg.nrrd` of 3D Slicer, each whole or not at all.

The head of a NRRD is a few lines of text (https://teem.sourceforge.net/nrrd/format.html), which are written here: so
volumes need not lie in memory together, and the same arrays give the same bytes (pynrrd puts the date into its files).
What stands in the head of a segmentation: https://slicer.readthedocs.io, "Segmentation labelmap file format".
"""

import contextlib
import gzip
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from atfm.disk.atomic import atomic_write
from atfm.errors import InputError
from atfm.io.decoding import brief
from atfm.io.saving import alike

__all__ = ["Segment", "write_nrrd_stack", "write_seg_nrrd"]

_TYPES = {"uint8": "unsigned char", "float32": "float"}
_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
_TERMS = {  # category and type, as the extension QuantitativeReporting and Slicer's own dialogue have them
    "lesion": "SCT^49755003^Morphologically Altered Structure~SCT^52988006^Lesion~^^",
    "tissue": "SCT^85756007^Tissue~SCT^85756007^Tissue~^^",
}


@dataclass(frozen=True)
class Segment:
    """One segment of a `.seg.nrrd`.

    Args:
        name: what the viewer lists.
        layer, label: the volume that it lies in, from 0, and its value there, from 1.
        colour: red, green and blue, 0 to 255.
        kind: "lesion" or "tissue", its coded meaning.
        tags: whatever else is to be known of it.
    """

    name: str
    layer: int
    label: int
    colour: tuple[int, int, int]
    kind: str = "lesion"
    tags: Mapping[str, str] | None = None


def write_nrrd_stack(
    path: Path | str,
    volumes: Iterable[np.ndarray],
    count: int | None,
    affine: np.ndarray | None = None,
    spacing: Sequence[float] | None = None,
    *,
    fields: Mapping[str, str] | None = None,
) -> None:
    """Write `count` volumes along a last axis of their own, a list, holding one of them at a time.

    Args:
        path: ends in `.nrrd`.
        volumes: `[D, H, W]` each, uint8 or float32.
        count: how many there are; None for a single one without that axis.
        affine: 4x4 from `(column, row, slice, 1)` to RAS millimetres; it is written as LPS, as viewers have it. None
            where nobody knows: columns then count to the left and rows to the back, as viewers show a picture.
        spacing: without an affine, millimetres along `[D, H, W]`; None where not even that is known: pixels of 1 mm.
        fields: what else stands in the head.

    Raises:
        InputError: another number of them, or one of another shape or type.
        DiskError: the file cannot be written.
    """
    path = Path(path)
    number = 1 if count is None else count
    with atomic_write(path) as temporary, temporary.open("wb") as stream, contextlib.ExitStack() as open_body:
        for at, volume in enumerate(alike(path, volumes, number)):
            if volume.ndim != 3 or volume.dtype.name not in _TYPES:
                raise InputError(f"{path}: expected [D, H, W] of uint8 or float32, got {volume.dtype} {volume.shape}")
            if at == 0:
                sizes = (*volume.shape[::-1], *(() if count is None else (count,)))
                _head(
                    stream,
                    volume.dtype,
                    sizes,
                    None if count is None else "last",
                    _matrix(affine, spacing),
                    fields or {},
                )
                body = open_body.enter_context(_body(stream))
            body.write(np.ascontiguousarray(volume, volume.dtype.newbyteorder("<")).tobytes())  # x runs fastest


def write_seg_nrrd(
    path: Path | str,
    layers: Sequence[np.ndarray],
    segments: Sequence[Segment],
    affine: np.ndarray | None = None,
    spacing: Sequence[float] | None = None,
    *,
    fields: Mapping[str, str] | None = None,
) -> None:
    """Write labels as a segmentation of 3D Slicer; segments that overlap lie in layers of their own.

    Args:
        path: ends in `.seg.nrrd`.
        layers: `[D, H, W]` uint8 labels each, 0 for background.
        segments: what the labels of each layer are.
        affine: as for `write_nrrd_stack`.
        spacing: as for `write_nrrd_stack`.
        fields: what else stands in the head.

    Raises:
        InputError: no layer, layers of unlike shapes, or a segment of a layer that there is not.
        DiskError: the file cannot be written.
    """
    if not layers or not all(0 <= one.layer < len(layers) and 1 <= one.label <= 255 for one in segments):
        raise InputError(f"{path}: expected segments of {len(layers)} layers, at least one, with labels 1 to 255")
    stack = np.stack(layers, -1)  # [D, H, W, N]: the layers of a voxel lie together
    if stack.dtype != np.uint8 or stack.ndim != 4:
        raise InputError(f"{path}: expected layers [D, H, W] of uint8 labels, got {stack.dtype} {list(stack.shape)}")
    told = {f"Segment{at}_{key}": value for at, one in enumerate(segments) for key, value in _told(one, at, layers)}
    told |= {
        "Segmentation_ContainedRepresentationNames": "Binary labelmap|",
        "Segmentation_ConversionParameters": "",
        "Segmentation_MasterRepresentation": "Binary labelmap",  # the name that Slicer knew before 5.2
        "Segmentation_SourceRepresentation": "Binary labelmap",
        "Segmentation_ReferenceImageExtentOffset": "0 0 0",
        **(fields or {}),
    }
    several = stack.shape[-1] > 1
    shape = (*(stack.shape[-1:] if several else ()), *stack.shape[2::-1])
    with atomic_write(Path(path)) as temporary, temporary.open("wb") as stream:
        _head(stream, stack.dtype, shape, "first" if several else None, _matrix(affine, spacing), told)
        with _body(stream) as body:
            body.write(np.ascontiguousarray(stack).tobytes())


def _told(one: Segment, at: int, layers: Sequence[np.ndarray]) -> Iterator[tuple[str, str]]:
    """Slicer's fields of one segment."""
    tags = {
        "TerminologyEntry": f"Segmentation category and type - DICOM master list~{_TERMS[one.kind]}"
        "~Anatomic codes - DICOM master list~^^~^^",
        **(one.tags or {}),
    }
    yield "ID", f"Segment_{at + 1}"
    yield "Name", one.name
    yield "NameAutoGenerated", "0"
    yield "Color", " ".join(f"{value / 255:.6g}" for value in one.colour)
    yield "ColorAutoGenerated", "0"
    yield "LabelValue", str(one.label)
    yield "Layer", str(one.layer)
    yield "Extent", " ".join(map(str, _extent(layers[one.layer] == one.label)))
    yield "Tags", "".join(f"{key}:{value.replace('|', '/')}|" for key, value in tags.items())


def _extent(mask: np.ndarray) -> list[int]:
    """First and last column, row and slice that are marked, `[6]`; 0 and -1 of an empty segment."""
    box = [np.flatnonzero(mask.any(tuple(axis for axis in range(3) if axis != own))) for own in (2, 1, 0)]
    return [end for at in box for end in ((int(at[0]), int(at[-1])) if at.size else (0, -1))]


def _head(
    stream: BinaryIO,
    kind: np.dtype,
    sizes: Sequence[int],
    list_axis: str | None,
    matrix: np.ndarray,
    fields: Mapping[str, str],
) -> None:
    """The lines before the values.

    Args:
        stream: where they go.
        kind: of the values.
        sizes: of each axis, the fastest first.
        list_axis: whether the "first" or the "last" of them is a list, or None.
        matrix: 4x4 from `(column, row, slice, 1)` to LPS millimetres.
        fields: what else is to stand there.
    """
    axes = [_vector(matrix[:3, axis]) for axis in range(3)]
    kinds = ["domain"] * 3
    if list_axis is not None:
        at = 0 if list_axis == "first" else 3
        axes.insert(at, "none")
        kinds.insert(at, "list")
    lines = [
        "NRRD0005",
        f"type: {_TYPES[kind.name]}",
        f"dimension: {len(sizes)}",
        "space: left-posterior-superior",
        f"sizes: {' '.join(map(str, sizes))}",
        f"space directions: {' '.join(axes)}",
        f"kinds: {' '.join(kinds)}",
        "endian: little",
        "encoding: gzip",
        f"space origin: {_vector(matrix[:3, 3])}",
        *(f"{key}:={brief(value, 4096)}" for key, value in fields.items()),
    ]
    stream.write(("\n".join(lines) + "\n\n").encode())


def _matrix(affine: np.ndarray | None, spacing: Sequence[float] | None) -> np.ndarray:
    """From `(column, row, slice, 1)` to LPS millimetres, as far as it is known."""
    return np.diag([*(spacing or (1.0,) * 3)[::-1], 1.0]) if affine is None else _LPS @ affine


def _vector(values: np.ndarray) -> str:
    return "(" + ",".join(repr(float(value) + 0.0) for value in values) + ")"


def _body(stream: BinaryIO) -> gzip.GzipFile:
    """What packs the values, without a name or a date."""
    return gzip.GzipFile("", "wb", compresslevel=1, fileobj=stream, mtime=0)
