"""What a training begins from."""

from pathlib import Path

import pytest
import torch

from atfm.data.budget import Budget
from atfm.errors import ConfigError
from atfm.fit import fit
from atfm.fit.beginning import begun, given_models, without_taken
from atfm.methods import StageConfig
from atfm.methods.atfm import ATFMConfig, SFMConfig
from atfm.methods.gtr import GTRConfig
from atfm.train.cases import from_phantom
from atfm.train.config import Config

CONFIG = Config(
    method=ATFMConfig(gtr=GTRConfig(widths=(8,), rank=2), sfm=SFMConfig(widths=(8,), steps=2)),
    stages=dict.fromkeys(("gtr", "sfm"), StageConfig(steps=1, batch=2)) | {"energy": StageConfig(steps=0)},
)


def trained(path: Path, seed: int) -> Path:
    config = CONFIG.model_copy(update={"seed": seed})
    return fit(config, from_phantom(config, cases=4), path, device=torch.device("cpu")).run


def test_each_part_comes_from_where_it_was_named(tmp_path: Path) -> None:
    first, second = trained(tmp_path / "first", 0), trained(tmp_path / "second", 1)
    config = CONFIG.model_copy(update={"seed": 2})
    train = Budget().open(from_phantom(config, cases=4).train, classes=1, device=torch.device("cpu"))
    given = given_models({"sfm": second}, first)
    method, taken = begun(config, train, 1, given)
    found, ours = method.state_dict(), {name: model.method.state_dict() for name, model in given.items()}
    flow = set(taken["sfm"].tensors)
    assert flow and set(taken["from"].tensors) == set(found) - flow
    for name, value in found.items():
        assert torch.equal(value, ours["sfm" if name in flow else "from"][name]), name
    assert any(not torch.equal(ours["sfm"][name], ours["from"][name]) for name in flow)


def test_without_a_model_weights_are_the_seed_s() -> None:
    train = Budget().open(from_phantom(CONFIG, cases=4).train, classes=1, device=torch.device("cpu"))
    states = [begun(CONFIG.model_copy(update={"seed": seed}), train, 1, {})[0].state_dict() for seed in (3, 3, 4)]
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())
    assert any(not torch.equal(value, states[2][name]) for name, value in states[0].items())


def test_a_stage_that_is_taken_makes_no_steps() -> None:
    config = without_taken(CONFIG, {"gtr": "anything"})
    assert {name: stage.steps for name, stage in config.stages.items()} == {"gtr": 0, "sfm": 1, "energy": 0}
    with pytest.raises(ConfigError, match="has the stages gtr, sfm, energy"):
        without_taken(CONFIG, {"presence": "anything"})
