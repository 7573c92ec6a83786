"""The image that comes with the package: whole, small, told whose it is, of a patient that the weights have seen."""

import hashlib

import numpy as np
import pytest

import atfm
from atfm.data.examples import example, example_names
from atfm.data.pseudonyms import patient_hashes
from atfm.errors import InputError
from atfm.io.images import read_image
from atfm.models import shipped


def test_the_example_is_a_case_with_four_readers_who_differ() -> None:
    case = example().case
    assert case.image.shape == (1, 128, 128) and case.masks.shape == (4, 128, 128)
    areas = (case.masks > 0).sum((1, 2))
    assert sorted(areas.tolist()) == [0, 228, 382, 415]
    assert set(np.unique(case.masks).tolist()) == {0, 1}


def test_its_picture_is_read_as_any_file_is() -> None:
    found = example()
    np.testing.assert_array_equal(read_image(found.path).pixels, found.case.image)


def test_its_attribution_names_source_terms_people_and_changes() -> None:
    told = example().attribution
    for words in (
        "CC BY 3.0",
        "https://creativecommons.org/licenses/by/3.0/",
        "10.7937/K9/TCIA.2015.LO9QL9SX",
        "Armato SG et al.",
        "National Cancer Institute",
        "Changes:",
        "trained on this patient",
    ):
        assert words in told


@pytest.mark.parametrize("name", shipped())
def test_the_shipped_weights_were_trained_on_its_patient(name: str) -> None:
    """It must never be taken from the patients that scores are measured on."""
    assert patient_hashes(example().case.patient_id) & atfm.load(name).patients


def test_it_is_small() -> None:
    found = example()
    assert sum(file.stat().st_size for file in found.path.parent.iterdir()) < 30_000 * len(example_names())


def test_an_unknown_name_is_told_with_those_there_are() -> None:
    with pytest.raises(InputError, match="example 'lung': expected one of nodule"):
        example("lung")


@pytest.mark.real
def test_it_is_the_case_of_the_public_set_byte_for_byte(shared_data) -> None:
    from zipfile import ZipFile

    found = example()
    patient, nodule, number = found.case.case_id.split("/")
    archives = [ZipFile(shared_data / "lidc" / f"train-{part}.zip") for part in (1, 2)]
    folder = f"LIDC-IDRI-slices/{patient}/{nodule}"
    (archive,) = [one for one in archives if f"{folder}/images/{number}.png" in one.namelist()]
    names = {"nodule.png": "images"} | {f"nodule-reader-{k + 1}.png": f"mask-{k}" for k in range(4)}
    for name, there in names.items():
        own = (found.path.parent / name).read_bytes()
        assert hashlib.sha256(own).digest() == hashlib.sha256(archive.read(f"{folder}/{there}/{number}.png")).digest()
