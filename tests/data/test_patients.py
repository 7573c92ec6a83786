"""Ids in other spellings are one id, and different numbers stay different."""

import pytest

from atfm.data.patients import are_known, normal_id, spelled_alike


@pytest.mark.parametrize(
    "other", ["lidc-idri-0001", "LIDC_IDRI_1", "LidcIdri 01", "LIDC-IDRI-1 ", "LIDC\u2013IDRI\u20130001"]
)
def test_letter_case_separators_and_filling_zeros_do_not_count(other) -> None:
    assert normal_id(other) == normal_id("LIDC-IDRI-0001") == "lidcidri1"


@pytest.mark.parametrize(
    ("one", "other"),
    [("1-23", "12-3"), ("p1", "p10"), ("p0", "p"), ("a1b", "a1-2b"), ("p-1", "q-1"), ("100", "10"), ("1_1", "11")],
)
def test_other_patients_stay_others(one, other) -> None:
    assert normal_id(one) != normal_id(other)


def test_what_has_no_letters_stays_as_it_is() -> None:
    assert (normal_id("---"), normal_id("0"), normal_id("000"), normal_id("")) == ("---", "0", "0", "")


def test_spellings_are_grouped() -> None:
    assert spelled_alike(["P01", "p1", "P2", "p-1", "P01"]) == [["P01", "p1", "p-1"]]


def test_of_old_files_nothing_is_assumed() -> None:
    assert are_known(None) and are_known("from names") and not are_known("assumed one per case")
