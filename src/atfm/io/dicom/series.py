"""A DICOM series as one volume: values in modality units, and where every voxel lies in the patient.

    series = read_series("LIDC-IDRI-0001/.../3000566-03192")
    series.pixels, series.spacing, series.affine

One walk: headers -> the planes in order (a stack) -> their pixels, each station a file beside this one; every file is
opened once for its header and, if its planes are wanted, once for its pixels. A series is its slices by position. Names
of files and instance numbers are not looked at; several series in a folder are never mixed, and none of them is picked
in silence.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from atfm.errors import AmbiguousError, InputError
from atfm.io.dicom.file import NotDicom
from atfm.io.dicom.headers import Header, find_headers, read_header
from atfm.io.dicom.notes import Notes
from atfm.io.dicom.pixels import MAX_VOXELS, check_copies, read_planes
from atfm.io.dicom.stack import Stack, affine_of, stack_of
from atfm.io.dicom.values import Window
from atfm.io.hidden import is_hidden
from atfm.io.most import most
from atfm.io.volumes.geometry import Geometry
from atfm.io.volumes.letters import Letters

__all__ = ["FoundStack", "Series", "find_stack", "read_series"]

LISTED = 6  # series that an error lists
RAS = np.diag([-1.0, -1.0, 1.0, 1.0])

Source = Path | str | Sequence[Path | str]


@dataclass(frozen=True)
class Series:
    """A volume of slices.

    Args:
        pixels: `[D, H, W]` float32 in modality units (Hounsfield for CT), bright is high; or `[D, H, W, 3]` uint8 RGB.
        positions: `[D, 3]`, the centre of the first pixel of each slice, LPS millimetres.
        orientation: the direction of the rows, then of the columns.
        spacing: `(dz, dy, dx)` in millimetres.
        affine: `[4, 4]` from `(column, row, slice, 1)`, the reverse of the axes of `pixels`, to LPS millimetres.
        modality: such as CT.
        series_uid: Series Instance UID.
        photometric: as in the files; the pixels are turned round or made RGB already.
        window: `(centre, width)` in which the first file asks to be shown, in the units of `pixels`; None if it does
            not.
        slice_files: the file of each slice.
        frames: the frame of each slice in its file, from 0; not in order where a file's frames are not.
        instances: SOP Instance UID of each of the files.
        spacing_known: whether the files say how large a pixel is; else it counts as 1 mm.
        placed: whether the files say where their slices lie; else they are stacked as they come, from nowhere.
        frame_of_reference: UID of the coordinates in which the slices lie; "" where the files do not say.
        letters: what stands at the edges of the first slice, also where nobody said where it lies; None if not known.
        duplicates: how many slices were there twice.
        skipped: the files of the folder that were left out: no DICOM, without an image, or of another series.
        warnings: what was left out, guessed or ignored, a sentence each with how many files it is about.
    """

    pixels: np.ndarray
    positions: np.ndarray
    orientation: tuple[float, ...]
    spacing: tuple[float, float, float]
    affine: np.ndarray
    modality: str
    series_uid: str
    photometric: str
    window: Window | None
    slice_files: tuple[Path, ...]
    frames: tuple[int, ...]
    instances: tuple[str, ...]
    spacing_known: bool = True
    placed: bool = True
    frame_of_reference: str = ""
    letters: Letters | None = None
    duplicates: int = 0
    skipped: tuple[Path, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file once, in the order of its first slice."""
        return tuple(dict.fromkeys(self.slice_files))

    @property
    def ras_affine(self) -> np.ndarray:
        """`affine` to RAS millimetres, as NIfTI has it for `[X, Y, Z]`, `[4, 4]`."""
        return RAS @ self.affine


def read_series(
    path: Source, *, series: str | None = None, allow_gaps: bool = False, apart: Iterable[Path] = ()
) -> Series:
    """Read one series.

    Args:
        path: a DICOM file, a folder (with all folders below it), or files. In a folder, what does not begin as a DICOM
            file does is left out and named in `warnings`, and hidden files are passed over; a file given by name has
            to be one.
        series: Series Instance UID of the one to read; needed where there are several.
        allow_gaps: let slices through that are missing or unevenly spaced; nothing is filled in.
        apart: files of the folder that are for something else, and not looked at.

    Raises:
        InputError: nothing there, several series or not the one wanted, slices that are missing, different slices at
            one position, other sizes or directions within the series, or a file that cannot be read, by name.
    """
    found = find_stack(path, series=series, allow_gaps=allow_gaps, apart=apart)
    stack, planes = found.stack, found.stack.planes
    if len(planes) * stack.header.shape[0] * stack.header.shape[1] > most(MAX_VOXELS):
        raise InputError(
            f"{planes[0].file}: {len(planes)} slices are more than {most(MAX_VOXELS)} voxels; choose fewer"
        )
    check_copies(stack)
    pixels, window, notes = read_planes(planes)
    for header in found.headers:
        notes.add(header.planes[0].file, *header.warnings)
    return Series(
        pixels=pixels,
        positions=np.array([plane.position for plane in planes]),
        orientation=planes[0].orientation,
        spacing=stack.spacing,
        affine=affine_of(planes),
        modality=stack.header.modality,
        series_uid=stack.header.series,
        photometric=stack.header.photometric,
        window=window,
        slice_files=tuple(plane.file for plane in planes),
        frames=tuple(plane.frame for plane in planes),
        instances=tuple({plane.file: plane.instance for plane in planes}.values()),
        spacing_known=planes[0].spacing is not None,
        placed=all(plane.position is not None for header in found.headers for plane in header.planes),
        frame_of_reference=stack.header.frame_of_reference,
        letters=stack.header.letters,
        duplicates=stack.duplicates,
        skipped=found.left_out.files,
        warnings=(
            *found.left_out.lines(),
            *notes.lines(of=len({plane.file for plane in planes})),
            *([f"{stack.duplicates} slices were there twice and count once"] if stack.duplicates else []),
        ),
    )


class FoundStack(NamedTuple):
    """A series whose pixels have not been read.

    Args:
        stack: its slices in order.
        headers: of its files.
        left_out: the other files of the folder.
    """

    stack: Stack
    headers: Sequence[Header]
    left_out: Notes


def find_stack(
    path: Source, *, series: str | None = None, allow_gaps: bool = False, apart: Iterable[Path] = ()
) -> FoundStack:
    """Find and order the slices of one series from the headers of its files alone; see `read_series`."""
    files, named = listed(path)
    elsewhere = set(apart)
    headers, left_out = find_headers([file for file in files if file not in elsewhere], named=named)
    name = str(path) if isinstance(path, Path | str) else f"{path[0]} and others" if path else "no files"
    chosen = choose(headers, series, name, left_out)
    for other in headers.values():
        if other is not chosen:
            for header in other:
                left_out.add(header.planes[0].file, f"left out, of another series ({header.series or 'without UID'})")
    return FoundStack(stack_of(chosen, allow_gaps=allow_gaps), chosen, left_out)


def listed(path: Source) -> tuple[list[Path], bool]:
    """The files in question, in a fixed order, and whether each was given by name; hidden ones are none."""
    if not isinstance(path, Path | str):
        return [Path(file) for file in path], True
    path = Path(path)
    if path.is_dir():
        return sorted(
            file for file in path.rglob("*") if file.is_file() and not is_hidden(file.relative_to(path))
        ), False
    return [path], True


def choose(headers: Mapping[str, list[Header]], series: str | None, name: str, left_out: Notes) -> list[Header]:
    """The files of the one series that is there, or is wanted."""
    if not headers:
        found = "; ".join(left_out.lines()) or "it is empty"
        raise InputError(
            f"{name}: no DICOM image there ({found}); give a DICOM file, or a folder with the files of a series"
        )
    known = "; ".join(describe(uid, headers[uid]) for uid in list(headers)[:LISTED])
    known += f"; and {len(headers) - LISTED} more" if len(headers) > LISTED else ""
    if series is not None:
        if series not in headers:
            raise InputError(f"{name}: no series {series}; there is {known}")
        return headers[series]
    if len(headers) > 1:
        raise AmbiguousError(f"{name}: {len(headers)} series; choose one of them by its UID: {known}")
    return next(iter(headers.values()))


def describe(uid: str, headers: Sequence[Header]) -> str:
    """A series in a few words."""
    planes = sum(len(header.planes) for header in headers)
    words = " ".join(f"{headers[0].modality} {headers[0].description[:40]}".split())
    return f"{uid or 'without UID'} ({words}, {planes} slice(s))"


def series_geometry(path: Path) -> Geometry | None:
    """Where the first image of a file or folder lies, as a slice of its own, from its header alone.

    The slices of a series are stacked along the normal of the first, so its orientation is that of the whole.

    Returns:
        None where no file says where it lies.

    Raises:
        InputError: a file that cannot be read, by name.
    """
    files, _ = listed(path)
    for file in files:
        try:
            header = read_header(file)
        except NotDicom:
            continue
        if isinstance(header, Header) and header.modality != "SEG" and header.planes[0].position is not None:
            return Geometry(RAS @ affine_of(header.planes[:1]), (1, *header.shape))
    return None
