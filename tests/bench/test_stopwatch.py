"""The order of the calls, the warm-up, and what is told of the times."""

import time

import pytest
import torch

from atfm.bench.stopwatch import Times, alternate, seconds

CPU = torch.device("cpu")


def test_calls_take_turns_and_the_warm_up_does_not_count() -> None:
    order: list[str] = []
    times = alternate({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, CPU, repeats=3, warmup=2)
    assert order == ["a", "b"] * 5
    assert {name: len(found.runs) for name, found in times.items()} == {"a": 3, "b": 3}


def test_a_call_takes_as_long_as_it_takes() -> None:
    assert 0.02 <= seconds(lambda: time.sleep(0.02), CPU) < 5


def test_the_median_and_the_ends() -> None:
    times = Times((3.0, 1.0, 2.0, 9.0, 2.5))
    assert times.median == 2.5
    assert times.as_json(scale=2) == {"median": 5.0, "fastest": 2.0, "slowest": 18.0, "runs": 5}
    assert Times((1.0, 2.0)).median == pytest.approx(1.5)
