"""The curve of score against time."""

from pathlib import Path

import pytest
import torch

from atfm.bench.pareto import Scoring, curve, scored
from atfm.bench.subject import images, open_subject
from atfm.data.store import Store
from atfm.errors import ConfigError
from atfm.evaluate.score import evaluate

CPU = torch.device("cpu")


def test_points_are_those_of_the_steps_and_the_model_keeps_its_own(small: Path) -> None:
    subject = open_subject(str(small / "run"))
    points = curve(subject, (4, 1, 2), images(subject.method, 1), 10, repeats=1)
    assert [(point["name"], point["steps"]) for point in points] == [
        ("GTR alone", 0), ("1 step", 1), ("2 steps", 2), ("4 steps", 4)
    ]  # fmt: skip
    gflop = [point["gflop"] for point in points]
    assert gflop[3] - gflop[2] == pytest.approx(2 * (gflop[2] - gflop[1]))
    assert subject.method.steps == 3  # type: ignore[union-attr]


def test_scores_are_those_of_an_evaluation_with_so_many_steps(small: Path, small_store: Store) -> None:
    subject = open_subject(str(small / "run"))
    points = curve(subject, (2,), images(subject.method, 1), 8, repeats=1)
    found = scored(subject, points, Scoring(small_store, "val", seed=3), 8, device=CPU)
    subject.method.steps = 2  # type: ignore[union-attr]
    expected = evaluate(
        subject, small_store, split="val", samples=8, seed=3, compare_with=subject.method.truncation, references=False
    )  # type: ignore[arg-type]
    assert found[1]["scores"]["ged_8"] == expected.result.as_json()["ged_8"]
    assert expected.compared is not None
    assert found[0]["scores"]["ged_8"] == expected.compared.as_json()["ged_8"]
    assert (found[0]["cases"], found[0]["patients"]) == (4, 2)


def test_gtr_alone_is_one_point_and_no_steps_are_refused(small: Path) -> None:
    subject = open_subject(str(small / "gtr"))
    assert len(curve(subject, (1, 2), images(subject.method, 1), 4, repeats=1)) == 1
    flow = open_subject(str(small / "run"))
    with pytest.raises(ConfigError, match="at least 1, got 0"):
        curve(flow, (0,), images(flow.method, 1), 4, repeats=1)
