"""The parts of sampling are what sampling does."""

from pathlib import Path

import pytest
import torch

from atfm.bench.parts import multiplied, parts
from atfm.bench.stopwatch import Times
from atfm.bench.subject import images, open_subject
from atfm.seeding import Noise


def test_the_field_is_one_euler_step(small: Path) -> None:
    method = open_subject(str(small / "run")).method
    method.steps, method.temperature = 1, 1.0  # type: ignore[union-attr]
    image = images(method, 1)
    step = parts(method, image, 6, rows=4)["field"]()
    drawn = method.sample(image, 6, generator=Noise(0, ["bench"])).probabilities[0, :4]
    torch.testing.assert_close(step, drawn)


def test_the_parts_of_gtr_alone(small: Path) -> None:
    method = open_subject(str(small / "gtr")).method
    calls = parts(method, images(method, 1), 3)
    assert set(calls) == {"gtr", "draw", "threshold"}
    assert calls["threshold"]().masks.shape == (1, 3, 1, 16, 16)  # type: ignore[attr-defined]


def test_the_field_is_multiplied_by_samples_and_steps(small: Path) -> None:
    method = open_subject(str(small / "run")).method
    times = {name: Times((0.5,)) for name in ("gtr", "draw", "threshold", "context", "field")}
    taken = multiplied(method, times, samples=100, rows=2)
    assert taken == {"gtr": 0.5, "draw": 0.5, "threshold": 0.5, "context": 0.5, "flow": pytest.approx(0.5 * 50 * 3)}
