"""The row of other readers, and the bounds of what a model can reach, as a reader of the report sees them."""

from dataclasses import replace
from pathlib import Path

import pytest

from atfm.evaluate.floor import best_floor, in_sentences
from atfm.evaluate.present import score_rows
from atfm.evaluate.published import save
from atfm.evaluate.score import evaluate
from atfm.metrics.floor import floor_of


def test_the_best_model_bounds_the_floor(evaluation) -> None:
    best = best_floor(evaluation)
    rows = [{"patient": row.patient_id, **row.scores} for row in evaluation.result.rows]
    assert best.method == "discs" and best.floor == floor_of(rows, seed=evaluation.seed)
    other = replace(evaluation, result=evaluation.beside[0], beside=[evaluation.result])
    assert best_floor(other) == best  # not by its place
    text = " ".join(in_sentences(best))
    assert f"at most {best.floor.above}, which Discs has" in text and f"at least about {best.floor.below}" in text


def test_no_row_says_that_a_perfect_model_has_ged_0(evaluation, tmp_path: Path) -> None:
    readers = score_rows(evaluation, dict)[-1]
    d_rr = evaluation.result.scores["annotator_diversity"]
    assert readers.name == "Other readers" and "need not reach" in readers.note
    assert readers.scores["d_sr"] == readers.scores["diversity"] == d_rr and readers.scores["ged"].mean == 0
    summary = save(evaluation, tmp_path, "")
    page = (tmp_path / "report.html").read_text()
    assert "perfect model" not in page.lower() and "GED by its parts" in page and "at most" in page
    for name in ("D<sub>sr</sub>", "D<sub>ss</sub>", "D<sub>rr</sub>", "GED, presence", "GED, shape"):
        assert name in page
    assert summary["floor"]["method"] == "discs" and set(summary["floor"]) == {"method", "above", "below", "share"}


def test_parts_are_columns_of_every_case(evaluation) -> None:
    for result in evaluation.results:
        for row in result.rows:
            s = row.scores
            assert s["ged"] == pytest.approx(2 * s["d_sr"] - s["diversity"] - s["annotator_diversity"])
            assert s["ged"] == pytest.approx(s["ged_presence"] + s["ged_shape"])


def test_few_patients_are_warned_of(evaluation, store, discs, model) -> None:
    assert any("10 patients are few" in warning for warning in evaluation.warnings)
    one = evaluate(model(discs), store, samples=4, limit=1, references=False)  # of one patient no interval exists
    assert not any("are few" in warning for warning in one.warnings)
