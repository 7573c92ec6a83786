"""Images that lack what they may lack, or say it in words that highdicom refuses, can be referred to all the same."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from atfm.errors import AtfmWarning, InputError
from atfm.io.dicom.parametric import write_parametric_map
from atfm.io.dicom.segmentation import write_segmentation
from atfm.io.dicom.sources import Algorithm, Sources
from atfm.io.dicom.structures import Region, write_structures

ALGORITHM = Algorithm("m", "1", {"weights": "0" * 16})
TYPE_2 = (
    *("PatientID", "PatientName", "PatientBirthDate", "PatientSex", "StudyID", "StudyDate", "StudyTime"),
    *("AccessionNumber", "ReferringPhysicianName", "PositionReferenceIndicator", "SeriesNumber", "InstanceNumber"),
)


def without(*keywords: str) -> Callable[[Dataset], None]:
    def edit(dataset: Dataset) -> None:
        for keyword in keywords:
            if keyword in dataset:
                del dataset[keyword]

    return edit


def odd(dataset: Dataset) -> None:
    dataset.PatientSex, dataset.PatientBirthDate, dataset.StudyTime = "X", "19", "noon"


def japanese(dataset: Dataset) -> None:
    dataset.SpecificCharacterSet, dataset.PatientName = ["", "ISO 2022 IR 87"], "Yamada^Tarou=山田^太郎"


def written(sources: ModuleType, folder: Path, edit: Callable[[Dataset], None]) -> list[Dataset]:
    """A segmentation, a map and a structure set of an edited series."""
    files = sources.write_series(folder / "series", depth=3)
    for file in files:
        dataset = pydicom.dcmread(file)
        edit(dataset)
        dataset.save_as(file)
    masks = np.random.default_rng(0).random((1, 3, 9, 16)) > 0.5
    write_segmentation(folder / "seg.dcm", files, masks, ["a"], [""], algorithm=ALGORITHM)
    values = masks[0].astype(np.float32)
    write_parametric_map(folder / "pm.dcm", files, values, name="p", largest=1, algorithm=ALGORITHM)
    write_structures(folder / "rt.dcm", files, masks, [Region("a", "", (1, 2, 3))], algorithm=ALGORITHM)
    return [pydicom.dcmread(folder / name) for name in ("seg.dcm", "pm.dcm", "rt.dcm")]


@pytest.mark.parametrize("edit", [without(*TYPE_2), without("SOPClassUID")], ids=["type 2", "class"])
def test_they_can_be_referred_to(sources: ModuleType, tmp_path: Path, edit: Callable[[Dataset], None]) -> None:
    for dataset in written(sources, tmp_path, edit):
        assert "SOPClassUID" in dataset and "PatientSex" in dataset


@pytest.mark.filterwarnings("ignore:Invalid value for VR")
def test_values_that_are_none_are_emptied_and_said(sources: ModuleType, tmp_path: Path) -> None:
    with pytest.warns(AtfmWarning) as told:
        found = written(sources, tmp_path, odd)
    assert {str(one.message).split(" '")[0] for one in told if one.category is AtfmWarning} == {
        "PatientSex",
        "PatientBirthDate",
        "StudyTime",
    }
    assert all(dataset.PatientBirthDate in ("", None) and dataset.PatientSex in ("", None) for dataset in found)


def test_letters_are_kept(sources: ModuleType, tmp_path: Path) -> None:
    for dataset in written(sources, tmp_path, japanese):
        assert dataset.PatientName == "Yamada^Tarou=山田^太郎"


def test_a_thickness_that_is_missing_is_the_distance(sources: ModuleType, tmp_path: Path) -> None:
    segmentation, *_ = written(sources, tmp_path, without("SliceThickness"))
    measures = segmentation.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    assert float(measures.SliceThickness) == pytest.approx(2.5)


@pytest.mark.parametrize("keyword", ["StudyInstanceUID", "FrameOfReferenceUID", "PixelSpacing"])
def test_what_cannot_be_made_up_is_asked_for(sources: ModuleType, tmp_path: Path, keyword: str) -> None:
    with pytest.raises(InputError, match="choose another --format"):
        written(sources, tmp_path, without(keyword))


def test_no_image_is_refused() -> None:
    with pytest.raises(InputError, match="at least one DICOM image"):
        Sources([])
