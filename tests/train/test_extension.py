"""A run that was begun may get more steps, where no later stage was trained on what these would change."""

import json
from pathlib import Path

import pytest
import torch

from atfm.data.phantom.kinds import phantom_cases
from atfm.errors import CheckpointError, ConfigError
from atfm.fit import Fitted, fit
from atfm.models import load
from atfm.train.cases import Cases
from atfm.train.config import override
from atfm.train.extension import grown
from atfm.train.presets import resolve
from atfm.train.step import schedule

ORDER = ["gtr", "sfm", "energy"]
TINY = {
    "method": {
        "gtr": {"widths": [8], "monte_carlo": 4, "rank": 2},
        "sfm": {"widths": [8], "context_widths": [], "starts": 4, "steps": 2},
    },
    "save_every": 3,
    "validate_every": 100,
}


def stages(*steps: int) -> dict[str, dict[str, int]]:
    return {name: {"steps": count} for name, count in zip(ORDER, steps, strict=True)}


@pytest.mark.parametrize(
    ("before", "now", "done", "changes"),
    [
        ((6, 5, 4), (6, 5, 4), 15, {}),
        ((6, 5, 4), (6, 5, 9), 15, {"energy": [4, 9]}),  # finished
        ((6, 5, 4), (6, 5, 9), 13, {"energy": [4, 9]}),  # in the middle of it
        ((6, 5, 4), (6, 8, 4), 9, {"sfm": [5, 8]}),
        ((6, 5, 4), (6, 8, 4), 11, {"sfm": [5, 8]}),  # at its end: nothing was trained on it yet
        ((6, 5, 4), (9, 8, 7), 0, {"gtr": [6, 9], "sfm": [5, 8], "energy": [4, 7]}),
        ((6, 5, 0), (6, 5, 4), 11, {"energy": [0, 4]}),
        ((6, 0, 4), (6, 2, 4), 6, {"sfm": [0, 2]}),
    ],
)
def test_what_may_grow(before: tuple[int, ...], now: tuple[int, ...], done: int, changes: dict[str, list[int]]) -> None:
    assert grown(stages(*before), stages(*now), ORDER, done) == changes


@pytest.mark.parametrize(
    ("now", "done", "message"),
    [
        ((6, 5, 3), 0, "stages.energy.steps: the run has 4, got 3; give 4 or more"),
        ((7, 5, 4), 7, "stages.gtr.steps: the run has 6 and has gone on to a later stage, got 7; .* sfm, energy"),
        ((6, 6, 4), 15, "stages.sfm.steps: the run has 5 and has gone on .* more steps can go to energy"),
    ],
)
def test_what_may_not_grow(now: tuple[int, ...], done: int, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        grown(stages(6, 5, 4), stages(*now), ORDER, done)


def cases() -> Cases:
    drawn = list(phantom_cases(0, 8, annotators=3))
    return Cases(drawn, [], {"name": "eight"}, [case.patient_id for case in drawn])


def trained(out: Path, *steps: int, decay: str = "none", max_steps: int | None = None, **fields: object) -> Fitted:
    plans = {
        name: {"steps": count, "batch": 4, "warmup": 2, "decay": decay}
        for name, count in zip(ORDER, steps, strict=True)
    }
    config = override(override(resolve("phantom"), TINY), {"stages": plans} | fields)
    return fit(config, cases(), out, device=torch.device("cpu"), max_steps=max_steps)


def assert_equal(run: Path, other: Path) -> None:
    ours, theirs = load(run).method.state_dict(), load(other).method.state_dict()
    assert ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)


@pytest.mark.parametrize(("short", "long"), [((6, 0, 0), (9, 0, 0)), ((4, 3, 2), (4, 3, 5)), ((4, 3, 0), (4, 3, 3))])
def test_a_finished_run_that_is_extended_is_the_longer_one(
    tmp_path: Path, short: tuple[int, ...], long: tuple[int, ...]
) -> None:
    """Bit for bit, where the learning rate does not ask how long the stage is."""
    assert trained(tmp_path / "run", *short).steps == sum(short)
    assert trained(tmp_path / "run", *long).steps == sum(long)
    trained(tmp_path / "straight", *long)
    assert_equal(tmp_path / "run", tmp_path / "straight")


def test_the_learning_rate_follows_the_new_length_from_where_it_stands(tmp_path: Path) -> None:
    """After one step of the longer schedule: the change of a weight is at most the rate that it has there."""
    trained(tmp_path / "run", 6, 0, 0, decay="cosine")
    before = last(tmp_path / "run")
    trained(tmp_path / "run", 30, 0, 0, decay="cosine", max_steps=7)
    after = last(tmp_path / "run")
    moved = max(float((after[name] - before[name]).abs().max()) for name in before)
    plan = resolve("phantom").stages["gtr"].model_copy(update={"steps": 30, "warmup": 2})
    assert 0.2 < moved / (plan.lr * schedule(plan, 6)) < 2, "Adam moves a weight by about its rate"
    assert schedule(plan.model_copy(update={"steps": 6}), 5) < 0.2, "at the end of the shorter one it was far lower"


def last(run: Path) -> dict[str, torch.Tensor]:
    from safetensors.torch import load_file

    tensors = load_file(max(run.glob("checkpoint-*.safetensors")))
    return {name: value for name, value in tensors.items() if name.startswith("method.") and value.is_floating_point()}


def test_an_extension_is_written_down(tmp_path: Path) -> None:
    trained(tmp_path / "run", 4, 0, 0)
    trained(tmp_path / "run", 6, 0, 0)
    trained(tmp_path / "run", 6, 2, 0)
    written = [{"step": 4, "stages": {"gtr": [4, 6]}}, {"step": 6, "stages": {"sfm": [0, 2]}}]
    assert json.loads((tmp_path / "run" / "config.json").read_text())["extended"] == written
    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    told = [{"step": line["step"], "stages": line["extended"]} for line in lines if "extended" in line]
    assert told == written
    card = load(tmp_path / "run").card
    assert card["extended"] == written and card["config"]["stages"]["sfm"]["steps"] == 2
    assert trained(tmp_path / "run", 6, 2, 0).steps == 8, "the same command again finds it complete"
    with pytest.raises(ConfigError, match=r"stages.gtr.steps: the run has 6, got 4"):
        trained(tmp_path / "run", 4, 0, 0)


def test_nothing_else_may_change(tmp_path: Path) -> None:
    trained(tmp_path / "run", 4, 0, 0)
    with pytest.raises(CheckpointError, match=r"another training \(different: config.seed, config.stages.gtr.steps\)"):
        trained(tmp_path / "run", 6, 0, 0, seed=1)
    with pytest.raises(CheckpointError, match=r"another training \(different: config.stages.energy.decay, config.st"):
        trained(tmp_path / "run", 4, 0, 0, decay="cosine")
