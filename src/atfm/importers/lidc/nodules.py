"""From one scan and its reading to physical nodules, each with the masks of all radiologists who drew it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from atfm.errors import InputError
from atfm.importers.lidc.clusters import cluster
from atfm.importers.lidc.contours import Patch, effort, slices_of
from atfm.importers.lidc.xml import Outline, Reading
from atfm.io.dicom.stack import Stack

__all__ = ["Nodule", "find_nodules"]

MOST_EFFORT = 2**25  # pixels looked at for one scan; the largest nodule of all takes a tenth of it

Marks = dict[int, Patch]  # slice -> mask


@dataclass(frozen=True)
class Nodule:
    """One nodule.

    Args:
        marks: for each radiologist who drew it, the masks of each outline of theirs, by slice.
        low, high: the box that holds all masks: slice, row and column of the first pixel and of the last.
    """

    marks: dict[int, list[Marks]]
    low: tuple[int, int, int]
    high: tuple[int, int, int]

    @property
    def slices(self) -> list[int]:
        """The slices on which at least one radiologist drew something."""
        return sorted({number for marks in self.marks.values() for mark in marks for number in mark})

    def patches(self, reader: int, number: int) -> list[Patch]:
        """What a radiologist drew on a slice: nothing, one mask, or several whose union counts."""
        return [mark[number] for mark in self.marks.get(reader, []) if number in mark]


def find_nodules(stack: Stack, reading: Reading) -> list[Nodule]:
    """Fill the outlines of a reading and cluster them; from the first slice on.

    Raises:
        InputError: an outline on an image that the scan does not have, or outside of the image; or outlines so long
            and wide that nobody drew them.
    """
    outlines, masks = [], []
    slice_of = {plane.instance: number for number, plane in enumerate(stack.planes)}
    if len(slice_of) < len(stack.planes):
        raise InputError(f"{stack.planes[0].file}: several slices in one file, or without UID; LIDC has one file each")
    slice_of |= {twin: slice_of[other] for twin, other in stack.twins.items()}
    for outline in reading.outlines:
        check(outline, slice_of, stack, reading)
    if sum(effort(outline.rois, slice_of) for outline in reading.outlines) > MOST_EFFORT:
        raise InputError(f"{reading.file}: its outlines run to and fro over the whole image; it is damaged")
    for outline in reading.outlines:
        marks = slices_of(outline.rois, slice_of)
        if marks:  # else an outline that encloses nothing
            outlines.append(outline)
            masks.append(marks)
    scale = np.array(stack.spacing)
    heights = heights_of(stack)
    voxels = [np.concatenate([centres(n, patch, heights[n], scale) for n, patch in marks.items()]) for marks in masks]
    groups = cluster([outline.reader for outline in outlines], voxels, float(scale[0]))
    nodules = [joined([outlines[i].reader for i in group], [masks[i] for i in group]) for group in groups]
    return sorted(nodules, key=lambda nodule: (nodule.low, nodule.high))


def check(outline: Outline, slice_of: dict[str, int], stack: Stack, reading: Reading) -> None:
    """Refuse an outline that does not belong to this scan."""
    who = f"{reading.file}: nodule {outline.name} of reader {outline.reader + 1}"
    rows, columns = stack.header.shape
    for roi in outline.rois:
        if roi.instance not in slice_of:
            raise InputError(
                f"{who}: drawn on image {roi.instance}, which series {reading.series} does not have; "
                "a file of the scan is missing, or the XML is not of this scan"
            )
        right, bottom = roi.points.max(0).tolist()
        if right >= columns or bottom >= rows:
            raise InputError(f"{who}: reaches column {right}, row {bottom} of an image of {rows} x {columns} pixels")


def heights_of(stack: Stack) -> np.ndarray:
    """Where each slice lies along the stack, in millimetres, `[D]`."""
    places = np.array([plane.position for plane in stack.planes])  # [D, 3]
    return np.linalg.norm(places - places[0], axis=1)


def centres(number: int, patch: Patch, height: float, scale: np.ndarray) -> np.ndarray:
    """The centres of the pixels of a mask in millimetres, `[N, 3]`."""
    rows, columns = np.nonzero(patch.mask)
    return np.stack(
        [np.full(len(rows), height), (rows + patch.top) * scale[1], (columns + patch.left) * scale[2]], axis=1
    )


def joined(readers: Sequence[int], masks: Sequence[Marks]) -> Nodule:
    """The outlines of one cluster as a nodule."""
    marks: dict[int, list[Marks]] = {}
    for reader, mark in zip(readers, masks, strict=True):
        marks.setdefault(reader, []).append(mark)
    boxes = np.array([box_of(number, patch) for mark in masks for number, patch in mark.items()])  # [N, 2, 3]
    low, high = boxes[:, 0].min(0).tolist(), boxes[:, 1].max(0).tolist()
    return Nodule(marks, (low[0], low[1], low[2]), (high[0], high[1], high[2]))


def box_of(number: int, patch: Patch) -> list[tuple[int, int, int]]:
    """Slice, row and column of the first pixel and of the last, in the image."""
    rows, columns = np.flatnonzero(patch.mask.any(1)) + patch.top, np.flatnonzero(patch.mask.any(0)) + patch.left
    return [(number, int(rows[0]), int(columns[0])), (number, int(rows[-1]), int(columns[-1]))]
