import math

import numpy as np
import pytest
from scipy.special import stdtrit

from atfm.errors import InputError
from atfm.metrics.scores import score_case
from atfm.metrics.table import METRICS, Interval, describe, summarise


def test_every_column_is_described(draw) -> None:
    for name in score_case(draw(0, 4), draw(1, 3)):
        assert describe(name).meaning.endswith(".")
    assert describe("hm_iou_32").higher_is_better and describe("ged_16").higher_is_better is False
    assert describe("ged_16/2") is describe("ged_16/liver") is METRICS["ged_n"]
    assert describe("crps_area/2") is METRICS["crps_area"]
    with pytest.raises(InputError, match="got 'patient'"):
        describe("patient")


def rows_of(values: np.ndarray) -> list[dict[str, object]]:
    return [{"patient": str(p), "case": f"{p}-{c}", "ged": v} for p, vs in enumerate(values) for c, v in enumerate(vs)]


def test_the_bootstrap_against_the_closed_form() -> None:
    """The mean of independent patients: standard error std / sqrt(patients), normal interval."""
    values = np.random.default_rng(0).normal(1, 0.5, (400, 1))
    interval = summarise(rows_of(values), seed=1, resamples=4000)["ged"]
    half = 1.96 * values.std() / np.sqrt(400)
    assert interval.mean == pytest.approx(values.mean())
    assert interval.low == pytest.approx(values.mean() - half, abs=half / 10)
    assert interval.high == pytest.approx(values.mean() + half, abs=half / 10)


def test_cases_of_one_patient_do_not_narrow_the_interval() -> None:
    values = np.random.default_rng(0).random((30, 1))
    once, often = summarise(rows_of(values), seed=1)["ged"], summarise(rows_of(values.repeat(9, 1)), seed=1)["ged"]
    assert (often.low, often.high) == pytest.approx((once.low, once.high)) and often.cases == 270


def test_patients_with_more_cases_weigh_more() -> None:
    rows = [{"patient": "a", "ged": 1.0}] * 3 + [{"patient": "b", "ged": 0.0}]
    interval = summarise(rows, seed=0)["ged"]
    arm = stdtrit(1, 0.975) * np.sqrt(2 * ((3 - 0.75 * 3) ** 2 + 0.75**2)) / 4  # two patients: Student's t
    assert interval.mean == 0.75 and interval.cases == 4
    assert (interval.low, interval.high) == pytest.approx((0.75 - arm, 0.75 + arm))


def test_an_absent_score_does_not_count() -> None:
    rows = [{"p": 1, "ged": 0.5, "ncc": 0.1}, {"p": 2, "ged": 0.1, "ncc": None}, {"p": 3, "ged": 0.3}]
    table = summarise(rows, groups="p", seed=0)
    assert list(table) == ["ged", "ncc"]
    assert table["ncc"] == Interval(0.1, None, None, 1) and str(table["ncc"]) == "0.100"
    assert table["ged"].cases == 3 and table["ged"].mean == pytest.approx(0.3)


def test_the_seed_decides_and_blocks_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = rows_of(np.random.default_rng(2).random((20, 2)))
    table = summarise(rows, seed=5)
    assert table != summarise(rows, seed=6)
    monkeypatch.setattr("atfm.metrics.bootstrap._BLOCK", 60)
    again = summarise(rows, seed=5)
    assert (again["ged"].low, again["ged"].high) == pytest.approx((table["ged"].low, table["ged"].high))


def test_a_higher_confidence_is_wider() -> None:
    rows = rows_of(np.random.default_rng(3).random((20, 2)))
    wide, narrow = (summarise(rows, seed=0, confidence=c)["ged"] for c in (0.99, 0.8))
    assert wide.low < narrow.low < narrow.mean < narrow.high < wide.high


def test_no_rows_no_table() -> None:
    assert summarise([], seed=0) == {}


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"ged": 0.1}, "row 0: expected a column 'patient'"),
        ({"patient": "a", "ged": math.nan}, "row 0: ged: expected a finite number, got nan"),
    ],
)
def test_rows_that_cannot_be_averaged_are_named(row: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        summarise([row], seed=0)


def test_confidence_is_a_share() -> None:
    with pytest.raises(InputError, match="expected 0 to 1"):
        summarise([], seed=0, confidence=95)
