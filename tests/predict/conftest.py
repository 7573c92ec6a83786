"""A small model, and DICOM series, for the tests of drawing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from atfm.methods.atfm.config import ATFMConfig, SFMConfig
from atfm.methods.gtr.config import GTRConfig
from atfm.methods.method import Frame
from atfm.models import Model
from atfm.predict import sample_file

WriteSeries = Callable[..., list[Path]]
Draw = Callable[..., dict[str, Any]]
CONFIG = ATFMConfig(gtr=GTRConfig(widths=(8,), rank=2), sfm=SFMConfig(widths=(8,), steps=2))


def small(size: tuple[int, ...] = (16, 16), channels: int = 1, in_channels: int = 1, **card: object) -> Model:
    with torch.random.fork_rng():  # its fresh weights are those of every run, in whatever order the tests are
        torch.manual_seed(0)
        method = CONFIG.build(Frame(in_channels, channels, size)).eval()
    return Model(method, "small", frozenset(), dict(card))


@pytest.fixture(scope="session")
def make_model() -> Callable[..., Model]:
    """Build an untrained model: `size`, `channels`, and whatever stands in its card."""
    return small


@pytest.fixture(scope="session")
def model() -> Model:
    return small()


@pytest.fixture(scope="session")
def volumes() -> Model:
    return small((4, 16, 16))


@pytest.fixture
def write_series() -> WriteSeries:
    """Write a series of 16 x 16 CT slices whose Hounsfield units are `-1000 + 10 * slice` to `+500` or so."""

    def write(folder: Path, depth: int = 5, **more: object) -> list[Path]:
        study, series, frame = generate_uid(), generate_uid(), generate_uid()
        folder.mkdir(parents=True, exist_ok=True)
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
            ds.ImageOrientationPatient, ds.ImagePositionPatient = [1, 0, 0, 0, 1, 0], [10, -20, 30 + 2.5 * k]
            ds.PixelSpacing, ds.SliceThickness = [0.5, 0.75], 2.5
            ds.Rows, ds.Columns, ds.SamplesPerPixel, ds.PhotometricInterpretation = 16, 16, 1, "MONOCHROME2"
            ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, 1
            ds.RescaleSlope, ds.RescaleIntercept, ds.PositionReferenceIndicator = 1, -1000, ""
            ds.PixelData = np.random.default_rng(k).integers(10 * k, 1500, (16, 16), np.int16).tobytes()
            for name, value in more.items():
                setattr(ds, name, value)
            files.append(folder / f"{depth - k}.dcm")  # names in the opposite order of positions
            ds.save_as(files[-1], enforce_file_format=True)
        return files

    return write


@pytest.fixture
def draw() -> Draw:
    """Sample a file without points, and give the result with names that lead to the files from anywhere."""

    def run(model: Model, path: Path, out: Path, n: int, **options: Any) -> dict[str, Any]:
        (result,) = sample_file(model, path, out, n, **options)

        def found(names: Any) -> Any:
            return [found(name) for name in names] if isinstance(names, list) else names and str(out / names)

        result["files"] = {what: found(names) for what, names in result["files"].items()}
        for one in result["hypotheses"]:
            one["file"] = found(one["file"])
        return result

    return run
