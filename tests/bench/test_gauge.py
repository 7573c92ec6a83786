"""Time and memory."""

import time
from collections.abc import Callable
from functools import partial

import pytest
import torch

from atfm.bench.gauge import alternate, peak_memory

CPU = torch.device("cpu")


def test_calls_take_turns_and_the_first_round_does_not_count() -> None:
    order = []

    def call(name: str, first: float) -> Callable[[], object]:
        def run() -> None:
            time.sleep(first if name not in order else 0)
            order.append(name)

        return run

    found = alternate({"a": call("a", 0.2), "b": call("b", 0.2)}, CPU, repeats=2)
    assert order == ["a", "b"] * 3
    assert all(0 < value < 0.1 for value in found.values())


def test_the_peak_is_that_of_the_call() -> None:
    found = peak_memory(partial, torch.ones, 75_000_000, device="cpu")
    assert found["peak_mb"] - found["before_mb"] == pytest.approx(300, abs=20)
