"""Both models side by side."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch

from atfm.bench.contender import open_contender
from atfm.bench.operations import count_operations
from atfm.bench.sampling import Request, compare
from atfm.errors import ConfigError, InputError

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def watched() -> list[tuple[Any, ...]]:
    return []


@pytest.fixture(scope="module")
def result(small: Path, watched: list[tuple[Any, ...]]) -> dict[str, Any]:
    def peak(prepare: Any, *arguments: Any, device: str) -> dict[str, float]:  # test_gauge.py measures
        watched.append(arguments)
        prepare(*arguments)()
        return {"before_mb": 100.0, "peak_mb": 100.0 + len(watched)}

    def clock(runs: dict[str, partial], device: torch.device, *, repeats: int) -> dict[str, float]:
        """As if reading an image took 5 seconds, a sample 1, and an evaluation of it 10."""
        took = {}
        for name, run in runs.items():
            run()
            samples, steps = run.args[1], run.func.__self__.steps
            took[name] = 5.0 + samples * (1 + 10 * steps)
        return took

    request = Request(str(small / "run"), str(small / "other.toml"), samples=20, repeats=2, batch=3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("atfm.bench.sampling.peak_memory", peak)
        patch.setattr("atfm.bench.sampling.alternate", clock)
        return compare(request, CPU)


def test_the_others_time_is_multiplied_from_a_few_samples_and_steps(result: dict[str, Any]) -> None:
    assert result["ours"]["seconds"] == 5 + 20 * (1 + 10 * 3)
    assert result["other"]["seconds"] == pytest.approx(5 + 20 * (1 + 10 * 5))
    assert result["other"]["measured"] == {
        "1 samples, 1 steps": 16, "2 samples, 1 steps": 27, "2 samples, 2 steps": 47
    }  # fmt: skip


def test_each_has_its_four_numbers_and_the_ratios_are_theirs(result: dict[str, Any]) -> None:
    for name, key in (
        ("operations", "gflop"),
        ("time", "seconds"),
        ("parameters", "parameters"),
        ("memory", "peak_mb"),
    ):
        assert result["ratio"][name] == pytest.approx(result["other"][key] / result["ours"][key])
    assert result["ours"]["batch"]["images"] == 3 and result["ours"]["batch"]["seconds"] > 0


def test_the_operations_are_counted_for_the_size_of_ours(small: Path, result: dict[str, Any]) -> None:
    other = open_contender(str(small / "other.toml"), size=(16, 16), preset=True)
    assert result["size"] == [16, 16] and not result["other"]["trained"]
    assert result["other"]["gflop"] == pytest.approx(count_operations(other.method).total(20) / 1e9)
    assert result["other"]["parameters"] == other.parameters


def test_memory_is_asked_for_all_samples_of_ours_and_a_few_of_the_others(
    small: Path, result: dict[str, Any], watched: list[tuple[Any, ...]]
) -> None:
    run, other = str(small / "run"), str(small / "other.toml")
    assert watched == [(run, 20, 1, "cpu"), (other, 2, 1, "cpu", (16, 16), 1), (run, 20, 3, "cpu")]
    assert (result["ours"]["peak_mb"], result["other"]["peak_mb"], result["ours"]["batch"]["peak_mb"]) == (
        101,
        102,
        103,
    )


def test_a_method_without_steps_can_be_compared_too(small: Path) -> None:
    request = Request(str(small / "run"), "gtr-phantom", samples=4, repeats=1, batch=0, memory=False)
    found = compare(request, CPU)
    assert found["other"]["steps"] is None and list(found["other"]["measured"]) == [
        "1 samples, 0 steps",
        "2 samples, 0 steps",
    ]
    assert "memory" not in found["ratio"] and "batch" not in found["ours"]
    whole = compare(Request(str(small / "gtr"), "gtr-phantom", 4, 1, 0, 0, False), CPU)
    assert whole["other"]["seconds"] == whole["other"]["measured"]["4 samples, 0 steps"]


def test_numbers_and_names_that_cannot_be_are_refused(small: Path) -> None:
    with pytest.raises(InputError, match="expected at least 1, 1 and 0, got 100, 0 and 64"):
        Request(repeats=0)
    with pytest.raises(InputError, match="2 to all 3 samples, got 4"):
        Request(samples=3, few=4)
    with pytest.raises(ConfigError, match="paperr"):
        compare(Request(str(small / "run"), "paperr"), CPU)
