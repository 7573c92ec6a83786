"""GECO along a training: it moves once a step, whatever its parts, and a resumed training is the same one."""

from pathlib import Path

import pytest
import torch

from atfm.data.phantom.kinds import phantom_cases
from atfm.fit import fit
from atfm.models import load
from atfm.train.cases import Cases
from atfm.train.config import override
from atfm.train.presets import presets


@pytest.fixture(scope="module")
def cases() -> Cases:
    drawn = list(phantom_cases(0, 10, annotators=3))
    return Cases(drawn[:8], drawn[8:], {"name": "ten"}, [case.patient_id for case in drawn[:8]])


def trained(out: Path, cases: Cases, *stops: int | None) -> dict[str, torch.Tensor]:
    tiny = {
        "method": {"widths": [4, 6], "latents": [1], "convs": 1, "hardest": 0.2},
        "stages": {"hpunet": {"steps": 6, "batch": 4, "parts": 2, "warmup": 1, "ema": 0.0}},
        "save_every": 4,
    }
    config = override(presets()["hpunet-phantom"], tiny)
    for stop in stops:
        fit(config, cases, out, device=torch.device("cpu"), max_steps=stop)
    return load(out).method.state_dict()


def test_it_moves_once_a_step_and_goes_on_where_it_stopped(cases: Cases, tmp_path: Path) -> None:
    straight, resumed = trained(tmp_path / "a", cases, None), trained(tmp_path / "b", cases, 3, 5, None)
    assert int(straight["geco.steps"]) == 6
    assert straight["geco.log_multiplier"] > 0, "the constraint is broken at first"
    assert straight.keys() == resumed.keys() and all(torch.equal(straight[name], resumed[name]) for name in straight)
