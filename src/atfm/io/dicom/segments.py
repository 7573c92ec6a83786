"""The segments of a DICOM Segmentation as masks on a series (DICOM PS3.3, C.8.20).

Every frame is put where it says that it lies, so it does not matter in which order frames come, which of them were left
out because nothing is on them, or how its rows run against those of the image; but its pixels have to be pixels of the
image. A FRACTIONAL segmentation is a mask only where it says 0 or its maximum.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from atfm.errors import AmbiguousError, InputError, UnsupportedError
from atfm.io.decoding import brief
from atfm.io.dicom.file import inner, items_of, said, shared, syntax_of, whole
from atfm.io.dicom.grid import Grid
from atfm.io.dicom.headers import Plane, planes, size_of
from atfm.io.dicom.pixels import MAX_VOXELS, unpacked

if TYPE_CHECKING:
    from pydicom import Dataset

__all__ = ["SEGMENTATIONS", "Segment", "Segmentation", "lay", "segmentation_of"]

# Segmentation Storage and Label Map Segmentation Storage; that of surfaces has no pixels.
SEGMENTATIONS = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
BESIDE = 0.1  # of a pixel: as far as the centres of pixels may be apart
MOST_SEGMENTS = 2**16


@dataclass(frozen=True)
class Segment:
    """One segment.

    Args:
        number: by which the frames refer to it.
        name: its label.
    """

    number: int
    name: str


@dataclass(frozen=True)
class Segmentation:
    """A file with its frames.

    Args:
        segments: in the order of the file.
        frames: `[N, H, W]` bool, or of a label map the numbers of segments.
        numbers: the segment of each frame; None of a label map.
        planes: where each frame lies.
        sources: of each frame, the SOP Instance UID and frame that it says it was drawn on.
        frame_of_reference: UID of its coordinates; "" where it does not say.
        series: UIDs of the series that it refers to.
    """

    segments: tuple[Segment, ...]
    frames: np.ndarray
    numbers: tuple[int, ...] | None
    planes: tuple[Plane, ...]
    sources: tuple[tuple[tuple[str, int], ...], ...]
    frame_of_reference: str
    series: tuple[str, ...]


def segmentation_of(ds: "Dataset", path: Path) -> Segmentation:
    """Decode a segmentation; `ds` has its pixels.

    Raises:
        InputError: damaged, or frames of segments that it does not list.
        AmbiguousError: fractions between nothing and all.
        UnsupportedError: a kind of pixels that is no mask.
    """
    kind = said(ds, "SegmentationType")
    if kind not in ("BINARY", "FRACTIONAL", "LABELMAP"):
        raise UnsupportedError(
            f"{path}: a segmentation of type {kind or 'unknown'} is not read; BINARY, FRACTIONAL and LABELMAP are"
        )
    listed = items_of(ds, "SegmentSequence")
    if not listed or len(listed) > MOST_SEGMENTS:
        raise InputError(f"{path}: a segmentation of {len(listed)} segments; nothing can be taken from it")
    segments = tuple(Segment(whole(item, "SegmentNumber", path), said(item, "SegmentLabel")) for item in listed)
    if kind == "LABELMAP":  # its number 0 is what no segment has
        segments = tuple(segment for segment in segments if segment.number)
    count, rows, columns = size_of(ds, path)
    lying = planes(ds, path, count)
    described = items_of(ds, "PerFrameFunctionalGroupsSequence")
    common = [*shared(ds), ds]
    places = [[*inner(each), *common] for each in described] or [common] * count
    numbers = None if kind == "LABELMAP" else tuple(number_of(each, frame, path) for frame, each in enumerate(places))
    if len({segment.number for segment in segments}) < len(segments):
        raise InputError(f"{path}: two segments of one number; it is damaged")
    strangers = set(numbers or ()) - {segment.number for segment in segments}
    if strangers:
        raise InputError(f"{path}: frames of segment {min(strangers)}, which it does not list; it is damaged")
    return Segmentation(
        segments,
        frames_of(ds, path, kind, (count, rows, columns)),
        numbers,
        tuple(lying),
        tuple(sources_of(each, path) for each in places),
        said(ds, "FrameOfReferenceUID"),
        tuple(said(item, "SeriesInstanceUID") for item in items_of(ds, "ReferencedSeriesSequence")),
    )


def number_of(places: "Sequence[Dataset]", frame: int, path: Path) -> int:
    """The segment of a frame whose attributes stand in `places`."""
    place = next((place for place in places if "ReferencedSegmentNumber" in place), None)
    if place is None:
        raise InputError(f"{path}: frame {frame} belongs to no segment; it is damaged")
    return whole(place, "ReferencedSegmentNumber", path)


def sources_of(places: "Sequence[Dataset]", path: Path) -> tuple[tuple[str, int], ...]:
    """The images that a frame was drawn on, as SOP Instance UID and frame from 0."""
    found = []
    for place in places:
        for source in items_of(place, "SourceImageSequence"):
            numbered = whole(source, "ReferencedFrameNumber", path, 1)
            found.append((said(source, "ReferencedSOPInstanceUID"), max(numbered, 1) - 1))
    return tuple(found)


def frames_of(ds: "Dataset", path: Path, kind: str, shape: tuple[int, int, int]) -> np.ndarray:
    """The pixels of all frames, `[N, H, W]`: bool, or the numbers of segments."""
    bits = whole(ds, "BitsAllocated", path, 0)
    if "PixelData" not in ds or whole(ds, "SamplesPerPixel", path, 1) != 1 or bits not in (1, 8, 16):
        raise InputError(f"{path}: a segmentation without pixels of 1, 8 or 16 bits; it is damaged")
    if np.prod(shape) > MAX_VOXELS:
        raise InputError(
            f"{path}: {' x '.join(map(str, shape))} pixels are more than the {MAX_VOXELS} that can be read"
        )
    ds.file_meta.TransferSyntaxUID = syntax_of(ds, path)
    packed = (int(np.prod(shape)) * bits + 7) // 8
    if not ds.file_meta.TransferSyntaxUID.is_compressed and len(ds.PixelData) < packed:
        raise InputError(
            f"{path}: {shape[0]} frames of {shape[1]} x {shape[2]} pixels take {packed} bytes, but it holds "
            f"{len(ds.PixelData)}; it is damaged or truncated"
        )
    stored = unpacked(ds, path)
    if stored.size != np.prod(shape):
        raise InputError(f"{path}: expected {shape} pixels, decoded {stored.shape}; it is damaged")
    stored = stored.reshape(shape)
    if kind == "LABELMAP":
        return stored
    top = whole(ds, "MaximumFractionalValue", path, 1) if kind == "FRACTIONAL" else 1
    if not ((stored == 0) | (stored == top)).all():
        if kind == "BINARY":
            raise InputError(f"{path}: a BINARY segmentation with other values than 0 and 1; it is damaged")
        raise AmbiguousError(
            f"{path}: a FRACTIONAL segmentation with values between nothing and all; write it as a BINARY one, with "
            "the threshold of your choice"
        )
    return stored == top


# ---- on the pixels of a series ----


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
