"""The curve of score against time, and its figure."""

from pathlib import Path
from typing import Any

import pytest
import torch

from atfm.bench.contender import images, open_contender
from atfm.bench.pareto import Scoring, curve, pareto_chart
from atfm.data.store import Store
from atfm.errors import ConfigError
from atfm.evaluate.score import evaluate
from atfm.models import load


def test_points_are_those_of_the_steps_and_the_model_keeps_its_own(small: Path) -> None:
    ours = open_contender(str(small / "run"))
    points = curve(ours, (4, 1, 2), images(ours.method, 1), 10, repeats=1)
    assert [(point["name"], point["steps"]) for point in points] == [
        ("gtr alone", None), ("1 step", 1), ("2 steps", 2), ("4 steps", 4)
    ]  # fmt: skip
    gflop = [point["gflop"] for point in points]
    assert gflop[3] - gflop[2] == pytest.approx(2 * (gflop[2] - gflop[1]))
    assert ours.method.steps == 3


def test_scores_are_those_of_an_evaluation_with_so_many_steps(small: Path, small_store: Store) -> None:
    ours = open_contender(str(small / "run"))
    points = curve(ours, (3,), images(ours.method, 1), 8, repeats=1, scoring=Scoring(small_store, "val", seed=3))
    for point, name in zip(points, ("gtr", "run"), strict=True):
        model = load(small / name)
        expected = evaluate(model, small_store, split="val", samples=8, seed=3, references=False)
        assert point["scores"]["ged_8"] == expected.result.as_json()["ged_8"]
        assert (point["cases"], point["patients"]) == (4, 2)


def test_a_method_without_steps_is_one_point_and_no_steps_are_refused(small: Path) -> None:
    alone = open_contender(str(small / "gtr"))
    assert [p["name"] for p in curve(alone, (1, 2), images(alone.method, 1), 4, repeats=1)] == ["as it is"]
    flow = open_contender(str(small / "run"))
    with pytest.raises(ConfigError, match="at least 1, got 0"):
        curve(flow, (0,), torch.rand(1, 1, 16, 16), 4, repeats=1)


def points() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for steps, ged in ((0, 0.3), (1, 0.25), (2, 0.2)):
        low = ged - 0.02 if steps else None
        score = {"mean": ged, "low": low, "high": ged + 0.02 if steps else None}
        floor = {"mean": 0.14, "low": None, "high": None}
        name = f"{steps} steps" if steps else "gtr alone"
        scores = {"ged": score, "ged_100": score, "floor_ged_100": floor}
        found.append({"name": name, "seconds": 0.01 + steps, "scores": scores})
    return found


def test_the_figure_is_an_svg_of_both_scores_and_the_floor() -> None:
    text = pareto_chart(points(), 100)
    for words in ("gtr alone to 2 steps", "GED, unbiased", "GED_100", "seconds for 100 samples"):
        assert words in text
    assert "as many further readers" in text and "perfect" not in text
    assert text.startswith("<svg") and text == pareto_chart(points(), 100), "the same figure twice is the same file"
