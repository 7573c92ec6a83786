"""From planes in any order to a stack: sorted along their normal, every plane once, evenly spaced.

Names of files and instance numbers say nothing reliable of the order of slices; only where they lie does.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from atfm.errors import InputError
from atfm.io.dicom.headers import Header, Plane
from atfm.io.dicom.placing import normal
from atfm.io.dicom.scale import Scale, unlike

__all__ = ["Stack", "affine_of", "different", "slice_distance", "stack_of"]

SAME_PLACE = 1e-3  # mm
SAME_DIRECTION = 1e-3
UNEVEN = 0.1  # of the distance between slices
UNKNOWN = (1.0, 1.0)  # mm, for pixels of no known size
MISSING = 1.5  # ... from which on a slice must be missing


@dataclass(frozen=True)
class Stack:
    """A series before its pixels are read: planes in order.

    Args:
        planes: of every slice, in the order of `pixels`.
        header: of the file of the first.
        duplicates: how many files or frames were there twice, the copies among them.
        copies: planes that lie where another does, and the other, which stands for both; whether their pixels are the
            same shows when they are read (`atfm.io.dicom.pixels`).
    """

    planes: tuple[Plane, ...]
    header: Header
    duplicates: int
    copies: tuple[tuple[Plane, Plane], ...] = ()

    @property
    def spacing(self) -> tuple[float, float, float]:
        """`(dz, dy, dx)` in millimetres."""
        return slice_distance(self.planes), *(self.planes[0].spacing or UNKNOWN)

    @property
    def twins(self) -> dict[str, str]:
        """For the SOP Instance UID of each file whose slice is there under another one, the other."""
        return {copy.instance: kept.instance for copy, kept in self.copies}


def stack_of(headers: Sequence[Header], *, allow_gaps: bool = False) -> Stack:
    """Sort the planes of one series along the normal, each once.

    Two files with one SOP Instance UID, or with one position and the same pixels, are one plane there twice.

    Args:
        headers: of the files of one series, in any order.
        allow_gaps: let slices through that are missing or unevenly spaced.

    Raises:
        InputError: planes that do not form a stack, named by their files.
    """
    check_alike(headers)
    once: dict[str, Header] = {}
    duplicates = 0
    for header in headers:
        first = header.planes[0]
        twin = once.setdefault(first.instance or str(first.file), header)
        if twin is header:
            continue
        if len(twin.planes) != len(header.planes) or any(map(elsewhere, twin.planes, header.planes)):
            raise InputError(f"{first.file}: another image than {twin.planes[0].file}, with the same SOPInstanceUID")
        duplicates += len(header.planes)
    kept, copies = each_once(placed([plane for header in once.values() for plane in header.planes]))
    if not allow_gaps:
        check_gaps(kept)
    of_first = next(header for header in headers if header.planes[0].file == kept[0].file)
    return Stack(tuple(kept), of_first, duplicates + len(copies), tuple(copies))


def elsewhere(one: Plane, other: Plane) -> bool:
    """Whether two planes lie in different places."""
    if one.position is None or other.position is None:
        return one.position is not other.position
    return math.dist(one.position, other.position) > SAME_PLACE


def heights(planes: Sequence[Plane]) -> np.ndarray:
    """Where planes lie along the normal of the first, in millimetres, `[D]`."""
    places = np.array([plane.position for plane in planes])  # [D, 3]
    return places @ normal(planes[0].orientation, planes[0].file)


def check_alike(headers: Sequence[Header]) -> None:
    """Refuse a plane of another size, spacing, direction or kind than the first."""
    model, first = headers[0], headers[0].planes[0]
    for header in headers:
        for plane in header.planes:
            differs = difference(header, model) or difference_in_place(plane, first)
            if differs:
                raise InputError(
                    f"{plane.file}: {differs} in {first.file}: they are no stack of slices; choose the files that are"
                )
    check_scales(headers)


def check_scales(headers: Sequence[Header]) -> None:
    """Refuse slices of which some say how their values are to be rescaled and others do not."""
    of_scale: dict[Scale, Header] = {}
    for header in headers:
        for scale in header.scales:
            of_scale.setdefault(scale, header)
    mixed = unlike(of_scale)
    if mixed:
        one, other = (of_scale[scale].planes[0].file for scale in mixed)
        raise InputError(
            f"{other}: {mixed[1]}, {mixed[0]} in {one}: their values are of no one unit; choose files of one kind, or "
            "mend the attribute"
        )


def difference(header: Header, model: Header) -> str:
    """What two files do not have in common, in words; empty if nothing."""
    if header.shape != model.shape:
        return f"{header.shape[0]} x {header.shape[1]} pixels, {model.shape[0]} x {model.shape[1]}"
    if header.photometric != model.photometric and any("MONO" in one.photometric for one in (header, model)):
        return f"{header.photometric}, {model.photometric}"
    one, other = header.frame_of_reference, model.frame_of_reference
    if one and other and one != other:
        return f"frame of reference {one}, {other}"
    return ""


def difference_in_place(plane: Plane, first: Plane) -> str:
    """What keeps two planes from being slices of one stack, in words; empty if nothing."""
    one, other = plane.spacing, first.spacing
    if one != other and (one is None or other is None or not np.allclose(one, other, rtol=1e-3)):
        return f"pixels of {one or 'unknown'} mm, {other or 'unknown'}"
    if math.dist(plane.orientation, first.orientation) > SAME_DIRECTION:
        return f"orientation {list(plane.orientation)}, {list(first.orientation)}"
    return ""


def placed(planes: list[Plane]) -> list[Plane]:
    """Planes that all have a position; the frames of a lone file that has none are stacked in their order."""
    without = [plane for plane in planes if plane.position is None]
    if not without:
        return planes
    if len({plane.file for plane in planes}) > 1:
        raise InputError(
            f"{without[0].file}: one of {len(planes)} images, but does not say where it lies "
            "(ImagePositionPatient, ImageOrientationPatient); give a single file"
        )
    along = normal(planes[0].orientation, planes[0].file)
    steps = [plane.frame * (plane.thickness or 1.0) * along for plane in planes]
    return [replace(p, position=(float(s[0]), float(s[1]), float(s[2]))) for p, s in zip(planes, steps, strict=True)]


def each_once(planes: list[Plane]) -> tuple[list[Plane], list[tuple[Plane, Plane]]]:
    """Planes in order of height with every place taken once, and those left out, each with the one at its place."""
    kept: list[Plane] = []
    copies: list[tuple[Plane, Plane]] = []
    last, height = -math.inf, heights(planes)
    for at in np.argsort(height, kind="stable").tolist():
        plane = planes[at]
        if height[at] - last > SAME_PLACE:
            kept.append(plane)
            last = height[at]
        elif elsewhere(plane, kept[-1]):
            raise different(plane, kept[-1])
        else:
            copies.append((plane, kept[-1]))
    return kept, copies


def different(plane: Plane, kept: Plane) -> InputError:
    """The error of two slices at one height that are not the same."""
    return InputError(
        f"{plane.file}: {where(plane)} is a second, different slice at the position of {kept.file}; keep one of them"
    )


def where(plane: Plane) -> str:
    """The place of a plane, for an error."""
    x, y, z = plane.position or (0.0, 0.0, 0.0)
    return f"frame {plane.frame} at ({x:g}, {y:g}, {z:g}) mm"


def distances(planes: Sequence[Plane]) -> np.ndarray:
    """Between neighbours, in millimetres along the normal."""
    return np.diff(heights(planes))


def slice_distance(planes: Sequence[Plane]) -> float:
    """The usual distance between slices; of a lone one its thickness, 1 mm where it does not say."""
    if len(planes) == 1:
        return planes[0].thickness or 1.0
    return float(np.sort(distances(planes))[(len(planes) - 2) // 2])  # the lower median: a gap is never the usual


def check_gaps(planes: Sequence[Plane]) -> None:
    """Refuse slices that are missing, uneven, or not on one line."""
    usual = slice_distance(planes)
    for (one, other), gap in zip(pairwise(planes), distances(planes), strict=True):
        if abs(gap - usual) <= UNEVEN * usual:
            continue
        missing = f"{round(gap / usual) - 1} slice(s) missing" if gap > MISSING * usual else "slices unevenly spaced"
        raise InputError(
            f"{other.file}: {missing}: {gap:.4g} mm from {one.file} ({where(one)} and {where(other)}), "
            f"{usual:.4g} mm elsewhere; add the missing files, or choose others"
        )
    places = np.array([plane.position for plane in planes])  # [D, 3]
    line = places[0] + np.linspace(0, 1, len(planes))[:, None] * (places[-1] - places[0])
    aside = np.abs(places - line).max(1)
    worst = int(aside.argmax())
    if aside[worst] > max(min(planes[0].spacing or UNKNOWN), UNEVEN * usual):
        raise InputError(f"{planes[worst].file}: lies {aside[worst]:.4g} mm beside the line of the other slices")


def affine_of(planes: Sequence[Plane]) -> np.ndarray:
    """From `(column, row, slice, 1)` to LPS millimetres (DICOM PS3.3, C.7.6.2.1.1), `[4, 4]`.

    The last column step is that of the positions themselves, so a tilted gantry is kept.
    """
    first, last = np.array(planes[0].position), np.array(planes[-1].position)
    row, column = np.array(planes[0].orientation[:3]), np.array(planes[0].orientation[3:])
    dy, dx = planes[0].spacing or UNKNOWN
    along = slice_distance(planes) * normal(planes[0].orientation, planes[0].file)
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = row * dx, column * dy
    affine[:3, 2] = (last - first) / (len(planes) - 1) if len(planes) > 1 else along
    affine[:3, 3] = first
    return affine
