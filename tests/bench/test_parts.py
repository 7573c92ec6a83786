"""A ratio of operations is told by its parts."""

from dataclasses import replace
from pathlib import Path

import pytest

from atfm.bench.contender import Contender, fresh, open_contender
from atfm.bench.operations import count_operations
from atfm.bench.parts import parts_of
from atfm.train.config import override


def other_of(small: Path, **fields) -> Contender:
    other = open_contender(str(small / "other.toml"), size=(16, 16), preset=True)
    config = override(other.config, fields) if fields else other.config
    return replace(other, config=config, method=fresh(config, size=(16, 16)).eval())


def ours_of(small: Path, window: tuple[int, ...]) -> Contender:
    ours = open_contender(str(small / "run"))
    config = override(ours.config, {"window": list(window)})
    return replace(ours, config=config, method=fresh(config, size=(16, 16)).eval())


def test_the_parts_multiply_to_the_ratio(small: Path) -> None:
    ours, other = ours_of(small, (8, 8)), other_of(small)
    parts = parts_of(ours, other, 100)
    ratio = count_operations(other.method).total(100) / count_operations(ours.method).total(100)
    assert parts["window"] * parts["steps"] * parts["networks"] == pytest.approx(ratio)
    assert parts["window"] == pytest.approx(4, rel=0.1), "a quarter of the pixels, a quarter of the cost"
    assert parts["steps"] == pytest.approx(5 / 3, rel=0.05) and "note" not in parts
    assert parts["from"] == {"window": [16, 16], "steps": 5} and parts["to"] == {"window": [8, 8], "steps": 3}


def test_on_one_window_with_as_many_steps_the_networks_are_all(small: Path) -> None:
    ours = open_contender(str(small / "run"))
    parts = parts_of(ours, other_of(small, method={"sfm": {"steps": 3}}), 10)
    assert parts["window"] == parts["steps"] == 1 and parts["networks"] > 1


def test_a_window_that_the_other_cannot_look_at_is_told(small: Path) -> None:
    ours = ours_of(small, (8, 8))
    other = other_of(small, method={"gtr": {"widths": [4] * 4}, "sfm": {"widths": [4] * 4}})
    parts = parts_of(ours, other, 10)
    assert parts["window"] == 1 and "cannot look at our window" in parts["note"]
