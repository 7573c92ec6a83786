"""Series that results refer to, complete enough for highdicom: tilted planes, or many frames of one file."""

from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, EnhancedCTImageStorage, ExplicitVRLittleEndian, generate_uid

ROWS, COLUMNS, DEPTH = 9, 16, 5
TILTED = [0.8, 0.6, 0.0, 0.0, 0.0, -1.0]  # row and column direction of oblique planes
SPACING = [0.5, 0.75]  # between rows, between columns
GAP = 2.5


def write_series(folder: Path, depth: int = DEPTH, orientation: list[float] = TILTED, **more: object) -> list[Path]:
    """A CT series, one file a plane, its pixels counting up."""
    study, series, frame = generate_uid(), generate_uid(), generate_uid()
    normal = np.cross(orientation[:3], orientation[3:])
    files = []
    for k in range(depth):
        ds = Dataset()
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.SOPClassUID, ds.SOPInstanceUID = CTImageStorage, generate_uid()
        ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = "Doe^Jane", "p1", "", "O"
        ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = study, series, frame
        ds.StudyDate, ds.StudyTime, ds.AccessionNumber, ds.StudyID = "20260101", "101010", "", "1"
        ds.ReferringPhysicianName, ds.Modality, ds.SeriesNumber, ds.InstanceNumber = "", "CT", 3, k + 1
        ds.ImageOrientationPatient = orientation
        ds.ImagePositionPatient = [round(float(v), 6) for v in np.array([10, -20, 30]) + k * GAP * normal]
        ds.PixelSpacing, ds.SliceThickness = SPACING, GAP
        ds.Rows, ds.Columns, ds.SamplesPerPixel, ds.PhotometricInterpretation = ROWS, COLUMNS, 1, "MONOCHROME2"
        ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 1
        ds.RescaleSlope, ds.RescaleIntercept, ds.PositionReferenceIndicator = 1, -1000, ""
        ds.PixelData = (np.arange(ROWS * COLUMNS, dtype=np.int16) + k).tobytes()
        for name, value in more.items():
            setattr(ds, name, value)
        folder.mkdir(parents=True, exist_ok=True)
        files.append(folder / f"{k}.dcm")
        ds.save_as(files[-1], enforce_file_format=True)
    return files


def write_enhanced(path: Path, depth: int) -> Path:
    """One CT file of many frames, from the top of the patient down."""
    (single,) = write_series(path.parent / "single", depth=1)
    ds = pydicom.dcmread(single)
    ds.SOPClassUID, ds.NumberOfFrames, ds.PixelData = EnhancedCTImageStorage, depth, bytes(2 * depth * ROWS * COLUMNS)
    ds.file_meta.MediaStorageSOPClassUID = EnhancedCTImageStorage
    measures, orientation, shared = Dataset(), Dataset(), Dataset()
    measures.PixelSpacing, measures.SliceThickness = ds.PixelSpacing, ds.SliceThickness
    orientation.ImageOrientationPatient = ds.ImageOrientationPatient
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = [measures], [orientation]
    ds.SharedFunctionalGroupsSequence = [shared]
    groups = []
    for k in range(depth):
        position, group = Dataset(), Dataset()
        position.ImagePositionPatient = [10 + 0.6 * GAP * k, -20 - 0.8 * GAP * k, 30]
        group.PlanePositionSequence = [position]
        groups.append(group)
    ds.PerFrameFunctionalGroupsSequence = groups
    for name in ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "SliceThickness"):
        delattr(ds, name)
    ds.save_as(path)
    return path
