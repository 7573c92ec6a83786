"""`Grid`: where the pixels of a series lie in the patient, which is all that masks in other files are held against."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from atfm.errors import InputError
from atfm.io.dicom.placing import normal
from atfm.io.dicom.series import Series

__all__ = ["Grid", "Placed", "grid_of"]

OFF_PLANE = 0.1  # of the distance between slices: as uneven as they may be


class Placed(NamedTuple):
    """Points of one plane as seen from a grid.

    Args:
        slice: the number of the slice nearest to them, from 0; below 0 or the number of slices where they lie before
            the first or behind the last.
        off: how far beside that slice the farthest of them lies, in millimetres.
        pixels: `[N, 2]`, column and row of each, whole numbers at the centres of pixels.
    """

    slice: int
    off: float
    pixels: np.ndarray


@dataclass(frozen=True)
class Grid:
    """Slices in order.

    Args:
        shape: `(D, H, W)`.
        positions: `[D, 3]`, the centre of the first pixel of each slice, LPS millimetres.
        orientation: the direction of the rows, then of the columns.
        spacing: `(dz, dy, dx)` in millimetres.
        spacing_known: whether the files say how large a pixel is.
        frame_of_reference: UID of the coordinates; "" where the files do not say.
        series: Series Instance UID.
        slices: number of the slice of each SOP Instance UID and frame.
        name: of the image, for errors.
    """

    shape: tuple[int, int, int]
    positions: np.ndarray
    orientation: tuple[float, ...]
    spacing: tuple[float, float, float]
    spacing_known: bool
    frame_of_reference: str
    series: str
    slices: dict[tuple[str, int], int]
    name: str

    def place(self, points: np.ndarray) -> Placed:
        """Where points `[N, 3]` of one plane lie, LPS millimetres.

        Raises:
            InputError: the image does not say how large its pixels are.
        """
        if not self.spacing_known:
            raise InputError(f"{self.name}: does not say how large its pixels are, so nothing can be drawn in mm on it")
        along = normal(self.orientation, Path(self.name))
        heights = self.positions @ along
        own = points @ along
        middle = float(np.median(own))
        at = int(np.abs(heights - middle).argmin())
        off = float(np.abs(own - heights[at]).max())
        if off > OFF_PLANE * self.spacing[0] and not heights[0] <= middle <= heights[-1]:
            outside = -1 if middle < heights[0] else len(heights)
            return Placed(outside, off, np.empty((0, 2)))
        row, column = np.array(self.orientation[:3]), np.array(self.orientation[3:])
        moved = points - self.positions[at]
        return Placed(at, off, np.stack([moved @ row / self.spacing[2], moved @ column / self.spacing[1]], axis=1))

    def on_slice(self, placed: Placed) -> bool:
        """Whether points lie on their slice, as nearly as slices themselves are even."""
        return placed.off <= OFF_PLANE * self.spacing[0]

    def reference(self, frame_of_reference: str) -> bool | None:
        """Whether coordinates of that UID are those of the image; None where one of them is not said."""
        if not (frame_of_reference and self.frame_of_reference):
            return None
        return frame_of_reference == self.frame_of_reference

    def told(self) -> str:
        """Where it lies, in words."""
        first, last = (", ".join(f"{mm:g}" for mm in self.positions[at]) for at in (0, -1))
        size = " x ".join(map(str, self.shape))
        return f"{self.name} of {size} voxels from ({first}) to ({last}) mm"


def grid_of(series: Series, name: str) -> Grid:
    """The grid of a series; errors call it `name`."""
    instance = dict(zip(series.files, series.instances, strict=True))
    places = zip(series.slice_files, series.frames, strict=True)
    height, width = series.pixels.shape[1:3]
    return Grid(
        shape=(len(series.pixels), height, width),
        positions=series.positions,
        orientation=series.orientation,
        spacing=series.spacing,
        spacing_known=series.spacing_known,
        frame_of_reference=series.frame_of_reference,
        series=series.series_uid,
        slices={(instance[file], frame): at for at, (file, frame) in enumerate(places)},
        name=name,
    )
