"""The contours of an RT Structure Set as masks on a series (DICOM PS3.3, C.8.8.5 and C.8.8.6).

Contours are drawn through points in millimetres, not along pixels. A pixel belongs to a structure if its centre lies
inside a contour or on its path: "points in space lying along the path defined by the contour are considered to be part
of the ROI" (C.8.8.6.3). That is not LIDC's rule, whose outlines are pixels and lie outside.

Holes are drawn in three ways, and all are read: as a keyhole, one contour that runs through a channel to the inner
border; as CLOSEDPLANAR_XOR contours, of which a centre has to be in an odd number; and as CLOSED_PLANAR contours within
others, which the standard does not foresee but which would say nothing else, so that this is told in a warning.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from atfm.errors import InputError, UnsupportedError
from atfm.io.decoding import brief
from atfm.io.dicom.file import items_of, numbers, said, whole
from atfm.io.dicom.grid import Grid, Placed
from atfm.io.dicom.polygons import NEAR, area, filled, on_line

if TYPE_CHECKING:
    from pydicom import Dataset

__all__ = ["Contour", "Roi", "draw", "rois_of"]

CLOSED, XOR = "CLOSED_PLANAR", "CLOSEDPLANAR_XOR"
FARTHEST = 1e5  # millimetres


@dataclass(frozen=True)
class Contour:
    """One contour.

    Args:
        kind: its geometric type.
        points: `[N, 3]` LPS millimetres.
        instances: SOP Instance UIDs of the images that it says it was drawn on.
    """

    kind: str
    points: np.ndarray
    instances: tuple[str, ...]


@dataclass(frozen=True)
class Roi:
    """One structure.

    Args:
        number: by which the file refers to it.
        name: in the words of whoever drew it.
        frame_of_reference: UID of its coordinates; "" where the file does not say.
        contours: all of them.
        series: UIDs of the series that the file refers to.
    """

    number: int
    name: str
    frame_of_reference: str
    contours: tuple[Contour, ...]
    series: tuple[str, ...]


def rois_of(ds: "Dataset", path: Path) -> list[Roi]:
    """The structures of an RT Structure Set, in the order of the file.

    Raises:
        InputError: no structure, contours of one that is not there, or coordinates that make no sense.
    """
    frames = items_of(ds, "ReferencedFrameOfReferenceSequence")
    usual = next(filter(None, (said(item, "FrameOfReferenceUID") for item in frames)), "")
    series = tuple(
        said(item, "SeriesInstanceUID")
        for frame in frames
        for study in items_of(frame, "RTReferencedStudySequence")
        for item in items_of(study, "RTReferencedSeriesSequence")
    )
    contours: dict[int, list[Contour]] = {}
    for item in items_of(ds, "ROIContourSequence"):
        number = whole(item, "ReferencedROINumber", path)
        contours.setdefault(number, []).extend(contours_of(item, path, number))
    rois = [
        Roi(
            number := whole(item, "ROINumber", path),
            said(item, "ROIName"),
            said(item, "ReferencedFrameOfReferenceUID") or usual or said(ds, "FrameOfReferenceUID"),
            tuple(contours.pop(number, ())),
            series,
        )
        for item in items_of(ds, "StructureSetROISequence")
    ]
    if len({roi.number for roi in rois}) < len(rois):
        raise InputError(f"{path}: two structures of one number; it is damaged")
    if contours:
        raise InputError(f"{path}: contours of ROI {next(iter(contours))}, which it does not list; it is damaged")
    if not rois:
        raise InputError(f"{path}: an RT Structure Set without any structure; nothing can be taken from it")
    return rois


def contours_of(roi: "Dataset", path: Path, number: int) -> Iterator[Contour]:
    """The contours of one structure."""
    for item in items_of(roi, "ContourSequence"):
        values = numbers(item, "ContourData", path) or ()
        count = whole(item, "NumberOfContourPoints", path, len(values) // 3)
        if len(values) != 3 * count or not values:
            raise InputError(
                f"{path}: a contour of ROI {number} of {count} points with {len(values)} coordinates; it is damaged"
            )
        points = np.array(values).reshape(-1, 3)
        if any(numbers(item, "ContourOffsetVector", path) or ()):
            raise UnsupportedError(
                f"{path}: a contour of ROI {number} that is moved by a ContourOffsetVector is not read; write its "
                "points where they lie"
            )
        if np.abs(points).max() > FARTHEST:
            raise InputError(f"{path}: a contour of ROI {number} lies {np.abs(points).max():g} mm away; it is damaged")
        instances = tuple(said(each, "ReferencedSOPInstanceUID") for each in items_of(item, "ContourImageSequence"))
        yield Contour(said(item, "ContourGeometricType") or CLOSED, points, instances)


# ---- on the pixels of a series ----


def draw(roi: Roi, grid: Grid, path: Path) -> tuple[np.ndarray, list[str]]:
    """One structure on the pixels of a series.

    Returns:
        `[D, H, W]` bool, and a sentence for all that was left out or guessed.

    Raises:
        InputError: coordinates of another frame of reference, contours between the slices or on planes across them, or
            none of them within the image; both places are named.
        UnsupportedError: a structure of points and open lines, which enclose nothing.
    """
    check_reference(roi, grid, path)
    name = brief(roi.name, 60)
    mask, notes = np.zeros(grid.shape, bool), []
    if roi.series and grid.series not in roi.series:
        notes.append(f"ROI {name!r} was drawn on another series in the same frame of reference")
    closed = [contour for contour in roi.contours if contour.kind in (CLOSED, XOR)]
    if roi.contours and not closed:
        kinds = ", ".join(sorted({brief(contour.kind, 40) for contour in roi.contours}))
        raise UnsupportedError(
            f"{path}: ROI {name!r} has contours of type {kinds}, which enclose nothing; {CLOSED} and {XOR} are read"
        )
    if not roi.contours:
        notes.append(f"ROI {name!r} has no contours and becomes an empty mask")
    if len(closed) < len(roi.contours):
        notes.append(f"ROI {name!r}: {len(roi.contours) - len(closed)} points and open lines were left out")
    by_slice: dict[int, list[tuple[Contour, np.ndarray]]] = {}
    outside = beyond = beside = 0
    first, edges = -0.5 - NEAR, np.array(grid.shape[:0:-1]) - 0.5 + NEAR  # of the first and the last column and row
    for contour in closed:
        placed = grid.place(contour.points)
        if not 0 <= placed.slice < len(mask):
            outside += 1
            continue
        check_slice(contour, placed, grid, path, name)
        low, high = placed.pixels.min(0), placed.pixels.max(0)
        beyond += bool((low < first).any() or (high > edges).any())
        beside += bool((high < first).any() or (low > edges).any())
        by_slice.setdefault(placed.slice, []).append((contour, placed.pixels))
    if closed and outside + beside == len(closed):
        point = ", ".join(f"{mm:g}" for mm in closed[0].points[0])
        raise InputError(f"{path}: ROI {name!r} begins at ({point}) mm and lies wholly outside {grid.told()}")
    if outside:
        notes.append(f"ROI {name!r}: {outside} contours before the first or behind the last slice were left out")
    if beyond:
        notes.append(f"ROI {name!r}: {beyond} contours reach beyond the image; what lies there was left out")
    for at, group in sorted(by_slice.items()):
        mask[at], said_of = drawn([(contour.kind, pixels) for contour, pixels in group], grid.shape[1:])
        notes += [f"ROI {name!r}: {sentence}" for sentence in said_of]
    gaps = set(range(min(by_slice, default=0), max(by_slice, default=0))) - by_slice.keys()
    if gaps:
        notes.append(f"ROI {name!r}: no contour on {len(gaps)} slices between its first and last; they stay empty")
    return mask, list(dict.fromkeys(notes))


def check_reference(roi: Roi, grid: Grid, path: Path) -> None:
    """Refuse coordinates that are not those of the image."""
    same = grid.reference(roi.frame_of_reference)
    if same is False:
        raise InputError(
            f"{path}: drawn in frame of reference {roi.frame_of_reference}, but {grid.name} lies in "
            f"{grid.frame_of_reference}; choose the image that it was drawn on"
        )
    known = {instance for instance, _ in grid.slices}
    refers = grid.series in roi.series or any(known & set(contour.instances) for contour in roi.contours)
    if same is None and not refers and roi.contours:
        raise InputError(
            f"{path}: names frame of reference {roi.frame_of_reference or 'none'} and no image of {grid.name}, which "
            f"lies in {grid.frame_of_reference or 'none'}; nothing says that they belong together"
        )


def check_slice(contour: Contour, placed: Placed, grid: Grid, path: Path, name: str) -> None:
    """Refuse a contour that does not lie on a slice, or lies on another than it says."""
    point = ", ".join(f"{mm:g}" for mm in contour.points[0])
    slice_at = ", ".join(f"{mm:g}" for mm in grid.positions[placed.slice])
    if not grid.on_slice(placed):
        raise InputError(
            f"{path}: ROI {name!r}: the contour from ({point}) mm on lies {placed.off:.4g} mm beside the nearest slice "
            f"of {grid.name}, at ({slice_at}) mm; it was drawn on other planes"
        )
    slices = {at for (instance, _), at in grid.slices.items() if instance in contour.instances}
    if slices and placed.slice not in slices:
        raise InputError(
            f"{path}: ROI {name!r}: the contour from ({point}) mm on names slice {min(slices)} of {grid.name}, but "
            f"lies on slice {placed.slice}, at ({slice_at}) mm"
        )


def drawn(contours: Sequence[tuple[str, np.ndarray]], shape: tuple[int, ...]) -> tuple[np.ndarray, list[str]]:
    """The contours of one structure on one slice put together, `[H, W]` bool, and what was guessed.

    Args:
        contours: the type of each, and its corners `[N, 2]` in columns and rows.
        shape: `(H, W)`.
    """
    height, width = shape
    region, turned, path = np.zeros((3, height, width), bool)
    seen: list[np.ndarray] = []
    notes = []
    for kind, points in sorted(contours, key=lambda each: -area(each[1])):
        inside, on = filled(points, (height, width)), on_line(points, (height, width))
        path |= on
        if kind == XOR:
            turned ^= inside
            continue
        if not (inside | on).any():
            notes.append("contours that enclose the centre of no pixel were left out")
        elif inside.any() and any(np.array_equal(inside, other) for other in seen):
            notes.append("contours that are there twice count once")
        elif inside.any() and region[inside].all():
            region &= ~inside
            notes.append("CLOSED_PLANAR contours within others were taken as holes")
        else:
            if region[inside].any():
                notes.append("contours that overlap in part were joined")
            region |= inside
        seen.append(inside)
    return region | turned | path, list(dict.fromkeys(notes))
