"""LIDC's rule from outlines to masks: what was drawn lies outside.

The radiologists drew an outer border, such that the outline itself covers no pixel of the nodule (McNitt-Gray et al.,
Academic Radiology 14:1464-1474, 2007; Armato et al., Medical Physics 38:915-931, 2011). So

    nodule = inside of any inclusion outline, and neither inside nor on an exclusion outline,

where inside means strictly: a pixel whose centre is on the polygon through the edge pixels is not inside it. An outline
of one or two pixels, or one that only runs to and fro, has no inside.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from atfm.importers.lidc.xml import Roi

__all__ = ["Patch", "effort", "enclosed", "pasted", "slices_of"]


@dataclass(frozen=True)
class Patch:
    """A mask without the empty space around it.

    Args:
        top, left: row and column of its first pixel in the image; may be negative after a move.
        mask: `[h, w]` bool.
    """

    top: int
    left: int
    mask: np.ndarray


def enclosed(points: np.ndarray) -> tuple[Patch, Patch]:
    """The inside of a closed polygon through pixel centres, and the pixels on it.

    A centre is inside where the winding number is not 0: an outline that overlaps its own beginning is no hole. All is
    in whole numbers, so nothing is rounded.

    Args:
        points: `[N, 2]`, the column and the row of each corner, in order; the last is joined to the first.

    Returns:
        Both over the rectangle of the polygon.
    """
    corners = points.astype(np.int64)
    left, top = corners.min(0)
    width, height = corners.max(0) - (left, top) + 1
    winding, on = np.zeros((height, width), np.int32), np.zeros((height, width), bool)
    columns = np.arange(width)
    for (x0, y0), (x1, y1) in zip(corners - (left, top), np.roll(corners, -1, 0) - (left, top), strict=True):
        first, last = min(y0, y1), max(y0, y1)
        rows = np.arange(first, last + 1)[:, None]
        side = (x1 - x0) * (rows - y0) - (columns - x0) * (y1 - y0)  # [rows, w], 0 on the line
        on[first : last + 1] |= (side == 0) & (columns >= min(x0, x1)) & (columns <= max(x0, x1))
        # Half-open, so that a corner is crossed once; an edge along a row crosses nothing.
        if y1 > y0:
            winding[first:last] += (side > 0)[:-1]
        elif y1 < y0:
            winding[first:last] -= (side < 0)[:-1]
    return Patch(int(top), int(left), (winding != 0) & ~on), Patch(int(top), int(left), on)


def effort(rois: Sequence[Roi], slice_of: Mapping[str, int]) -> int:
    """How many pixels are looked at, some again and again, to fill the outlines of one nodule of one radiologist.

    Args:
        rois: all its outlines.
        slice_of: number of the slice of every SOP Instance UID.
    """
    total = 0
    for group in by_slice(rois, slice_of).values():
        boxes = np.array([(roi.points.min(0), roi.points.max(0)) for roi in group], int)  # [N, 2, 2]
        total += len(group) * int(np.prod(boxes[:, 1].max(0) - boxes[:, 0].min(0) + 1))
        for roi, (low, high) in zip(group, boxes, strict=True):
            rows = roi.points[:, 1].astype(int)
            total += int(high[0] - low[0] + 1) * int((abs(rows - np.roll(rows, -1)) + 1).sum())
    return total


def slices_of(rois: Sequence[Roi], slice_of: Mapping[str, int]) -> dict[int, Patch]:
    """The masks of one nodule of one radiologist, on the slices where any pixel is left.

    Args:
        rois: all its outlines.
        slice_of: number of the slice of every SOP Instance UID.
    """
    patches = {number: nodule_on_slice(group) for number, group in by_slice(rois, slice_of).items()}
    return {number: patch for number, patch in patches.items() if patch.mask.any()}


def by_slice(rois: Sequence[Roi], slice_of: Mapping[str, int]) -> dict[int, list[Roi]]:
    """The outlines of each slice, in the order of the slices."""
    found: dict[int, list[Roi]] = {}
    for roi in rois:
        found.setdefault(slice_of[roi.instance], []).append(roi)
    return dict(sorted(found.items()))


def nodule_on_slice(rois: Sequence[Roi]) -> Patch:
    """The outlines of one slice put together."""
    corners = np.concatenate([roi.points for roi in rois]).astype(int)
    left, top = corners.min(0)
    width, height = corners.max(0) - (left, top) + 1
    inside, outside = np.zeros((2, height, width), bool)
    for roi in rois:
        within, on = (pasted([patch], top, left, (height, width)) for patch in enclosed(roi.points))
        if roi.inclusion:
            inside |= within
        else:
            outside |= within | on
    return Patch(int(top), int(left), inside & ~outside)


def pasted(patches: Sequence[Patch], top: int, left: int, shape: tuple[int, int]) -> np.ndarray:
    """The union of patches as seen through a window of the image, `[*shape]` bool."""
    window = np.zeros(shape, bool)
    for patch in patches:
        y, x = patch.top - top, patch.left - left
        height, width = patch.mask.shape
        into = window[max(y, 0) : max(y + height, 0), max(x, 0) : max(x + width, 0)]
        into |= patch.mask[max(-y, 0) :, max(-x, 0) :][: into.shape[0], : into.shape[1]]
    return window
