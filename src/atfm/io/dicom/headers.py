"""What a DICOM file says of its image before a pixel is read: whose it is, where its planes lie, how large they are.

One plane is one `[H, W]` picture: a single-frame file has one, a multi-frame file one for each frame.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from atfm.errors import InputError
from atfm.io.dicom.file import NotDicom, inner, items_of, kind_of, numbers, open_dicom, said, shared, whole
from atfm.io.dicom.notes import Notes
from atfm.io.dicom.placing import SPACINGS, UPRIGHT, normal, place_of
from atfm.io.dicom.scale import Scale, scales_of
from atfm.io.dicom.towards import towards
from atfm.io.volumes.letters import Letters

if TYPE_CHECKING:
    from pydicom import Dataset

__all__ = ["Header", "Plane", "find_headers", "read_header", "size_of"]

MAX_FRAMES = 2**16
MAX_PLANE = 2**27  # pixels


@dataclass(frozen=True)
class Plane:
    """One picture and where it lies.

    Args:
        file: its file.
        frame: its number in the file, from 0.
        instance: SOP Instance UID of the file.
        position: `(x, y, z)` of the centre of its first pixel, LPS millimetres; None where the file does not say.
        orientation: direction of the rows, then of the columns (DICOM PS3.3, C.7.6.2).
        spacing: `(dy, dx)` in millimetres; None where the file does not say.
        thickness: distance to the next plane as the file has it, in millimetres; None if it does not say.
    """

    file: Path
    frame: int
    instance: str
    position: tuple[float, float, float] | None
    orientation: tuple[float, ...]
    spacing: tuple[float, float] | None
    thickness: float | None


@dataclass(frozen=True)
class Header:
    """What the planes of one file have in common.

    Args:
        series: Series Instance UID.
        description: of the series, in the words of the scanner.
        patient: Patient ID.
        modality: such as CT.
        photometric: such as MONOCHROME2.
        shape: `(H, W)`.
        planes: of every frame, in the order of the file.
        frame_of_reference: UID of the coordinates in which the planes lie; "" where the file does not say.
        letters: what stands at the edges of the first plane; None where the file does not say.
        scales: how the stored values of the frames are to be turned into those of the modality.
        warnings: what was guessed or ignored, a sentence each.
    """

    series: str
    description: str
    patient: str
    modality: str
    photometric: str
    shape: tuple[int, int]
    planes: tuple[Plane, ...]
    frame_of_reference: str = ""
    letters: Letters | None = None
    scales: frozenset[Scale] = frozenset()
    warnings: tuple[str, ...] = ()


def find_headers(files: Sequence[Path], *, named: bool) -> tuple[dict[str, list[Header]], Notes]:
    """Read the headers of files, by Series Instance UID, and note the files that are no DICOM or hold no image.

    Args:
        files: each is opened once.
        named: whether each was asked for by name, and so has to be a DICOM.

    Raises:
        InputError: a file that cannot be read, by name.
    """
    headers: dict[str, list[Header]] = defaultdict(list)
    left_out = Notes()
    for file in files:
        try:
            header = read_header(file)
        except NotDicom:
            if named:
                raise
            left_out.add(file, "left out, no DICOM")
            continue
        if isinstance(header, Header):
            headers[header.series].append(header)
        else:
            left_out.add(file, f"left out, a DICOM without an image ({header})")
    return dict(headers), left_out


def read_header(path: Path) -> Header | str:
    """Read a file up to its pixels.

    Returns:
        Of a DICOM file that holds no image, such as a report, a segmentation or a directory, what it is instead.

    Raises:
        InputError: not a DICOM file, damaged, or geometry that makes no sense.
    """
    with open_dicom(path, pixels=False) as ds:
        kind = kind_of(ds)
        if kind.endswith("Segmentation Storage"):
            return kind
        if "Rows" not in ds or "Columns" not in ds:
            if "Image Storage" in kind:
                raise InputError(f"{path}: says that it is an image, but ends before its size; it is truncated")
            return kind or "of no known kind"
        frames, rows, columns = size_of(ds, path)
        # Every frame takes at least a byte, however well it is compressed.
        if frames > path.stat().st_size:
            raise unreadable(path, frames, rows, columns)
        return Header(
            series=said(ds, "SeriesInstanceUID"),
            description=said(ds, "SeriesDescription"),
            patient=said(ds, "PatientID"),
            modality=said(ds, "Modality") or "unknown",
            photometric=said(ds, "PhotometricInterpretation"),
            shape=(rows, columns),
            planes=tuple(planes(ds, path, frames)),
            frame_of_reference=said(ds, "FrameOfReferenceUID"),
            letters=towards(ds, path),
            scales=scales_of(ds, frames, path),
            warnings=tuple(guesses(ds, path)),
        )


def guesses(ds: "Dataset", path: Path) -> Iterator[str]:
    """What a file does not say, in a sentence each."""
    if not ds.file_meta.get("TransferSyntaxUID"):
        implicit, little = ds.original_encoding
        form = f"{'implicit' if implicit else 'explicit'} types, {'little' if little else 'big'} end first"
        yield f"no transfer syntax is named; read with {form}, as its first element looks"
    if any(0.0 in (numbers(place, keyword, path) or ()) for place in [*shared(ds), ds] for keyword in SPACINGS):
        yield "a pixel spacing of 0 mm, which is taken as unknown"


def size_of(ds: "Dataset", path: Path) -> tuple[int, int, int]:
    """How many frames of how many rows and columns a file says that it has.

    Raises:
        InputError: none, or more than any image has.
    """
    frames, rows, columns = (whole(ds, "NumberOfFrames", path, 1), whole(ds, "Rows", path), whole(ds, "Columns", path))
    if not (rows and columns and rows * columns <= MAX_PLANE and 1 <= frames <= MAX_FRAMES):
        raise unreadable(path, frames, rows, columns)
    return frames, rows, columns


def unreadable(path: Path, frames: int, rows: int, columns: int) -> InputError:
    """The error of a size that no image has."""
    return InputError(f"{path}: {frames} frames of {rows} x {columns} pixels; no image that can be read")


def planes(ds: "Dataset", path: Path, frames: int) -> list[Plane]:
    """Where every frame lies."""
    common = place_of([*shared(ds), ds], path)
    items = items_of(ds, "PerFrameFunctionalGroupsSequence")
    if items and len(items) != frames:
        raise InputError(f"{path}: {frames} frames, but {len(items)} descriptions of them; it is damaged")
    places = [{**common, **place_of(inner(item), path)} for item in items] or [common] * frames
    offsets = numbers(ds, "GridFrameOffsetVector", path) or ()
    if frames > 1 and not items and len(offsets) == frames and common.get("position"):
        # A grid of doses: one position, and how far each frame is from it.
        along = normal(common.get("orientation", UPRIGHT), path)
        places = [{**common, "position": tuple(np.array(common["position"]) + step * along)} for step in offsets]
    elif frames > 1 and not items:
        # One position for many frames: a film of one place, or an older form that does not say.
        places = [{**common, "position": None}] * frames
    for place in {id(place): place for place in places}.values():
        normal(place.get("orientation", UPRIGHT), path)
    instance = said(ds, "SOPInstanceUID")
    return [plane_at(path, frame, instance, place) for frame, place in enumerate(places)]


def plane_at(path: Path, frame: int, instance: str, place: Mapping[str, Any]) -> Plane:
    """One plane; without both a position and a direction it lies nowhere."""
    orientation, position = place.get("orientation"), place.get("position")
    return Plane(
        file=path,
        frame=frame,
        instance=instance,
        position=(float(position[0]), float(position[1]), float(position[2])) if position and orientation else None,
        orientation=tuple(orientation or UPRIGHT),
        spacing=place.get("spacing"),
        thickness=place.get("thickness"),
    )
