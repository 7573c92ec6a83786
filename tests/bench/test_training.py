"""Training throughput."""

from pathlib import Path

import pytest
import torch

from atfm.bench.contender import open_contender
from atfm.bench.training import training_speed

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("atfm.train.clock._LEAST", 0.0)


def test_every_stage_that_is_trained_is_timed_and_the_weights_stay(small: Path) -> None:
    ours = open_contender(str(small / "run"))
    before = {name: value.clone() for name, value in ours.method.state_dict().items()}
    found = training_speed(ours.config, ours.method, CPU, steps=1)
    assert list(found) == ["gtr", "sfm", "energy"]
    for stage in found.values():
        assert stage["images_per_second"] == pytest.approx(2 / stage["seconds_per_step"])
    assert all(torch.equal(value, before[name]) for name, value in ours.method.state_dict().items())


def test_a_stage_without_steps_is_left_out_and_the_batch_may_be_another(small: Path) -> None:
    ours = open_contender(str(small / "run"))
    stages = ours.config.stages | {"energy": ours.config.stages["energy"].model_copy(update={"steps": 0})}
    found = training_speed(ours.config.model_copy(update={"stages": stages}), ours.method, CPU, steps=1, batch=3)
    assert {name: stage["batch"] for name, stage in found.items()} == {"gtr": 3, "sfm": 3}
