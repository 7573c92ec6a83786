"""The crop round a nodule: what of a scan becomes the image and the masks of one case."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from atfm.data.case import Case
from atfm.errors import InputError
from atfm.importers.lidc.contours import pasted
from atfm.importers.lidc.nodules import Nodule
from atfm.importers.lidc.scans import Scan
from atfm.io.dicom.headers import Plane
from atfm.io.dicom.notes import Notes
from atfm.io.dicom.pixels import read_planes
from atfm.io.dicom.series import RAS
from atfm.io.dicom.stack import affine_of
from atfm.io.volumes.geometry import Geometry
from atfm.io.volumes.turn import AXIAL, Turn, turn

__all__ = ["LUNG", "Cuttable", "NoduleCrop", "cut_out", "cuttable"]

LUNG = (-1350.0, 150.0)  # Hounsfield units: centre -600, width 1500, radiology's usual window for the lung
LARGEST = 2**12


@dataclass(frozen=True)
class NoduleCrop:
    """How nodules are cut out.

    Args:
        size: height and width in pixels.
        window: Hounsfield units that become 0 and 1; what lies outside is clipped.
        volumes: slices of a volume; None for one case a slice.
        min_readers: leave out nodules that fewer radiologists drew.

    Raises:
        InputError: a number that makes no crop.
    """

    size: int = 128
    window: tuple[float, float] = LUNG
    volumes: int | None = None
    min_readers: int = 1

    def __post_init__(self) -> None:
        for name, value in (("crop", self.size), ("volumes", self.volumes), ("min-readers", self.min_readers)):
            if value is not None and not 1 <= value <= LARGEST:
                raise InputError(f"{name}: expected 1 to {LARGEST}, got {value}")
        if not -np.inf < self.window[0] < self.window[1] < np.inf:
            raise InputError(f"window: expected two Hounsfield units, the lower first, got {self.window}")

    def slices(self, nodule: Nodule) -> list[range]:
        """The slices of each case that a nodule gives; a volume may reach beyond the scan."""
        if self.volumes is None:
            return [range(z, z + 1) for z in nodule.slices]
        first = (nodule.low[0] + nodule.high[0] + 1) // 2 - self.volumes // 2
        return [range(first, first + self.volumes)]


@dataclass(frozen=True)
class Cuttable:
    """What is kept of a scan until its crops are made: of a thousand scans, all slices would be too much.

    Args:
        patient, series: whose it is.
        readers: how many radiologists read it.
        spacing: `(dz, dy, dx)` in millimetres.
        planes: the slices that some crop shows, by number.
        nodules: those that enough radiologists drew.
        few: how many others there are.
        turn: from the order of the scan to LPS; of a patient who lay on the belly all counts the other way.
    """

    patient: str
    series: str
    readers: int
    spacing: tuple[float, float, float]
    planes: Mapping[int, Plane]
    nodules: Sequence[Nodule]
    few: int
    turn: Turn


def cuttable(scan: Scan, nodules: Sequence[Nodule], crop: NoduleCrop) -> Cuttable:
    """Choose the nodules of a scan and keep what their crops need.

    Raises:
        InputError: a nodule that does not fit in the crop, or a scan without axial slices.
    """
    by = axial(scan)
    chosen = [nodule for nodule in nodules if len(nodule.marks) >= crop.min_readers]
    for nodule in chosen:
        check_fits(nodule, crop, scan)
    shown = {z for nodule in chosen for slices in crop.slices(nodule) for z in slices}
    planes = {z: plane for z, plane in enumerate(scan.stack.planes) if z in shown}
    return Cuttable(
        scan.patient,
        scan.reading.series,
        scan.reading.readers,
        scan.stack.spacing,
        planes,
        chosen,
        len(nodules) - len(chosen),
        by,
    )


def axial(scan: Scan) -> Turn:
    """How the slices of a scan are turned to lie as all others do, LPS."""
    planes = scan.stack.planes
    geometry = Geometry(RAS @ affine_of(planes), (len(planes), *scan.stack.header.shape))
    by = turn(geometry.orientation, AXIAL)
    if not by.in_plane:
        raise InputError(f"{planes[0].file}: lies {geometry.orientation}; expected axial slices, such as {AXIAL}")
    return by


def check_fits(nodule: Nodule, crop: NoduleCrop, scan: Scan) -> None:
    """Refuse a nodule that a crop would cut."""
    depth, height, width = (last - first + 1 for first, last in zip(nodule.low, nodule.high, strict=True))
    if max(height, width) > crop.size or (crop.volumes is not None and depth > crop.volumes):
        space = f"{crop.size} x {crop.size}" if crop.volumes is None else f"{crop.volumes} x {crop.size} x {crop.size}"
        raise InputError(
            f"{scan.reading.file}: a nodule of {depth} slices of {height} x {width} pixels does not fit in a crop of "
            f"{space}; choose a larger one"
        )


def cut_out(source: Cuttable, nodule: Nodule, crop: NoduleCrop, case_id: str, slices: range) -> Case:
    """Read the slices of one case and cut the nodule out of them.

    Raises:
        InputError: a slice that cannot be read, or is no grey one, by name.
    """
    shape = (crop.size, crop.size)
    top, left = ((nodule.low[i] + nodule.high[i] + 1) // 2 - crop.size // 2 for i in (1, 2))
    values = np.full((len(slices), *shape), crop.window[0], np.float32)
    masks = np.zeros((source.readers, len(slices), *shape), np.uint8)
    notes = Notes()
    for at, z in enumerate(slices):
        if z in source.planes:
            paste(grey_plane(source.planes[z], notes), values[at], top, left)
            for reader, mask in enumerate(masks):
                mask[at] = pasted(nodule.patches(reader, z), top, left, shape)
    low, high = map(np.float32, crop.window)
    image = np.ascontiguousarray(source.turn.array(np.clip((values - low) / (high - low), 0, 1)))
    masks = np.ascontiguousarray(source.turn.array(masks))
    spacing = source.turn.numbers(source.spacing)
    if crop.volumes is None:
        return Case(image, masks[:, 0], case_id, source.patient, spacing[1:], notes.sentences)
    return Case(image[None], masks, case_id, source.patient, spacing, notes.sentences)


def grey_plane(plane: Plane, notes: Notes) -> np.ndarray:
    """One slice in Hounsfield units, `[H, W]`; `notes` takes what there is to say of its file."""
    (pixels,), _, told = read_planes([plane])
    notes.update(told)
    if pixels.ndim != 2:
        raise InputError(f"{plane.file}: expected the grey values of a CT, got colours")
    return pixels


def paste(source: np.ndarray, target: np.ndarray, top: int, left: int) -> None:
    """Fill `target` with what it shows of `source` from `(top, left)` on; the rest of it stays."""
    y, x = max(top, 0), max(left, 0)
    seen = source[y : max(top + target.shape[0], 0), x : max(left + target.shape[1], 0)]
    target[y - top : y - top + seen.shape[0], x - left : x - left + seen.shape[1]] = seen
