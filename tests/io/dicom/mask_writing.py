"""RT Structure Sets and DICOM Segmentations for tests, with whatever slip a test wants."""

from collections.abc import Sequence
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.sr.codedict import codes
from pydicom.uid import ExplicitVRLittleEndian, RTStructureSetStorage, generate_uid

WHOLE = {  # what highdicom wants of a source and `dicom_writing` leaves out
    "FrameOfReferenceUID": "1.2.3.99", "PatientBirthDate": "", "PatientSex": "", "StudyDate": "", "StudyTime": "",
    "AccessionNumber": "", "StudyID": "", "ReferringPhysicianName": "", "SliceThickness": 2.5, "SeriesNumber": 1,
    "PositionReferenceIndicator": "", "Manufacturer": "",
}  # fmt: skip
MAY_BE_EMPTY = [keyword for keyword in WHOLE if keyword not in ("FrameOfReferenceUID", "SeriesNumber")]

Ring = tuple[str, np.ndarray]  # geometric type, and [N, 3] millimetres


def write_structures(
    path: Path,
    rois: dict[str, Sequence[Ring]],
    *,
    frame: str | None = "1.2.3.99",
    series: str | None = "1.2.3.1",
    instances: Sequence[str] = (),
    **fields: object,
) -> Path:
    """One file; `instances` names the image of every contour, `fields` are DICOM keywords."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID, ds.SOPInstanceUID, ds.Modality = RTStructureSetStorage, generate_uid(), "RTSTRUCT"
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.StructureSetLabel = "1.2.3", "1.2.3.50", "masks"
    reference, study, of_series = Dataset(), Dataset(), Dataset()
    if frame is not None:
        reference.FrameOfReferenceUID = frame
    if series is not None:
        of_series.SeriesInstanceUID = series
        study.RTReferencedSeriesSequence = Items([of_series])
        reference.RTReferencedStudySequence = Items([study])
    ds.ReferencedFrameOfReferenceSequence = Items([reference])
    ds.StructureSetROISequence, ds.ROIContourSequence = Items([]), Items([])
    for number, (name, rings) in enumerate(rois.items(), start=1):
        roi, drawn = Dataset(), Dataset()
        roi.ROINumber, roi.ROIName = number, name
        if frame is not None:
            roi.ReferencedFrameOfReferenceUID = frame
        drawn.ReferencedROINumber = number
        drawn.ContourSequence = Items([contour(*ring, instances) for ring in rings])
        ds.StructureSetROISequence.append(roi)
        ds.ROIContourSequence.append(drawn)
    for keyword, value in fields.items():
        setattr(ds, keyword, value)
    path.parent.mkdir(parents=True, exist_ok=True)
    ds.save_as(path, enforce_file_format=True)
    return path


def contour(kind: str, points: np.ndarray, instances: Sequence[str]) -> Dataset:
    item = Dataset()
    item.ContourGeometricType, item.NumberOfContourPoints = kind, len(points)
    item.ContourData = [f"{value:.8g}" for value in points.ravel()]
    if instances:
        item.ContourImageSequence = Items([Dataset() for _ in instances])
        for image, instance in zip(item.ContourImageSequence, instances, strict=True):
            image.ReferencedSOPInstanceUID = instance
    return item


def write_masks(
    path: Path, files: Sequence[Path], masks: np.ndarray, names: Sequence[str], kind: str = "BINARY"
) -> Path:
    """A segmentation by highdicom, which leaves out frames without a pixel; masks `[N, D, H, W]`."""
    described = [
        hd.seg.SegmentDescription(
            segment_number=number,
            segment_label=name,
            segmented_property_category=codes.SCT.Tissue,
            segmented_property_type=codes.SCT.Tissue,
            algorithm_type=hd.seg.SegmentAlgorithmTypeValues.MANUAL,
        )
        for number, name in enumerate(names, start=1)
    ]
    ds = hd.seg.Segmentation(
        source_images=[pydicom.dcmread(file) for file in files],
        pixel_array=np.moveaxis(masks, 0, -1).astype(np.float32 if kind == "FRACTIONAL" else np.uint8),
        segmentation_type=kind,
        segment_descriptions=described,
        series_instance_uid=hd.UID(),
        series_number=9,
        sop_instance_uid=hd.UID(),
        instance_number=1,
        manufacturer="tests",
        manufacturer_model_name="tests",
        software_versions="1",
        device_serial_number="1",
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    ds.save_as(path, enforce_file_format=True)
    return path
