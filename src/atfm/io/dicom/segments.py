"""The frames of a DICOM Segmentation and whose they are (DICOM PS3.3, C.8.20).

A FRACTIONAL segmentation is a mask only where it says 0 or its maximum.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from atfm.errors import AmbiguousError, InputError, UnsupportedError
from atfm.io.dicom.file import inner, items_of, said, shared, syntax_of, whole
from atfm.io.dicom.headers import Plane, planes, size_of
from atfm.io.dicom.pixels import MAX_VOXELS, unpacked

if TYPE_CHECKING:
    from pydicom import Dataset

__all__ = ["SEGMENTATIONS", "Segment", "Segmentation", "segmentation_of"]

# Segmentation Storage and Label Map Segmentation Storage; that of surfaces has no pixels.
SEGMENTATIONS = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
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
