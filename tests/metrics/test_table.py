import io
import math
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from atfm.errors import InputError
from atfm.metrics.energy import ged, ged_n
from atfm.metrics.matching import hm_iou_n, mdm_n
from atfm.metrics.overlap import overlaps
from atfm.metrics.table import METRICS, Interval, always_empty, describe, majority, score_case, summarise

LIDC = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "lidc" / "test.zip"
MASKS = arrays(bool, st.tuples(st.integers(1, 5), st.just(1), st.just(3), st.just(2)))


def test_a_row_holds_every_score_of_every_n(draw) -> None:
    row = score_case(draw(0, 4), draw(1, 3), ns=(1, 4, 8))
    whole = {name for name in METRICS if not name.endswith("_n")} - {"ece"}
    each = {f"{name}_{n}" for n in (1, 4) for name in ("ged", "hm_iou", "mdm", "d_max", "best_k_iou")}
    assert set(row) == whole | each | {"floor_ged_1", "floor_ged_4", "floor_ged_8"}
    assert all(isinstance(value, float) and math.isfinite(value) for value in row.values())


def test_one_drawing_serves_every_n(draw) -> None:
    s, r = draw(2, 9), draw(3, 4)
    row = score_case(s, r, ns=(2, 5, 9))
    for n in (2, 5, 9):
        part = overlaps(s[:n], r)
        assert row[f"ged_{n}"] == ged_n(part.iou.distance)
        assert row[f"hm_iou_{n}"] == hm_iou_n(part.iou.across)
        assert row[f"mdm_{n}"] == mdm_n(part.dice.across)
    assert row["ged"] == ged(overlaps(s, r).iou.distance)


def test_what_does_not_exist_is_absent(draw) -> None:
    one_sample = score_case(draw(0, 1), draw(1, 4), ns=(1, 16))
    assert not {"ged", "diversity", "ncc", "ged_16"} & set(one_sample)
    assert {"ged_1", "annotator_diversity", "floor_ged_16"} <= set(one_sample)
    one_annotator = score_case(draw(0, 4), draw(1, 1), ns=(1, 4))
    assert not {"ged", "annotator_diversity", "ncc", "floor_ged_1"} & set(one_annotator)
    assert {"ged_4", "diversity"} <= set(one_annotator)


def test_identical_sets_are_perfect(draw) -> None:
    r = draw(4, 4)
    row = score_case(r, r, ns=(4,))
    assert row["ged_4"] == pytest.approx(0, abs=1e-12)
    assert row["hm_iou_4"] == row["mdm_4"] == row["best_k_iou_4"] == 1
    assert row["diversity"] == row["annotator_diversity"]
    assert row["ncc"] == pytest.approx(1)


def test_two_classes_score_as_one_binary_mask(draw) -> None:
    s, r, p = draw(5, 6), draw(6, 4), np.random.default_rng(0).random((1, 5, 4))
    classes = score_case(np.hstack([~s, s]), np.hstack([~r, r]), np.concatenate([1 - p, p]))
    assert classes == pytest.approx(score_case(s, r, p))


def test_without_a_probability_the_share_of_the_samples_is_taken(draw) -> None:
    s, r = draw(7, 5), draw(8, 3)
    assert score_case(s, r) == score_case(torch.from_numpy(s), torch.from_numpy(r).float(), s.mean(0))


def test_where_two_empty_masks_disagree_the_floor_follows(draw) -> None:
    """The identity GED_n = GED + (D_s - d_0)/n + (D_r - d_0)/K, d_0 the distance of a mask to itself."""
    r = draw(9, 4)
    r[0] = False
    row = score_case(r, r, ns=(4,), empty=0.0)
    assert row["ged_4"] == pytest.approx(row["ged"] + row["floor_ged_4"])


@pytest.mark.parametrize("n", [0, -1])
def test_no_samples_cannot_be_scored(draw, n: int) -> None:
    with pytest.raises(InputError, match="ns: expected numbers of samples from 1 on"):
        score_case(draw(0, 2), draw(1, 2), ns=(n,))


@given(MASKS, MASKS, st.randoms())
def test_order_changes_no_score_of_all_samples(s: np.ndarray, r: np.ndarray, random) -> None:
    row = score_case(s, r, ns=(len(s),))
    shuffled = s[random.sample(range(len(s)), len(s))], r[random.sample(range(len(r)), len(r))]
    assert score_case(*shuffled, ns=(len(s),)) == pytest.approx(row, abs=1e-9)


def test_every_column_is_described(draw) -> None:
    for name in score_case(draw(0, 4), draw(1, 3)):
        assert describe(name).meaning.endswith(".")
    assert describe("hm_iou_32").higher_is_better and describe("ged_16").higher_is_better is False
    with pytest.raises(InputError, match="got 'patient'"):
        describe("patient")


def test_reference_rows_by_hand() -> None:
    r = np.array([[[1, 1, 0]], [[1, 0, 0]], [[1, 1, 0]], [[0, 0, 0]]], bool)
    assert not always_empty(r, 3).any() and always_empty(r, 3).shape == (3, 1, 3)
    np.testing.assert_array_equal(majority(r, 2), [[[1, 0, 0]], [[1, 0, 0]]])  # two of four are no majority
    row = score_case(always_empty(r, 2), r, ns=(2,))
    assert row["empty_predicted"] == 1 and row["empty_drawn"] == row["hm_iou_2"] == 0.25


def test_reference_rows_of_classes_stay_one_hot() -> None:
    r = np.eye(3, dtype=bool)[[[0, 1, 2], [0, 1, 1], [1, 1, 2]]].swapaxes(1, 2)  # labels [K, P] -> [K, C, P]
    np.testing.assert_array_equal(majority(r, 1)[0].argmax(0), [0, 1, 2])
    assert (always_empty(r, 1).sum(1) == 1).all() and always_empty(r, 1)[:, 0].all()


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
    assert interval == Interval(0.75, 0.0, 1.0, 4)


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
    monkeypatch.setattr("atfm.metrics.table._BLOCK", 60)
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


@pytest.mark.real
def test_the_reference_rows_of_lidc() -> None:
    if not LIDC.is_file():
        pytest.skip(f"no real images: {LIDC} is not there")
    rows = []
    with zipfile.ZipFile(LIDC) as archive:
        images = [name for name in archive.namelist() if "/images/" in name and name.endswith(".png")]
        for name in images[::8]:
            files = [name.replace("/images/", f"/mask-{k}/") for k in range(4)]
            r = np.stack([np.asarray(Image.open(io.BytesIO(archive.read(file)))) > 0 for file in files])[:, None]
            empty, agreed = (score_case(reference(r, 16), r, ns=(16,)) for reference in (always_empty, majority))
            diversity = empty["annotator_diversity"]
            rows.append({"patient": name.split("/")[-4], "d_r": diversity, "e": empty["ged_16"], "m": agreed["ged_16"]})
    table = summarise(rows, seed=0)
    assert table["d_r"].mean == pytest.approx(0.52, abs=0.03)
    assert table["e"].mean == pytest.approx(0.82, abs=0.08)
    assert table["m"].mean == pytest.approx(0.25, abs=0.04)
