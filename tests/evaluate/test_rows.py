import csv
import io
import json

import pytest

from atfm.evaluate.rows import CaseScores, Entry, columns, rows_text
from atfm.metrics.reliability import ReliabilityBins

ROWS = [CaseScores("atfm", f"c{number}", "p, of \u00e4", 4, {"ged": number / 3}) for number in range(3)]


def test_rows_come_back() -> None:
    found = list(csv.DictReader(io.StringIO(rows_text(ROWS, ["ged", "ncc"]), newline="")))
    assert [row["case_id"] for row in found] == ["c0", "c1", "c2"]
    assert found[0]["patient_id"] == "p, of \u00e4" and found[0]["annotators"] == "4"
    assert float(found[1]["ged"]) == pytest.approx(1 / 3, abs=1e-6)
    assert found[0]["ncc"] == "", "a score that does not exist is blank"


def test_cells_are_no_formulas_and_numbers_stay_numbers() -> None:
    rows = [
        CaseScores("=m", "=HYPERLINK(A1)", "@p", 4, {"ncc": -0.25}),
        CaseScores("m", "-12", "\tp", 2, {"ncc": 1e-9}),
    ]
    first, second = csv.DictReader(io.StringIO(rows_text(rows, ["ncc"]), newline=""))
    assert list(first.values()) == ["'=m", "'=HYPERLINK(A1)", "'@p", "4", "-0.25"]
    assert list(second.values()) == ["m", "-12", "'\tp", "2", "1e-09"]


def test_an_entry_survives_json_to_the_last_bit() -> None:
    bins = ReliabilityBins()
    bins.update([[0.1, 0.7]], [[[0, 1]]])
    entry = Entry(3, "c", "p", 4, {"atfm": {"ged": 0.1 + 0.2, "ged_16": 1 / 3}}, {"atfm": bins.state_dict()}, 0.25)
    back = Entry.from_json(json.loads(json.dumps(entry.as_json())))
    assert back == entry and back.row("atfm") == CaseScores("atfm", "c", "p", 4, {"ged": 0.1 + 0.2, "ged_16": 1 / 3})


def test_columns_name_every_score() -> None:
    names = columns([1, 16])
    assert {"ged", "ged_1", "ged_16", "floor_ged_16", "hm_iou_16", "diversity"} <= set(names)
    assert not {"ece", "ged_n", "effective_samples"} & set(names)
    assert columns([1, 16], weighted=True) == [*names, "effective_samples"]
