"""Both models side by side."""

from pathlib import Path

import pytest
import torch

from atfm.bench.comparison import Request, compare
from atfm.bench.memory import MemoryRequest
from atfm.bench.operations import count_operations
from atfm.bench.subject import open_subject
from atfm.errors import ConfigError, InputError

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def watched() -> list[MemoryRequest]:
    return []


@pytest.fixture(scope="module")
def result(small: Path, watched: list[MemoryRequest]) -> dict:
    def peak(request: MemoryRequest) -> dict[str, float]:  # test_memory.py measures; a process takes its time
        watched.append(request)
        return {"before_mb": 100.0, "peak_mb": 100.0 + request.samples * request.images}

    request = Request(str(small / "run"), str(small / "other.toml"), samples=20, repeats=2, batch=3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("atfm.bench.comparison.peak_memory", peak)
        return compare(request, CPU)


def test_each_has_its_four_numbers_and_the_ratios_are_theirs(result: dict) -> None:
    ours, paper, ratio = result["ours"], result["paper"], result["ratio"]
    assert {"gflop_20", "seconds_20", "parameters", "peak_mb"} <= ours.keys() & paper.keys()
    assert ratio["operations"] == pytest.approx(paper["gflop_20"] / ours["gflop_20"])
    assert ratio["time"] == pytest.approx(paper["seconds_20"] / ours["seconds_20"])
    assert ratio["memory"] == pytest.approx(paper["peak_mb"] / ours["peak_mb"])
    assert ratio["batch_time"] == pytest.approx(paper["batch3"]["seconds_20"] / ours["batch3"]["seconds_20"])


def test_the_papers_time_is_a_few_sample_steps_multiplied(result: dict) -> None:
    paper = result["paper"]
    flow = paper["field_seconds"]["median"] * 10 * 5  # 20 samples, 2 at a time, 5 steps
    assert paper["seconds_parts"]["flow"] == pytest.approx(flow)
    assert paper["seconds_20"] == pytest.approx(sum(paper["seconds_parts"].values()))
    assert paper["batch3"]["seconds_20"] == pytest.approx(3 * paper["seconds_20"])
    assert paper["evaluations"] == 5 and result["ours"]["evaluations"] == 3
    assert any("multiplied by 20 / 2 x 5" in sentence for sentence in result["how"])


def test_the_operations_are_counted_for_the_size_of_ours(small: Path, result: dict) -> None:
    other = open_subject(str(small / "other.toml"), size=(16, 16), fresh=True)
    assert result["size"] == [16, 16] and not result["paper"]["trained"]
    operations = count_operations(other.method)
    assert result["paper"]["gflop_20"] == pytest.approx(operations.total(20) / 1e9)
    assert result["paper"]["batch3"]["gflop_20"] == pytest.approx(operations.total(20, 3) / 1e9)
    assert result["paper"]["parameters"] == other.parameters


def test_memory_is_asked_for_all_samples_of_ours_and_a_few_of_the_papers(
    result: dict, watched: list[MemoryRequest]
) -> None:
    ours, paper, batch = watched
    assert (ours.samples, ours.images, ours.steps) == (20, 1, None)
    assert (paper.samples, paper.images, paper.steps, paper.size, paper.fresh) == (2, 1, 1, (16, 16), True)
    assert (batch.name, batch.samples, batch.images) == (ours.name, 20, 3)
    assert (result["ours"]["peak_mb"], result["paper"]["peak_mb"]) == (120, 102)
    assert result["ours"]["batch3"]["peak_mb"] == 160


def test_gtr_alone_can_be_compared_too(small: Path) -> None:
    request = Request(str(small / "gtr"), str(small / "other.toml"), samples=4, repeats=1, batch=0, memory=False)
    found = compare(request, CPU)
    assert found["ours"]["evaluations"] == 0 and "memory" not in found["ratio"] and "batch_time" not in found["ratio"]


def test_numbers_and_names_that_cannot_be_are_refused(small: Path) -> None:
    with pytest.raises(InputError, match="repeats: expected at least 1, got 0"):
        Request(repeats=0)
    with pytest.raises(InputError, match="at most the 3 samples, got 4"):
        Request(samples=3, sample_steps=4)
    with pytest.raises(ConfigError, match="paperr"):
        compare(Request(str(small / "run"), "paperr"), CPU)
