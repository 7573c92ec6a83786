"""What a training will hold is told before it begins, and refused where it cannot fit."""

import copy
from pathlib import Path

import pytest
import torch
from torch import nn

from atfm.data.budget import Budget
from atfm.data.phantom.kinds import phantom_cases
from atfm.errors import ConfigError
from atfm.fit import fit
from atfm.train.cases import Cases
from atfm.train.config import Config, override
from atfm.train.counted import Counted, TooMuch
from atfm.train.memory import Memory, check_fits, foreseen, size_of, spoken
from atfm.train.presets import resolve

CPU = torch.device("cpu")
TINY = {
    "method": {"widths": [8], "rank": 2, "monte_carlo": 4},
    "stages": {"gtr": {"steps": 4, "batch": 8, "warmup": 1}},
    "validate_cases": 2,
}


def config(**fields: object) -> Config:
    return override(override(resolve("gtr-phantom"), TINY), fields)


def cases(count: int = 12) -> Cases:
    drawn = list(phantom_cases(0, count))
    return Cases(drawn, [], {"name": "few"}, [case.patient_id for case in drawn])


def told(config: Config, **options: object) -> Memory:
    given = cases()
    train = Budget().open(given.train, 1, CPU)
    method = config.build(in_channels=1, channels=1, size=train.size)
    before = copy.deepcopy(method.state_dict())
    memory = foreseen(method, config.stages, train, None, **options)  # type: ignore[arg-type]
    assert all(torch.equal(value, before[name]) for name, value in method.state_dict().items())
    assert all(parameter.grad is None for parameter in method.parameters())
    return memory


def test_bytes_are_counted_until_they_are_freed() -> None:
    with Counted(None) as counted:
        first = torch.zeros(1000)
        assert counted.now == 4000
        view = first[10:]  # takes nothing
        first.add_(1)
        second = torch.ones(500, dtype=torch.float64)
        assert (counted.now, counted.peak) == (8000, 8000)
        del second
        assert (counted.now, counted.peak) == (4000, 8000)
        del first
        assert counted.now == 4000, "the view holds it"
        del view
    assert counted.now == 0
    with pytest.raises(TooMuch), Counted(10_000):
        torch.zeros(3000)


def test_a_step_is_what_its_forward_and_backward_hold() -> None:
    """Two layers of known sizes: activations and their gradients are there at a time, weights and gradients aside."""
    layers = nn.Sequential(nn.Linear(100, 1000), nn.Tanh(), nn.Linear(1000, 100))
    image = torch.rand(64, 100)
    with Counted(None) as counted:
        layers(image).sum().backward()
    hidden, weights = 64 * 1000 * 4, size_of(layers)
    assert weights + hidden <= counted.peak <= weights + 4 * hidden


def test_the_parts_of_the_whole() -> None:
    memory = told(config())
    method = config().build(in_channels=1, channels=1, size=(32, 32))
    assert memory.weights == 2 * size_of(method)
    assert memory.optimiser == 2 * size_of(method, parameters=True)
    assert memory.cases == 12 * 32 * 32 + 12 * 4 * 32 * 4 and memory.streamed == 0
    assert memory.stage == "gtr" and memory.peak > memory.cases + memory.weights + memory.optimiser + memory.step
    assert str(memory).startswith("about ") and "cases held" in str(memory) and "\n" not in str(memory)


def test_it_grows_with_the_images_of_a_part_and_not_with_the_steps() -> None:
    kernels = told(config(stages={"gtr": {"batch": 2}})).step
    small, large, parts = (
        told(config(stages={"gtr": fields})).step
        for fields in ({"batch": 32}, {"batch": 320}, {"batch": 320, "parts": 10})
    )
    assert large > 5 * (small - kernels) and abs(parts - small) < 0.1 * small
    assert told(config(stages={"gtr": {"steps": 4000}})).step == told(config()).step


def test_nothing_is_measured_of_a_training_that_is_done() -> None:
    memory = told(config(), done=4)
    assert (memory.step, memory.stage, memory.optimiser) == (0, "", 0)


def test_measuring_ends_where_there_is_no_more() -> None:
    memory = told(config(stages={"gtr": {"batch": 4096}}), limit=10_000_000)
    assert memory.step > 10_000_000
    with pytest.raises(ConfigError, match=r"this training holds about .*; 10 MB are free; lower stages.gtr.batch"):
        check_fits(memory, 10_000_000)
    check_fits(memory, None)
    check_fits(memory, memory.peak)


@pytest.mark.parametrize(
    ("free", "message"),
    [
        (10_000, r"cases: 18.4 kB are to be held and 10 kB of memory are free; give --hold"),
        (2_000_000, r"this training holds about .* of memory at most: .* 2 MB are free; lower stages.gtr.batch"),
    ],
)
def test_a_training_that_cannot_fit_is_refused_before_it_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, message: str
) -> None:
    monkeypatch.setattr("atfm.fit.opening.available_bytes", lambda device: free)
    with pytest.raises(ConfigError, match=message):
        fit(config(), cases(), tmp_path / "run", device=CPU)
    assert not (tmp_path / "run").exists()


def test_it_is_said_and_told_in_the_result(tmp_path: Path) -> None:
    said: list[str] = []
    steps: list[int] = []
    fitted = fit(
        config(), cases(), tmp_path / "run", device=CPU, tell=lambda p: steps.append(len(said)), say=said.append
    )
    assert steps[0] == 1 and said[0].startswith("this training holds about ") and fitted.notes == said
    assert fitted.memory["peak"] > fitted.memory["cases"] > 0


@pytest.mark.parametrize(("size", "text"), [(812, "0.812 kB"), (1_240_000_000, "1.24 GB"), (999_700, "1 MB")])
def test_bytes_in_words(size: int, text: str) -> None:
    assert spoken(size) == text
