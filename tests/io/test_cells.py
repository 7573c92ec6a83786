"""Cells that a spreadsheet takes as text."""

import pytest

from atfm.io.cells import cell


@pytest.mark.parametrize(
    "text", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1", "-", "+1a"]
)
def test_what_begins_like_a_formula_is_text(text: str) -> None:
    assert cell(text) == "'" + text


@pytest.mark.parametrize("text", ["-1", "+2.5", "-1e-05", "-.5", "0", "", "p-1", "a=b", "LIDC-IDRI-0001/nodule-1"])
def test_numbers_and_names_stay_as_they_are(text: str) -> None:
    assert cell(text) == text
