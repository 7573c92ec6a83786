"""Parametric maps that pydicom, highdicom and SimpleITK read back: the values, where the series lies."""

from pathlib import Path
from types import ModuleType

import highdicom
import numpy as np
import pydicom
import pytest
from highdicom._standard_utils import check_required_attributes, get_iod_module_map

from atfm.errors import InputError
from atfm.io.dicom.parametric import write_parametric_map
from atfm.io.dicom.sources import Algorithm

ALGORITHM = Algorithm("lidc", "0.2.0", {"weights": "0123456789ab", "seed": "7"})
TILTED = [0.8, 0.6, 0.0, 0.0, 0.0, -1.0]


@pytest.mark.parametrize("orientation", [TILTED, [1, 0, 0, 0, 1, 0], [-1, 0, 0, 0, -1, 0]])
def test_values_and_places_come_back(sources: ModuleType, tmp_path: Path, orientation: list[float]) -> None:
    files = sources.write_series(tmp_path / "series", orientation=orientation)
    values = np.random.default_rng(0).random((3, 9, 16)).astype(np.float32)
    values[1] = 0  # a plane of zeros is a plane
    write_parametric_map(
        tmp_path / "map.dcm", files[1:4], values, name="probability", largest=1, algorithm=ALGORITHM, series="atfm p"
    )
    dataset = pydicom.dcmread(tmp_path / "map.dcm")
    planes = np.frombuffer(dataset.FloatPixelData, "<f4").reshape(-1, 9, 16)
    by_place = {
        tuple(map(float, group.PlanePositionSequence[0].ImagePositionPatient)): plane
        for plane, group in zip(planes, dataset.PerFrameFunctionalGroupsSequence, strict=True)
    }
    for file, plane in zip(files[1:4], values, strict=True):
        place = tuple(map(float, pydicom.dcmread(file).ImagePositionPatient))
        np.testing.assert_array_equal(by_place[place], plane)
    shared = dataset.SharedFunctionalGroupsSequence[0]
    assert [float(mm) for mm in shared.PixelMeasuresSequence[0].PixelSpacing] == [0.5, 0.75]
    np.testing.assert_allclose(shared.PlaneOrientationSequence[0].ImageOrientationPatient, orientation)
    volume = highdicom.imread(tmp_path / "map.dcm").get_volume()  # its real-world values, in a second reading
    first = np.array(pydicom.dcmread(files[1]).ImagePositionPatient, float)
    index = np.rint(np.linalg.solve(volume.affine, [*first, 1])[:3]).astype(int)
    np.testing.assert_allclose(volume.array[tuple(index)], values[0, 0, 0], atol=1e-6)
    np.testing.assert_allclose(np.sort(volume.array.ravel()), np.sort(values.ravel()), atol=1e-6)


def test_it_says_what_the_numbers_are(sources: ModuleType, tmp_path: Path) -> None:
    files = sources.write_series(tmp_path / "series")
    values = np.full((5, 9, 16), 1.5, np.float32)
    write_parametric_map(
        tmp_path / "map.dcm", files, values, name="ambiguity", largest=1.585, bits=True, algorithm=ALGORITHM, number=3
    )
    dataset, source = pydicom.dcmread(tmp_path / "map.dcm"), pydicom.dcmread(files[0])
    mapping = dataset.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence[0]
    assert (mapping.LUTLabel, mapping.RealWorldValueSlope, mapping.RealWorldValueIntercept) == ("ambiguity", 1, 0)
    assert mapping.MeasurementUnitsCodeSequence[0].CodeValue == "bit"
    assert (dataset.ContentLabel, dataset.SeriesNumber) == ("AMBIGUITY", source.SeriesNumber * 100 + 3)
    assert dataset.StudyInstanceUID == source.StudyInstanceUID
    assert dataset.SeriesInstanceUID != source.SeriesInstanceUID
    for module in get_iod_module_map()["parametric-map"]:
        if module["usage"] == "M" and not module["key"].startswith(("floating-point", "double", "image-pixel")):
            check_required_attributes(dataset, module["key"], recursive=False)


def test_values_that_are_none_of_a_map(sources: ModuleType, tmp_path: Path) -> None:
    files = sources.write_series(tmp_path / "series", depth=1)
    for values in (np.full((1, 9, 16), 1.1), np.full((1, 9, 16), np.nan), np.ones((1, 9, 16), int)):
        with pytest.raises(InputError, match=r"expected floats \[D, H, W\] in \[0, 1\]"):
            write_parametric_map(
                tmp_path / "map.dcm", files, values, name="probability", largest=1, algorithm=ALGORITHM
            )
