"""The segments of a DICOM Segmentation on the pixels of a series.

Every frame is put where it says that it lies, so it does not matter in which order frames come, which of them were left
out because nothing is on them, or how its rows run against those of the image; but its pixels have to be pixels of the
image.
"""

from pathlib import Path

import numpy as np

from atfm.errors import InputError
from atfm.io.decoding import brief
from atfm.io.dicom.grid import Grid
from atfm.io.dicom.segments import Segment, Segmentation

__all__ = ["lay"]

BESIDE = 0.1  # of a pixel: as far as the centres of pixels may be apart


def lay(found: Segmentation, segment: Segment, grid: Grid, path: Path) -> tuple[np.ndarray, list[str]]:
    """One segment on the pixels of a series.

    Returns:
        `[D, H, W]` bool, and a sentence for all that was left out or guessed.

    Raises:
        InputError: another frame of reference, or pixels that are not those of the image; both places are named.
    """
    check_reference(found, grid, path)
    mask, notes = np.zeros(grid.shape, bool), []
    name = brief(segment.name, 60)
    if found.series and grid.series not in found.series:
        notes.append(f"segment {name!r} was drawn on another series in the same frame of reference")
    frames = list(range(len(found.frames)))
    if found.numbers is not None:
        frames = [frame for frame in frames if found.numbers[frame] == segment.number]
    drawn = outside = 0
    for frame in frames:
        pixels = found.frames[frame] == segment.number if found.numbers is None else found.frames[frame]
        places = np.argwhere(pixels)  # [N, 2] row, column
        indices = indices_of(found, frame, places, grid, path)
        within = ((indices >= 0) & (indices < grid.shape)).all(axis=1)
        mask[tuple(indices[within].T)] = True
        drawn, outside = drawn + len(places), outside + int((~within).sum())
    if drawn and outside == drawn:
        raise InputError(f"{path}: segment {name!r} lies wholly outside {grid.told()}")
    if outside:
        notes.append(f"segment {name!r}: {outside} pixels lie beyond the image and were left out")
    if not drawn:
        notes.append(f"segment {name!r} has no pixel and becomes an empty mask")
    return mask, notes


def check_reference(found: Segmentation, grid: Grid, path: Path) -> None:
    """Refuse coordinates that are not those of the image."""
    same = grid.reference(found.frame_of_reference)
    if same is False:
        raise InputError(
            f"{path}: lies in frame of reference {found.frame_of_reference}, but {grid.name} in "
            f"{grid.frame_of_reference}; choose the image that it was drawn on"
        )
    refers = grid.series in found.series or any(source in grid.slices for frame in found.sources for source in frame)
    if same is None and not refers:
        raise InputError(
            f"{path}: names frame of reference {found.frame_of_reference or 'none'} and no image of {grid.name}, which "
            f"lies in {grid.frame_of_reference or 'none'}; nothing says that they belong together"
        )


def indices_of(found: Segmentation, frame: int, places: np.ndarray, grid: Grid, path: Path) -> np.ndarray:
    """The slice, row and column of the image for rows and columns of a frame, `[N, 3]`; may lie outside it.

    Raises:
        InputError: pixels that are none of the image's, or a frame that does not say where it lies.
    """
    plane = found.planes[frame]
    if plane.position is None:
        at = {grid.slices[source] for source in found.sources[frame] if source in grid.slices}
        if len(at) != 1 or found.frames.shape[1:] != grid.shape[1:]:
            raise InputError(
                f"{path}: frame {frame} does not say where it lies, nor on which slice of {grid.name} it was drawn"
            )
        return np.column_stack([np.full(len(places), at.pop()), places])
    if plane.spacing is None:
        raise InputError(f"{path}: does not say how large its pixels are; it is damaged")
    row, column = np.array(plane.orientation[:3]), np.array(plane.orientation[3:])
    height, width = found.frames.shape[1:]
    corners = np.array([[0, 0], [0, width - 1], [height - 1, 0], [height - 1, width - 1]])  # row, column
    steps = np.stack([column * plane.spacing[0], row * plane.spacing[1]])  # [2, 3], of a row and of a column
    placed = grid.place(np.array(plane.position) + corners @ steps)
    if not 0 <= placed.slice < grid.shape[0]:
        return np.full((len(places), 3), -1)
    turned = turn_of(steps, grid)
    origin = placed.pixels[0, ::-1]
    exact = np.rint(origin) + corners @ turned  # row, column of the image
    off = float(np.abs(exact - placed.pixels[:, ::-1]).max())
    if not grid.on_slice(placed) or off > BESIDE or sorted(np.abs(turned).ravel()) != [0, 0, 1, 1]:
        first, size = ", ".join(f"{mm:g}" for mm in plane.position), " x ".join(f"{mm:g}" for mm in plane.spacing)
        raise InputError(
            f"{path}: frame {frame}, from ({first}) mm on with pixels of {size} mm, does not lie on the pixels of "
            f"{grid.told()} with pixels of {grid.spacing[1]:g} x {grid.spacing[2]:g} mm; it was drawn on another grid"
        )
    flat = (np.rint(origin) + places @ turned).astype(np.int64)
    return np.column_stack([np.full(len(places), placed.slice), flat])


def turn_of(steps: np.ndarray, grid: Grid) -> np.ndarray:
    """By how many rows and columns of the image each step goes on, `[2, 2]` whole numbers, for steps `[2, 3]` in mm."""
    directions = np.array([grid.orientation[3:], grid.orientation[:3]])  # of a column, along which rows count, of a row
    return np.rint(steps @ directions.T / np.array(grid.spacing[1:]))
