"""Real trainings of a tiny method: resuming is bit-equal, stages are frozen, a kill loses nothing reported."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from atfm.errors import CheckpointError, ConfigError
from atfm.fit import Cases, Fitted, fit
from atfm.models import load
from atfm.train.config import Config, override
from atfm.train.presets import PRESETS

TINY = {
    "gtr": {"widths": [8], "monte_carlo": 4, "rank": 2},
    "sfm": {"widths": [8], "context_widths": [], "starts": 4, "steps": 2},
    "stage1": {"steps": 6, "batch": 4, "warmup": 2},
    "stage2": {"steps": 5, "batch": 4, "warmup": 2},
    "stage3": {"steps": 4, "batch": 4, "warmup": 2},
    "augment": {"warp": 0.5, "scale": 0.1, "shift": 2.0, "contrast": 0.1},
    "save_every": 3,
    "validate_every": 4,
    "validate_cases": 3,
    "validate_samples": 4,
}


def tiny(**fields: object) -> Config:
    return override(override(PRESETS["phantom"], TINY), fields)


def cases() -> Cases:
    from atfm.data.phantom.kinds import phantom_cases

    drawn = list(phantom_cases(0, 12, annotators=3))
    return Cases(drawn[:9], drawn[9:], {"name": "twelve"}, [case.patient_id for case in drawn[:9]])


def trained(out: Path, max_steps: int | None = None, **fields: object) -> Fitted:
    return fit(tiny(**fields), cases(), out, device=torch.device("cpu"), max_steps=max_steps)


def weights(out: Path) -> dict[str, torch.Tensor]:
    return load(out).method.state_dict()


def losses(out: Path) -> list[dict[str, object]]:
    """The log without its validations: those also come where a training was stopped."""
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    return [line for line in lines if "validation" not in line]


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("straight") / "run"
    assert trained(out).steps == 15
    return out


@pytest.mark.parametrize("stop", [2, 3, 6, 7, 11, 12, 15])
def test_resuming_ends_with_bit_equal_weights(straight: Path, tmp_path: Path, stop: int) -> None:
    assert trained(tmp_path / "run", max_steps=stop).steps == stop
    assert trained(tmp_path / "run").steps == 15
    ours, theirs = weights(tmp_path / "run"), weights(straight)
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    assert losses(tmp_path / "run") == losses(straight)


def test_a_finished_training_is_left_as_it_is(straight: Path) -> None:
    before = (straight / "weights.safetensors").read_bytes()
    assert trained(straight).steps == 15
    assert (straight / "weights.safetensors").read_bytes() == before


def test_stage_1_is_frozen_when_stage_2_begins(straight: Path, tmp_path: Path) -> None:
    trained(tmp_path / "run", max_steps=6)
    alone, both = weights(tmp_path / "run"), weights(straight)
    assert all(torch.equal(value, both[f"truncation.{name}"]) for name, value in alone.items())


def test_stage_3_changes_the_flow_alone(straight: Path, tmp_path: Path) -> None:
    trained(tmp_path / "run", max_steps=11)
    before, after = weights(tmp_path / "run"), weights(straight)
    same = {name for name in before if torch.equal(before[name], after[name])}
    assert same == {name for name in before if name.startswith("truncation.")}


def test_the_run_folder_says_what_it_was_trained_on(straight: Path) -> None:
    model = load(straight)
    assert len(model.patients) == 9
    assert not any("phantom" in patient for patient in model.patients)  # Hashes, not ids.
    assert model.card["data"] == {"name": "twelve"}
    assert {"atfm", "torch", "python", "numpy"} <= model.card["versions"].keys()
    assert model.card["training"]["step"] == 15
    assert json.loads((straight / "config.json").read_text())["config"]["gtr"]["rank"] == 2


def test_another_training_is_refused_and_the_difference_named(straight: Path) -> None:
    with pytest.raises(CheckpointError, match=r"another training \(different: config.stage1.lr\)"):
        trained(straight, stage1={"lr": 0.5})


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    trained(tmp_path / "run", max_steps=3)
    file = next((tmp_path / "run").glob("checkpoint-*.safetensors"))
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(CheckpointError, match=f"{file.name}: expected .* truncated"):
        trained(tmp_path / "run")


def test_the_loss_falls(tmp_path: Path) -> None:
    told = []
    config = tiny(stage1={"steps": 60, "batch": 4, "warmup": 2, "lr": 3e-3}, stage2={"steps": 0}, stage3={"steps": 0})
    fit(config, cases(), tmp_path / "run", device=torch.device("cpu"), tell=told.append)
    fallen = [progress.losses["likelihood"] for progress in told]
    assert sum(fallen[-10:]) < 0.7 * sum(fallen[:10])


SCRIPT = """
import sys; from pathlib import Path; import torch
sys.path.insert(0, sys.argv[2]); torch.set_num_threads(1)
import test_loop
from atfm.fit import fit
fit(test_loop.tiny(), test_loop.cases(), Path(sys.argv[1]), device=torch.device("cpu"),
    tell=lambda p: print(p.step, p.saved, flush=True))
"""


@pytest.mark.parametrize("after", [2, 4, 8])
def test_sigkill_loses_nothing_older_than_the_last_report(straight: Path, tmp_path: Path, after: int) -> None:
    command = [sys.executable, "-c", SCRIPT, str(tmp_path / "run"), str(Path(__file__).parent)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    saved = 0
    for line in process.stdout:
        step, was_saved = line.split()
        saved = int(step) if was_saved == "True" else saved
        if int(step) >= after:
            time.sleep(0.02)
            os.kill(process.pid, signal.SIGKILL)
            break
    process.wait()
    complete = sorted((tmp_path / "run").glob("checkpoint-*.json"))
    assert (int(complete[-1].stem.split("-")[1]) if complete else 0) >= saved
    trained(tmp_path / "run")
    ours, theirs = weights(tmp_path / "run"), weights(straight)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_stage_1_can_be_taken_from_another_model(straight: Path, tmp_path: Path) -> None:
    fitted = fit(tiny(seed=1), cases(), tmp_path / "run", device=torch.device("cpu"), gtr=straight)
    assert fitted.total == 9
    ours, theirs = weights(tmp_path / "run"), weights(straight)
    assert {name for name in ours if torch.equal(ours[name], theirs[name])} >= {
        name for name in ours if name.startswith("truncation.")
    }
    assert load(tmp_path / "run").patients == load(straight).patients


def test_a_stage_1_of_other_networks_is_refused(straight: Path, tmp_path: Path) -> None:
    wider = tiny(gtr={"widths": [12]})
    with pytest.raises(ConfigError, match=r"stage 1 of .*: expected the networks of 'gtr'"):
        fit(wider, cases(), tmp_path / "run", device=torch.device("cpu"), gtr=straight)


def test_stage_3_trains_gtr_beside_the_flow_where_its_likelihood_counts(straight: Path, tmp_path: Path) -> None:
    trained(tmp_path / "run", max_steps=13, sfm={"prior": 0.01})  # stopped within stage 3 ...
    trained(tmp_path / "run", sfm={"prior": 0.01})
    trained(tmp_path / "whole", sfm={"prior": 0.01})
    ours, whole, frozen = weights(tmp_path / "run"), weights(tmp_path / "whole"), weights(straight)
    assert all(torch.equal(ours[name], whole[name]) for name in ours)
    truncation = [name for name in ours if name.startswith("truncation.")]
    assert not any(torch.equal(ours[name], frozen[name]) for name in truncation if ours[name].is_floating_point())
    assert {"energy", "likelihood"} <= losses(tmp_path / "run")[-1].keys()


def test_a_training_begins_from_a_model(straight: Path, tmp_path: Path) -> None:
    still = {"steps": 0}
    tuned = tiny(seed=1, stage1=still, stage2=still, stage3={"steps": 2})
    fitted = fit(tuned, cases(), tmp_path / "run", device=torch.device("cpu"), start=straight)
    assert fitted.total == 2
    ours, theirs = weights(tmp_path / "run"), weights(straight)
    assert all(torch.allclose(ours[name], theirs[name], atol=0.02) for name in ours)
    assert not torch.equal(ours["network.stem.weight"], theirs["network.stem.weight"])
    model = load(tmp_path / "run")
    assert model.patients == load(straight).patients
    assert model.card["from"] == {"sha256": load(straight).card["sha256"], "name": str(straight)}


def test_a_model_to_begin_from_has_to_fit(straight: Path, tmp_path: Path) -> None:
    here = {"device": torch.device("cpu"), "start": straight}
    with pytest.raises(ConfigError, match=r"model of .*: expected the networks of 'gtr' and 'sfm'"):
        fit(tiny(sfm={"widths": [12]}), cases(), tmp_path / "run", **here)
    with pytest.raises(ConfigError, match="give one of them"):
        fit(tiny(), cases(), tmp_path / "run", gtr=straight, **here)
