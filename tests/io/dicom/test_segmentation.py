"""Segmentations that pydicom and SimpleITK read back where the source series lies."""

from pathlib import Path
from types import ModuleType

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.dataset import Dataset
from pydicom.uid import (
    SecondaryCaptureImageStorage,
)

from atfm.errors import DiskError, InputError
from atfm.io.dicom.segmentation import write_segmentation
from atfm.io.dicom.sources import Algorithm

ROWS, COLUMNS, DEPTH = 9, 16, 5
TILTED = [0.8, 0.6, 0.0, 0.0, 0.0, -1.0]  # row and column direction of oblique planes
SPACING = [0.5, 0.75]  # between rows, between columns
GAP = 2.5
ALGORITHM = Algorithm("lidc", "0.2.0", {"weights": "0123456789ab", "seed": "7"})


def on_source(segmentation: Path, files: list[Path]) -> tuple[np.ndarray, sitk.Image]:
    """SimpleITK's reading of a segmentation, looked up at the place in space of every voxel of the series."""
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames([str(file) for file in files])
    source, read = reader.Execute(), sitk.ReadImage(str(segmentation))
    placed = sitk.Resample(read, source, sitk.Transform(), sitk.sitkNearestNeighbor, 0.0)
    return sitk.GetArrayFromImage(placed), read


@pytest.fixture
def masks() -> np.ndarray:
    """Two overlapping outlines, one of them not on every plane, and an empty one between them."""
    masks = np.random.default_rng(0).random((3, DEPTH, ROWS, COLUMNS)) > 0.5
    masks[1] = False
    masks[2, :2] = False
    return masks


def frames(dataset: Dataset) -> dict[tuple[int, tuple[float, ...]], np.ndarray]:
    """Every frame by its segment and position, read by pydicom alone."""
    pixels = dataset.pixel_array.reshape(-1, dataset.Rows, dataset.Columns)
    found = {}
    for plane, group in zip(pixels, dataset.PerFrameFunctionalGroupsSequence, strict=True):
        number = group.SegmentIdentificationSequence[0].ReferencedSegmentNumber
        position = tuple(float(v) for v in group.PlanePositionSequence[0].ImagePositionPatient)
        found[number, position] = plane
    return found


def test_pydicom_reads_every_segment_on_the_planes_of_its_source(
    sources: ModuleType, tmp_path: Path, masks: np.ndarray
) -> None:
    files = sources.write_series(tmp_path / "series")
    numbers = write_segmentation(
        tmp_path / "seg.dcm", files, masks, ["A", "none", "B"], ["60 %", "10 %", "30 %"], algorithm=ALGORITHM
    )
    assert numbers == [1, None, 2]
    dataset, sources = pydicom.dcmread(tmp_path / "seg.dcm"), [pydicom.dcmread(file) for file in files]
    assert dataset.Modality == "SEG" and dataset.SegmentationType == "BINARY" and dataset.SegmentsOverlap == "YES"
    assert dataset.StudyInstanceUID == sources[0].StudyInstanceUID
    assert dataset.FrameOfReferenceUID == sources[0].FrameOfReferenceUID
    referenced = dataset.ReferencedSeriesSequence[0]
    assert referenced.SeriesInstanceUID == sources[0].SeriesInstanceUID
    uids = {item.ReferencedSOPInstanceUID for item in referenced.ReferencedInstanceSequence}
    assert uids == {source.SOPInstanceUID for source in sources}
    found = frames(dataset)
    for number, at in ((1, 0), (2, 2)):
        for source, plane in zip(sources, masks[at], strict=True):
            position = tuple(float(v) for v in source.ImagePositionPatient)
            np.testing.assert_array_equal(found.get((number, position), np.zeros_like(plane)), plane)
    shared = dataset.SharedFunctionalGroupsSequence[0]
    assert [float(v) for v in shared.PixelMeasuresSequence[0].PixelSpacing] == SPACING
    np.testing.assert_allclose(shared.PlaneOrientationSequence[0].ImageOrientationPatient, TILTED)


def test_segments_tell_label_probability_and_what_drew_them(
    sources: ModuleType, tmp_path: Path, masks: np.ndarray
) -> None:
    files = sources.write_series(tmp_path / "series")
    write_segmentation(
        tmp_path / "seg.dcm", files, masks, ["A", "none", "B" * 80], ["60 %", "", "x" * 2000], algorithm=ALGORITHM,
        note="not a segment: none, 10 %",
    )  # fmt: skip
    dataset = pydicom.dcmread(tmp_path / "seg.dcm")
    first, second = dataset.SegmentSequence
    assert (first.SegmentLabel, first.SegmentDescription, first.SegmentAlgorithmType) == ("A", "60 %", "AUTOMATIC")
    assert (second.SegmentLabel, len(second.SegmentDescription)) == ("B" * 64, 1024)
    assert first.TrackingID == "A" and first.TrackingUID != second.TrackingUID
    told = first.SegmentationAlgorithmIdentificationSequence[0]
    assert (told.AlgorithmName, told.AlgorithmVersion) == ("lidc", "0.2.0")
    assert "seed=7" in told.AlgorithmParameters
    assert dataset.ContentDescription == "not a segment: none, 10 %"
    assert first.SegmentedPropertyTypeCodeSequence[0].CodeMeaning == "Lesion"


@pytest.mark.parametrize("orientation", [TILTED, [1, 0, 0, 0, 1, 0], [0, 1, 0, 0, 0, -1]])
def test_simpleitk_reads_a_binary_segment_where_the_series_lies(
    sources: ModuleType, tmp_path: Path, masks: np.ndarray, orientation: list[float]
) -> None:
    files = sources.write_series(tmp_path / "series", orientation=orientation)
    write_segmentation(tmp_path / "seg.dcm", files, masks[:1], ["A"], [""], algorithm=ALGORITHM)
    placed, read = on_source(tmp_path / "seg.dcm", files)
    assert read.GetSize() == (COLUMNS, ROWS, DEPTH)
    np.testing.assert_allclose(read.GetSpacing(), (SPACING[1], SPACING[0], GAP))
    np.testing.assert_array_equal(placed > 0, masks[0])


def test_simpleitk_reads_probabilities_of_some_planes_where_they_lie(sources: ModuleType, tmp_path: Path) -> None:
    files = sources.write_series(tmp_path / "series")
    chosen = np.random.default_rng(1).random((1, 3, ROWS, COLUMNS)).astype(np.float32)
    write_segmentation(tmp_path / "seg.dcm", files[1:4], chosen, ["lesion"], [""], algorithm=ALGORITHM)
    dataset = pydicom.dcmread(tmp_path / "seg.dcm")
    assert (dataset.SegmentationType, dataset.SegmentationFractionalType) == ("FRACTIONAL", "PROBABILITY")
    placed, _ = on_source(tmp_path / "seg.dcm", files)
    np.testing.assert_allclose(placed[1:4] / dataset.MaximumFractionalValue, chosen[0], atol=0.5 / 255 + 1e-6)
    assert not placed[[0, 4]].any()


def test_one_frame_gives_one_frame(sources: ModuleType, tmp_path: Path) -> None:
    files = sources.write_series(tmp_path / "series", depth=1)
    mask = np.eye(ROWS, COLUMNS, dtype=bool)[None, None]
    assert write_segmentation(tmp_path / "seg.dcm", files, mask, ["A"], [""], algorithm=ALGORITHM) == [1]
    placed, _ = on_source(tmp_path / "seg.dcm", files)
    np.testing.assert_array_equal(np.squeeze(placed) > 0, mask[0, 0])


def test_frames_that_do_not_end_on_a_byte_are_whole(sources: ModuleType, tmp_path: Path) -> None:
    files = sources.write_series(tmp_path / "series", Columns=15, PixelData=bytes(2 * 9 * 15))
    masks = np.random.default_rng(2).random((2, DEPTH, 9, 15)) > 0.5
    write_segmentation(tmp_path / "seg.dcm", files, masks, ["A", "B"], ["", ""], algorithm=ALGORITHM)
    found = frames(pydicom.dcmread(tmp_path / "seg.dcm"))
    for k, file in enumerate(files):
        position = tuple(float(v) for v in pydicom.dcmread(file).ImagePositionPatient)
        for number in (1, 2):
            np.testing.assert_array_equal(found[number, position], masks[number - 1, k])


def test_frames_of_one_file_in_any_order(sources: ModuleType, tmp_path: Path) -> None:
    file = sources.write_enhanced(tmp_path / "enhanced.dcm", 4)
    masks = np.random.default_rng(3).random((1, 2, ROWS, COLUMNS)) > 0.5
    write_segmentation(tmp_path / "seg.dcm", [file] * 2, masks, ["A"], [""], algorithm=ALGORITHM, frames=[3, 1])
    read, groups = pydicom.dcmread(tmp_path / "seg.dcm"), pydicom.dcmread(file).PerFrameFunctionalGroupsSequence
    found = {
        tuple(group.PlanePositionSequence[0].ImagePositionPatient): plane
        for plane, group in zip(read.pixel_array, read.PerFrameFunctionalGroupsSequence, strict=True)
    }
    wanted = [tuple(groups[frame].PlanePositionSequence[0].ImagePositionPatient) for frame in (3, 1)]
    assert set(found) == set(wanted)
    np.testing.assert_array_equal(np.stack([found[position] for position in wanted]), masks[0])
    with pytest.raises(InputError, match=r"not to 1 files of 4 frames; choose another --format"):
        write_segmentation(tmp_path / "b.dcm", [file] * 2, masks, ["A"], [""], algorithm=ALGORITHM, frames=[3, 4])


def test_where_every_mask_is_empty_there_is_no_file(sources: ModuleType, tmp_path: Path) -> None:
    files = sources.write_series(tmp_path / "series")
    empty = np.zeros((2, DEPTH, ROWS, COLUMNS), bool)
    assert write_segmentation(tmp_path / "seg.dcm", files, empty, ["a", "b"], ["", ""], algorithm=ALGORITHM) == [
        None,
        None,
    ]
    assert not (tmp_path / "seg.dcm").exists()


def test_an_image_without_a_place_in_space_can_be_referred_to(sources: ModuleType, tmp_path: Path) -> None:
    files = sources.write_series(tmp_path / "photo", depth=1, SOPClassUID=SecondaryCaptureImageStorage, Modality="OT")
    dataset = pydicom.dcmread(files[0])
    del dataset.FrameOfReferenceUID, dataset.ImagePositionPatient, dataset.ImageOrientationPatient
    dataset.save_as(files[0])
    mask = np.eye(ROWS, COLUMNS, dtype=bool)[None, None]
    assert write_segmentation(tmp_path / "seg.dcm", files, mask, ["A"], [""], algorithm=ALGORITHM) == [1]
    np.testing.assert_array_equal(np.squeeze(pydicom.dcmread(tmp_path / "seg.dcm").pixel_array) > 0, mask[0, 0])


def test_what_does_not_fit_is_one_line(sources: ModuleType, tmp_path: Path, masks: np.ndarray) -> None:
    files = sources.write_series(tmp_path / "series")

    def write(path: Path, files: list[Path], masks: np.ndarray) -> None:
        write_segmentation(path, files, masks, ["A"] * len(masks), [""] * len(masks), algorithm=ALGORITHM)

    with pytest.raises(InputError, match="masks of 5 planes of 9 x 16 pixels do not fit 4 images of 9 x 16"):
        write(tmp_path / "seg.dcm", files[1:], masks)
    with pytest.raises(InputError, match="expected bool masks or floats in"):
        write(tmp_path / "seg.dcm", files, masks.astype(np.uint8))
    dataset = pydicom.dcmread(files[0])
    del dataset.StudyInstanceUID
    dataset.save_as(files[0])
    with pytest.raises(InputError, match=r"no segmentation can refer to it: .*; choose another --format") as error:
        write(tmp_path / "seg.dcm", files, masks)
    assert "\n" not in str(error.value)
    files[0].write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"0\.dcm: not a DICOM file"):
        write(tmp_path / "seg.dcm", files, masks)
    assert not list(tmp_path.glob("*.dcm"))


def test_a_place_that_cannot_be_written_is_one_line(sources: ModuleType, tmp_path: Path, masks: np.ndarray) -> None:
    files = sources.write_series(tmp_path / "series")
    (tmp_path / "file").write_text("")
    with pytest.raises(DiskError, match="a part of the path is a file"):
        write_segmentation(tmp_path / "file" / "seg.dcm", files, masks, ["A"] * 3, [""] * 3, algorithm=ALGORITHM)
