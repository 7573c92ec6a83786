"""How right the share of empty masks is: in the summary, on the page, and as text."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from atfm.cli.evaluate_text import show
from atfm.evaluate.empty_shares import empty_shares, in_sentences
from atfm.evaluate.evaluation import Evaluation
from atfm.evaluate.published import save


@pytest.fixture
def denied(evaluation: Evaluation) -> Evaluation:
    """The same with readers who left some masks empty, and a model that says .3 of every image."""
    rows = [
        replace(row, scores={**row.scores, "empty_drawn": (number % 5) / 4, "empty_predicted": 0.3})
        for number, row in enumerate(evaluation.result.rows)
    ]
    return replace(evaluation, result=replace(evaluation.result, rows=rows))


def test_without_empty_annotations_nothing_is_said(evaluation: Evaluation, tmp_path: Path) -> None:
    assert empty_shares(evaluation) == {} and in_sentences({}, {}) == []
    summary = save(evaluation, tmp_path, "")
    assert summary["empty_calibration"] == {}
    assert "by chance" not in show(summary)
    assert "Is the share of empty masks right?" not in (tmp_path / "report.html").read_text()


def test_summary_page_and_text_say_how_right_the_share_is(denied: Evaluation, tmp_path: Path) -> None:
    summary = save(denied, tmp_path, "")
    one = summary["empty_calibration"][denied.result.name]
    assert set(summary["empty_calibration"]) == {denied.result.name, *(result.name for result in denied.beside)}
    assert one["predicted"] == pytest.approx(0.3) and one["drawn"] == pytest.approx(0.5)
    assert one["ece"] == pytest.approx(0.2) and one["excess"]["mean"] == pytest.approx(-0.2)
    assert one["bins"] == [{"images": 30, "predicted": pytest.approx(0.3), "drawn": pytest.approx(0.5)}]
    assert json.loads((tmp_path / "summary.json").read_text()) == summary
    page = (tmp_path / "report.html").read_text()
    assert "expected calibration error 0.200 (by chance" in page and "Is the share of empty masks right?" in page
    (line,) = [line for line in show(summary).splitlines() if line.startswith(denied.result.name) and "<=" in line]
    assert line.split()[1:4] == ["0.300", "0.500", "0.200"]
