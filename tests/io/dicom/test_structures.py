"""Structure sets whose contours pydicom reads back to the same masks, where the series lies."""

from pathlib import Path
from types import ModuleType

import numpy as np
import pydicom
import pytest
from highdicom._standard_utils import check_required_attributes, get_iod_module_map
from matplotlib.path import Path as Polygon
from pydicom.dataset import Dataset

from atfm.errors import InputError
from atfm.io.dicom.sources import Algorithm
from atfm.io.dicom.structures import Region, write_structures

ALGORITHM = Algorithm("lidc", "0.2.0", {"weights": "0123456789ab", "seed": "7"})
REGIONS = [
    Region("outline A (9 pixels)", "probability 60 %", (86, 180, 233)),
    Region("no lesion", "40 %", (230, 159, 0)),
]
TILTED = [0.8, 0.6, 0.0, 0.0, 0.0, -1.0]  # row and column direction of oblique planes


def ring(depth: int = 5) -> np.ndarray:
    """Two masks `[2, D, 9, 16]`: pieces, a hole with an island in it, pixels that touch by a corner; and nothing."""
    masks = np.zeros((2, depth, 9, 16), bool)
    masks[0, 1, 1:8, 2:9] = True
    masks[0, 1, 2:7, 3:8] = False
    masks[0, 1, 4, 5] = True
    masks[0, 1, 0, 12] = masks[0, 1, 1, 13] = True
    masks[0, 2] = np.random.default_rng(0).random((9, 16)) > 0.5
    masks[0, -1, 8, 15] = True
    return masks


def read_back(dataset: Dataset, number: int, sources: dict[str, Dataset], *, rule: str) -> dict[str, np.ndarray]:
    """The mask of an ROI on each image, by the images' own geometry and matplotlib's test of a point in a polygon."""
    (roi,) = [item for item in dataset.ROIContourSequence if item.ReferencedROINumber == number]
    found = {uid: np.zeros((source.Rows, source.Columns), int) for uid, source in sources.items()}
    for contour in roi.get("ContourSequence", []):
        uid = contour.ContourImageSequence[0].ReferencedSOPInstanceUID
        source = sources[uid]
        places = np.array(contour.ContourData, float).reshape(-1, 3) - np.array(source.ImagePositionPatient, float)
        assert contour.NumberOfContourPoints == len(places) and contour.ContourGeometricType == "CLOSED_PLANAR"
        row, column = np.array(source.ImageOrientationPatient, float).reshape(2, 3)
        assert np.abs(places @ np.cross(row, column)).max() < 1e-4  # planar, on its own slice
        dy, dx = map(float, source.PixelSpacing)
        corners = np.stack([places @ row / dx, places @ column / dy], 1)
        grid = np.stack(np.meshgrid(np.arange(source.Columns), np.arange(source.Rows)), -1).reshape(-1, 2)
        inside = Polygon(np.vstack([corners, corners[:1]])).contains_points(grid).reshape(source.Rows, source.Columns)
        found[uid] = found[uid] ^ inside if rule == "xor" else found[uid] | inside
    return {uid: mask.astype(bool) for uid, mask in found.items()}


@pytest.mark.parametrize("rule", ["xor", "union"])
@pytest.mark.parametrize(
    "orientation", [TILTED, [1, 0, 0, 0, 1, 0], [0, 1, 0, 0, 0, -1], [-1, 0, 0, 0, -1, 0], [0.6, 0, 0.8, 0, 1, 0]]
)
def test_contours_read_back_to_the_masks(
    sources: ModuleType, tmp_path: Path, orientation: list[float], rule: str
) -> None:
    files = sources.write_series(tmp_path / "series", orientation=orientation)
    masks = ring()
    assert write_structures(tmp_path / "rt.dcm", files, masks, REGIONS, algorithm=ALGORITHM) == [1, 2]
    dataset = pydicom.dcmread(tmp_path / "rt.dcm")
    sources = {source.SOPInstanceUID: source for source in map(pydicom.dcmread, files)}
    for number in (1, 2):
        found = read_back(dataset, number, sources, rule=rule)
        np.testing.assert_array_equal(np.stack(list(found.values())), masks[number - 1])


def test_it_holds_what_the_standard_asks_for(sources: ModuleType, tmp_path: Path) -> None:
    files = sources.write_series(tmp_path / "series")
    write_structures(tmp_path / "rt.dcm", files, ring(), REGIONS, algorithm=ALGORITHM)
    dataset, source = pydicom.dcmread(tmp_path / "rt.dcm"), pydicom.dcmread(files[0])
    for module in get_iod_module_map()["rt-structure-set"]:
        if module["usage"] == "M" or module["key"] == "frame-of-reference":
            check_required_attributes(dataset, module["key"])
    with pytest.raises(AttributeError):  # the check itself
        check_required_attributes(Dataset(), "structure-set")
    assert (dataset.Modality, dataset.SOPClassUID) == ("RTSTRUCT", "1.2.840.10008.5.1.4.1.1.481.3")
    for name in ("StudyInstanceUID", "FrameOfReferenceUID", "PatientID", "PatientName"):
        assert dataset[name].value == source[name].value
    assert dataset.SeriesInstanceUID != source.SeriesInstanceUID
    first, second = dataset.StructureSetROISequence
    assert (first.ROIName, first.ROIDescription, second.ROIName) == (
        "outline A (9 pixels)",
        "probability 60 %",
        "no lesion",
    )
    assert dataset.ROIContourSequence[0].ROIDisplayColor == [86, 180, 233]
    assert "ContourSequence" not in dataset.ROIContourSequence[1]
    series = dataset.ReferencedFrameOfReferenceSequence[0].RTReferencedStudySequence[0].RTReferencedSeriesSequence[0]
    assert series.SeriesInstanceUID == source.SeriesInstanceUID
    named = {image.ReferencedSOPInstanceUID for image in series.ContourImageSequence}
    assert named == {pydicom.dcmread(file).SOPInstanceUID for file in files}
    assert all(len(str(value)) <= 16 for value in dataset.ROIContourSequence[0].ContourSequence[0].ContourData)


def test_a_contour_longer_than_64_kilobytes_is_whole(sources: ModuleType, tmp_path: Path) -> None:
    side = 160
    files = sources.write_series(tmp_path / "s", depth=1, Rows=side, Columns=side, PixelData=bytes(2 * side * side))
    comb = np.ones((1, 1, side, side), bool)
    comb[0, 0, :-1:2, 1:] = False
    comb[0, 0, ::2, 3::4] = True
    write_structures(tmp_path / "rt.dcm", files, comb, REGIONS[:1], algorithm=ALGORITHM)
    dataset, source = pydicom.dcmread(tmp_path / "rt.dcm"), pydicom.dcmread(files[0])
    (contour,) = dataset.ROIContourSequence[0].ContourSequence
    assert sum(len(str(value)) + 1 for value in contour.ContourData) > 2**16
    (found,) = read_back(dataset, 1, {source.SOPInstanceUID: source}, rule="xor").values()
    np.testing.assert_array_equal(found, comb[0, 0])


def test_frames_of_one_file_are_named(sources: ModuleType, tmp_path: Path) -> None:
    file = sources.write_enhanced(tmp_path / "enhanced.dcm", 4)
    masks = np.random.default_rng(3).random((1, 2, 9, 16)) > 0.5
    write_structures(tmp_path / "rt.dcm", [file] * 2, masks, REGIONS[:1], algorithm=ALGORITHM, frames=[3, 1])
    dataset, enhanced = pydicom.dcmread(tmp_path / "rt.dcm"), pydicom.dcmread(file)
    row, column = np.array(TILTED).reshape(2, 3)
    found = {3: np.zeros((9, 16), bool), 1: np.zeros((9, 16), bool)}
    for contour in dataset.ROIContourSequence[0].ContourSequence:
        image = contour.ContourImageSequence[0]
        assert image.ReferencedSOPInstanceUID == enhanced.SOPInstanceUID
        frame = int(image.ReferencedFrameNumber) - 1
        at = enhanced.PerFrameFunctionalGroupsSequence[frame].PlanePositionSequence[0].ImagePositionPatient
        places = np.array(contour.ContourData, float).reshape(-1, 3) - np.array(at, float)
        corners = np.stack([places @ row / 0.75, places @ column / 0.5], 1)
        grid = np.stack(np.meshgrid(np.arange(16), np.arange(9)), -1).reshape(-1, 2)
        found[frame] ^= Polygon(np.vstack([corners, corners[:1]])).contains_points(grid).reshape(9, 16)
    np.testing.assert_array_equal(found[3], masks[0, 0])
    np.testing.assert_array_equal(found[1], masks[0, 1])


@pytest.mark.parametrize("keyword", ["ImagePositionPatient", "PixelSpacing", "FrameOfReferenceUID"])
def test_an_image_that_does_not_say_where_it_lies_is_refused(sources: ModuleType, tmp_path: Path, keyword: str) -> None:
    (file,) = sources.write_series(tmp_path / "series", depth=1)
    source = pydicom.dcmread(file)
    del source[keyword]
    source.save_as(file)
    with pytest.raises(InputError, match="does not say where it lies"):
        write_structures(tmp_path / "rt.dcm", [file], ring()[:, :1], REGIONS, algorithm=ALGORITHM)
    assert not (tmp_path / "rt.dcm").exists()


def test_missing_attributes_that_may_be_empty_are_left_empty(sources: ModuleType, tmp_path: Path) -> None:
    files = sources.write_series(tmp_path / "series", depth=1)
    source = pydicom.dcmread(files[0])
    for name in ("PatientBirthDate", "PatientSex", "StudyID", "StudyTime", "AccessionNumber", "ReferringPhysicianName"):
        del source[name]
    source.save_as(files[0])
    write_structures(tmp_path / "rt.dcm", files, ring()[:, :1], REGIONS, algorithm=ALGORITHM)
    assert pydicom.dcmread(tmp_path / "rt.dcm").PatientBirthDate == ""


def test_masks_that_do_not_fit(sources: ModuleType, tmp_path: Path) -> None:
    files = sources.write_series(tmp_path / "series", depth=2)
    for masks, message in (
        (ring()[:, :1], "masks of 1 planes"),
        (ring()[:, :2, :5], "9 x 16"),
        (ring()[:, :2].astype(np.uint8), "bool masks"),
    ):
        with pytest.raises(InputError, match=message):
            write_structures(tmp_path / "rt.dcm", files, masks, REGIONS, algorithm=ALGORITHM)
