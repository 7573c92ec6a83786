"""Masks as the contours of an RT Structure Set (DICOM PS3.3, A.19), written with pydicom; highdicom has no such object.

Each mask is a region of interest (ROI). On every slice each piece of it is one closed contour along the edges of its
pixels (`atfm.io.outlines`), in millimetres of the patient, that names the image it lies on. A mask without a pixel is
an ROI without contours: its name and description are there all the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from atfm.disk.atomic import atomic_write
from atfm.errors import InputError
from atfm.io.dicom.headers import read_header
from atfm.io.dicom.sources import LONG, TEXT, Algorithm, Sources
from atfm.io.outlines import outlines

if TYPE_CHECKING:
    from pydicom import Dataset

__all__ = ["Region", "write_structures"]

STORAGE = "1.2.840.10008.5.1.4.1.1.481.3"
RETIRED_STUDY_MANAGEMENT = "1.2.840.10008.3.1.2.3.1"  # what PS3.3 C.8.8.5 has RT Structure Sets refer to a study by
IMPLICIT = "1.2.840.10008.1.2"  # only here may a contour be longer than 65,534 characters


@dataclass(frozen=True)
class Region:
    """One region of interest.

    Args:
        name: at most 64 characters are kept.
        description: a sentence; at most 1024.
        colour: red, green and blue, 0 to 255.
    """

    name: str
    description: str
    colour: tuple[int, int, int]


@dataclass(frozen=True)
class _Plane:
    """One slice: from `(column, row, 1)` in pixels to LPS millimetres, `[3, 3]`, and the image that it is."""

    affine: np.ndarray
    image: "Dataset"


def write_structures(
    path: Path,
    files: Sequence[Path],
    masks: np.ndarray,
    regions: Sequence[Region],
    *,
    algorithm: Algorithm,
    frames: Sequence[int] | None = None,
    series: str = "atfm",
    label: str = "HYPOTHESES",
) -> list[int]:
    """Write masks as one RT Structure Set, whole or not at all.

    Args:
        path: the file to write.
        files: the source image of each of the masks' planes; the same one again where it has many frames.
        masks: `[N, D, H, W]` bool.
        regions: the name of each, its description and its colour.
        algorithm: what drew them.
        frames: of each plane, its frame in its file, from 0; None: the only one, or all of them in their order.
        series: description of the new series.
        label: of the structure set, at most 16 characters.

    Returns:
        The number of each mask's ROI, from 1.

    Raises:
        InputError: masks that do not fit the images, or images that do not say where they lie.
        DiskError: the file cannot be written.
    """
    if masks.ndim != 4 or masks.dtype != bool or len(regions) != len(masks):
        raise InputError(
            f"{path}: expected bool masks [N, D, H, W] and N regions, got {masks.dtype} {list(masks.shape)} and "
            f"{len(regions)}"
        )
    sources = Sources(files, frames)
    sources.check_planes(path, masks.shape[1:])
    with sources.referring("structure set"):
        planes = _planes(sources)
        dataset = _heading(sources, algorithm, series, label)
        _add_references(dataset, sources)
        for number, (mask, region) in enumerate(zip(masks, regions, strict=True), start=1):
            _add_region(dataset, number, region, _contours(mask, planes))
    with atomic_write(path) as temporary:
        dataset.save_as(temporary, enforce_file_format=True)
    return list(range(1, len(masks) + 1))


def _planes(sources: Sources) -> list[_Plane]:
    """Where each plane lies.

    Raises:
        InputError: an image that does not say so, or not how large its pixels are.
    """
    headers = {file: read_header(file) for file in dict.fromkeys(sources.files)}
    datasets = dict(zip(headers, sources.datasets, strict=True))
    found = []
    for number, (file, frame) in enumerate(zip(sources.files, sources.frames, strict=True)):
        header, dataset = headers[file], datasets[file]
        several = int(dataset.get("NumberOfFrames") or 1) > 1
        plane = None if isinstance(header, str) else header.planes[frame if several else 0]
        if plane is None or not plane.position or not plane.spacing or not dataset.get("FrameOfReferenceUID"):
            raise InputError(
                f"{file}: slice {number} of those sampled does not say where it lies (ImagePositionPatient, "
                "ImageOrientationPatient, PixelSpacing, FrameOfReferenceUID), which contours need; choose another "
                "--format"
            )
        (dy, dx), way = plane.spacing, np.array(plane.orientation).reshape(2, 3)
        affine = np.stack([way[0] * dx, way[1] * dy, np.array(plane.position)], 1)
        found.append(_Plane(affine, _image(dataset, frame + 1 if several else None)))
    return found


def _image(dataset: "Dataset", frame: int | None = None) -> "Dataset":
    """A reference to an image, or to one of its frames."""
    from pydicom import Dataset

    image = Dataset()
    image.ReferencedSOPClassUID, image.ReferencedSOPInstanceUID = dataset.SOPClassUID, dataset.SOPInstanceUID
    if frame is not None:
        image.ReferencedFrameNumber = frame
    return image


def _contours(mask: np.ndarray, planes: Sequence[_Plane]) -> "list[Dataset]":
    """The contours of a mask `[D, H, W]`."""
    from pydicom import Dataset

    found: list[Dataset] = []
    for plane, pixels in zip(planes, mask, strict=True):
        for corners in outlines(pixels):
            contour = Dataset()
            contour.ContourImageSequence = [plane.image]
            contour.ContourGeometricType, contour.NumberOfContourPoints = "CLOSED_PLANAR", len(corners)
            places = np.column_stack([corners, np.ones(len(corners))]) @ plane.affine.T  # [N, 3] LPS millimetres
            contour.ContourData = [_decimal(value) for value in places.ravel().tolist()]
            contour.ContourNumber = len(found) + 1
            found.append(contour)
    return found


def _decimal(value: float) -> str:
    """Millimetres to a millionth, in the 16 characters that DICOM allows."""
    text = f"{value:.6f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def _heading(sources: Sources, algorithm: Algorithm, series: str, label: str) -> "Dataset":
    """Whose it is, what made it, and what it is called."""
    import highdicom as hd

    first = sources.datasets[0]
    taken: dict[str, Any] = {
        "study_instance_uid": first.StudyInstanceUID,
        "patient_id": first.PatientID,
        "patient_name": first.PatientName,
        "patient_birth_date": first.PatientBirthDate,
        "patient_sex": first.PatientSex,
        "accession_number": first.AccessionNumber,
        "study_id": first.StudyID,
        "study_date": first.StudyDate,
        "study_time": first.StudyTime,
        "referring_physician_name": first.ReferringPhysicianName,
        "specific_character_set": first.get("SpecificCharacterSet"),
    }
    dataset = hd.SOPClass(
        sop_class_uid=STORAGE,
        modality="RTSTRUCT",
        transfer_syntax_uid=IMPLICIT,
        **taken,
        **sources.heading(algorithm, series, 1),
    )
    dataset.OperatorsName = ""
    dataset.StructureSetLabel = label[:16]
    dataset.StructureSetName = algorithm.name[:LONG]
    dataset.StructureSetDescription = ", ".join(f"{name} {value}" for name, value in algorithm.parameters.items())
    dataset.StructureSetDate, dataset.StructureSetTime = dataset.InstanceCreationDate, dataset.InstanceCreationTime
    dataset.ApprovalStatus = "UNAPPROVED"
    dataset.StructureSetROISequence, dataset.ROIContourSequence, dataset.RTROIObservationsSequence = [], [], []
    return dataset


def _add_references(dataset: "Dataset", sources: Sources) -> None:
    """The frame of reference, and in it the study, the series and the images."""
    from pydicom import Dataset

    first = sources.datasets[0]
    frame, study, series = Dataset(), Dataset(), Dataset()
    series.SeriesInstanceUID = first.SeriesInstanceUID
    series.ContourImageSequence = [_image(source) for source in sources.datasets]
    study.ReferencedSOPClassUID, study.ReferencedSOPInstanceUID = RETIRED_STUDY_MANAGEMENT, first.StudyInstanceUID
    study.RTReferencedSeriesSequence = [series]
    frame.FrameOfReferenceUID = first.FrameOfReferenceUID
    frame.RTReferencedStudySequence = [study]
    dataset.ReferencedFrameOfReferenceSequence = [frame]
    dataset.FrameOfReferenceUID = first.FrameOfReferenceUID
    dataset.PositionReferenceIndicator = first.PositionReferenceIndicator


def _add_region(dataset: "Dataset", number: int, region: Region, contours: "list[Dataset]") -> None:
    """One ROI: its name, its contours, and what it is."""
    from pydicom import Dataset

    roi, drawn, seen = Dataset(), Dataset(), Dataset()
    roi.ROINumber, roi.ROIName = number, region.name[:LONG]
    roi.ReferencedFrameOfReferenceUID = dataset.FrameOfReferenceUID
    roi.ROIDescription, roi.ROIGenerationAlgorithm = region.description[:TEXT], "AUTOMATIC"
    drawn.ROIDisplayColor, drawn.ReferencedROINumber = list(region.colour), number
    if contours:
        drawn.ContourSequence = contours
    seen.ObservationNumber, seen.ReferencedROINumber = number, number
    seen.RTROIInterpretedType, seen.ROIInterpreter = "", ""
    dataset.StructureSetROISequence.append(roi)
    dataset.ROIContourSequence.append(drawn)
    dataset.RTROIObservationsSequence.append(seen)
