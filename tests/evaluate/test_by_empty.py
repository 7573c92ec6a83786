"""GED by the number of empty annotations, beside what the model's own readers would give there."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from atfm.evaluate.by_empty import by_empty
from atfm.evaluate.evaluation import Result
from atfm.evaluate.published import save
from atfm.evaluate.rows import CaseScores
from atfm.metrics.scores import score_case


def drawn(rng: np.random.Generator, odds: float, count: int) -> np.ndarray:
    """Masks of three pixels, of which each is empty with these odds."""
    return (rng.random((count, 1, 1, 3)) < 0.6) & (rng.random((count, 1, 1, 1)) >= odds)


def perfect(cases: int, readers: int = 4, seed: int = 0) -> Result:
    """A model that draws as the readers do, of images whose odds of an empty mask are anything."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(cases):
        odds = rng.random()
        scores = score_case(drawn(rng, odds, 24), drawn(rng, odds, readers), ns=(24,))
        rows.append(CaseScores("law", str(number), str(number), readers, scores))
    return Result("law", rows, {})


def test_a_perfect_model_is_not_0_where_images_are_chosen_by_their_outcome_and_its_own_readers_say_so() -> None:
    lines = by_empty(perfect(1200))
    assert [line.name for line in lines] == ["0 of 4", "1 of 4", "2 of 4", "3 of 4", "4 of 4"]
    assert lines[4].ged.mean > 0.05 and lines[2].ged.mean < -0.03  # what looks like a fault of the model
    for line in lines:
        assert line.ged.mean == pytest.approx(line.own_ged.mean, abs=0.03)
        assert line.cases == pytest.approx(line.own_cases, abs=0.25 * line.cases)
    assert sum(line.cases for line in lines) == sum(line.own_cases for line in lines) == 1200


def test_a_model_that_never_draws_empty_masks_differs_from_its_own_readers() -> None:
    rng = np.random.default_rng(1)
    law = perfect(300, seed=1)
    rows = [replace(row, scores=score_case(np.ones((24, 1, 1, 3)), drawn(rng, 0.5, 4), ns=(24,))) for row in law.rows]
    lines = by_empty(replace(law, rows=rows))
    assert lines[0].own_cases == 300 and all(line.own_ged is None for line in lines[1:])
    assert all(line.ged.mean > 0.1 for line in lines if line.ged is not None and line.name in ("3 of 4", "4 of 4"))


def test_of_many_readers_shares_are_told_in_groups() -> None:
    lines = by_empty(perfect(80, readers=12))
    wanted = ["none", "up to a third", "a third to two thirds", "over two thirds", "all"]
    assert [line.name for line in lines] == [name for name in wanted if name in {line.name for line in lines}]
    counts = {name: 0 for name in wanted}
    for row in perfect(80, readers=12).rows:
        share = row.scores["empty_drawn"]
        name = 0 if share == 0 else 4 if share == 1 else 1 if share <= 1 / 3 else 2 if share <= 2 / 3 else 3
        counts[wanted[name]] += 1
    assert {line.name: line.cases for line in lines if line.cases} == {n: c for n, c in counts.items() if c}


def test_without_empty_annotations_there_is_no_table(evaluation) -> None:
    assert by_empty(evaluation.result) == []


def test_summary_and_page_have_the_table(evaluation, tmp_path: Path) -> None:
    rows = [
        replace(row, scores={**row.scores, "empty_drawn": (number % 5) / 4, "own_empty": 0.25})
        for number, row in enumerate(evaluation.result.rows)
    ]
    result = replace(evaluation.result, rows=rows)
    summary = save(replace(evaluation, result=result), tmp_path, "")
    assert [line["empty"] for line in summary["by_empty"]] == [f"{number} of 4" for number in range(5)]
    assert [line["cases"] for line in summary["by_empty"]] == [6] * 5
    assert [line["own_cases"] for line in summary["by_empty"]] == [0, 30, 0, 0, 0]
    page = (tmp_path / "report.html").read_text()
    assert "GED of its own readers" in page and "2 of 4" in page and "drawn from itself" in page
    assert json.loads((tmp_path / "summary.json").read_text()) == summary
