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
from torch.optim.swa_utils import AveragedModel

from atfm.errors import CheckpointError, ConfigError, TrainingError
from atfm.fit import Fitted, fit
from atfm.models import load
from atfm.train.cases import Cases
from atfm.train.config import Config, override
from atfm.train.presets import presets

TINY = {
    "method": {
        "gtr": {"widths": [8], "monte_carlo": 4, "rank": 2},
        "sfm": {"widths": [8], "context_widths": [], "starts": 4, "steps": 2},
    },
    "stages": {
        "gtr": {"steps": 6, "batch": 4, "parts": 2, "warmup": 2},
        "sfm": {"steps": 5, "batch": 4, "parts": 2, "warmup": 2},
        "energy": {"steps": 4, "batch": 4, "parts": 2, "warmup": 2},
    },
    "augment": {"warp": 0.5, "scale": 0.1, "shift": 2.0, "contrast": 0.1},
    "save_every": 3,
    "validate_every": 4,
    "validate_cases": 3,
    "validate_samples": 4,
}


STILL = {"steps": 0}
CPU = torch.device("cpu")


def tiny(**fields: object) -> Config:
    return override(override(presets()["phantom"], TINY), fields)


def cases() -> Cases:
    from atfm.data.phantom.kinds import phantom_cases

    drawn = list(phantom_cases(0, 12, annotators=3))
    return Cases(drawn[:9], drawn[9:], {"name": "twelve"}, [case.patient_id for case in drawn[:9]])


def trained(out: Path, max_steps: int | None = None, **fields: object) -> Fitted:
    return fit(tiny(**fields), cases(), out, device=CPU, max_steps=max_steps)


def weights(out: Path) -> dict[str, torch.Tensor]:
    return load(out).method.state_dict()


def losses(out: Path) -> list[dict[str, object]]:
    """The log without what is there of a stop: each start, and the validation of a last step."""
    lines = [json.loads(line) for line in (out / "log.jsonl").read_text().splitlines()]
    return [line for line in lines if "validation" not in line and "processes" not in line]


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
    told = losses(tmp_path / "run")  # of the step too where it was stopped
    assert [line for line in told if line["step"] != stop or line in losses(straight)] == losses(straight)


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
    assert json.loads((straight / "config.json").read_text())["config"]["method"]["gtr"]["rank"] == 2


def test_another_training_is_refused_and_the_difference_named(straight: Path) -> None:
    with pytest.raises(CheckpointError, match=r"another training \(different: config.stages.gtr.lr\)"):
        trained(straight, stages={"gtr": {"lr": 0.5}})


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    trained(tmp_path / "run", max_steps=3)
    file = next((tmp_path / "run").glob("checkpoint-*.safetensors"))
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(CheckpointError, match=f"{file.name}: expected .* truncated"):
        trained(tmp_path / "run")


def test_the_loss_falls(tmp_path: Path) -> None:
    told = []
    config = tiny(stages={"gtr": {"steps": 60, "lr": 3e-3}, "sfm": STILL, "energy": STILL})
    fit(config, cases(), tmp_path / "run", device=CPU, tell=told.append)
    fallen = [progress.losses["likelihood"] for progress in told if progress.losses]
    assert len(told) == 60 and told[-1].images_per_second > 0 and told[-1].skipped == 0
    assert sum(fallen[-5:]) < 0.7 * sum(fallen[:5])


SCRIPT = """
import sys; from pathlib import Path; import torch
sys.path.insert(0, sys.argv[2]); torch.set_num_threads(1)
import test_loop
from atfm.fit import fit
fit(test_loop.tiny(), test_loop.cases(), Path(sys.argv[1]), device=test_loop.CPU,
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
    complete = sorted((tmp_path / "run").glob("checkpoint-*.safetensors"))
    assert (int(complete[-1].stem.split("-")[1]) if complete else 0) >= saved
    trained(tmp_path / "run")
    ours, theirs = weights(tmp_path / "run"), weights(straight)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_stage_1_can_be_taken_from_another_model(straight: Path, tmp_path: Path) -> None:
    fitted = fit(tiny(seed=1), cases(), tmp_path / "run", device=CPU, take={"gtr": straight})
    assert fitted.total == 9
    ours, theirs = weights(tmp_path / "run"), weights(straight)
    assert {name for name in ours if torch.equal(ours[name], theirs[name])} >= {
        name for name in ours if name.startswith("truncation.")
    }
    model = load(tmp_path / "run")
    assert model.patients == load(straight).patients
    assert model.card["taken"] == {"gtr": {"sha256": load(straight).card["sha256"], "name": str(straight)}}


def test_a_stage_1_of_other_networks_is_refused(straight: Path, tmp_path: Path) -> None:
    wider = tiny(method={"gtr": {"widths": [12]}})
    with pytest.raises(ConfigError, match=r"expected the networks that the configuration gives stage gtr"):
        fit(wider, cases(), tmp_path / "run", device=CPU, take={"gtr": straight})
    with pytest.raises(ConfigError, match=r"--take gtrr: atfm has the stages gtr, sfm, energy"):
        fit(tiny(), cases(), tmp_path / "run", device=CPU, take={"gtrr": straight})


def test_stage_3_trains_gtr_beside_the_flow_where_its_likelihood_counts(straight: Path, tmp_path: Path) -> None:
    trained(tmp_path / "run", max_steps=13, method={"sfm": {"prior": 0.01}})  # stopped within stage 3 ...
    trained(tmp_path / "run", method={"sfm": {"prior": 0.01}})
    trained(tmp_path / "whole", method={"sfm": {"prior": 0.01}})
    ours, whole, frozen = weights(tmp_path / "run"), weights(tmp_path / "whole"), weights(straight)
    assert all(torch.equal(ours[name], whole[name]) for name in ours)
    truncation = [name for name in ours if name.startswith("truncation.")]
    assert not any(torch.equal(ours[name], frozen[name]) for name in truncation if ours[name].is_floating_point())
    assert {"energy", "likelihood"} <= losses(tmp_path / "run")[-1].keys()


def test_a_training_begins_from_a_model(straight: Path, tmp_path: Path) -> None:
    tuned = tiny(seed=1, stages={"gtr": STILL, "sfm": STILL, "energy": {"steps": 2}})
    fitted = fit(tuned, cases(), tmp_path / "run", device=CPU, start=straight)
    assert fitted.total == 2
    ours, theirs = weights(tmp_path / "run"), weights(straight)
    assert all(torch.allclose(ours[name], theirs[name], atol=0.02) for name in ours)
    assert not torch.equal(ours["network.stem.weight"], theirs["network.stem.weight"])
    model = load(tmp_path / "run")
    assert model.patients == load(straight).patients
    assert model.card["taken"] == {"from": {"sha256": load(straight).card["sha256"], "name": str(straight)}}


def test_a_model_to_begin_from_has_to_fit(straight: Path, tmp_path: Path) -> None:
    here = {"device": torch.device("cpu"), "start": straight}
    other = override(presets()["ssn-phantom"], {"save_every": 3, "validate_cases": 3, "validate_samples": 4})
    with pytest.raises(ConfigError, match=r"none of its weights fit this method \(.*: not in it, and so on\)"):
        fit(other, cases(), tmp_path / "run", **here)


def test_a_stage_may_come_from_another_model_than_what_all_begin_from(straight: Path, tmp_path: Path) -> None:
    """The stage that is taken is not of the model that the others begin from, and nothing is counted twice."""
    other = fit(tiny(seed=3), cases(), tmp_path / "other", device=torch.device("cpu")).run
    config = override(tiny(), {"stages": {"sfm": {"steps": 0}, "energy": {"steps": 0}}})
    here = {"device": torch.device("cpu"), "start": straight, "take": {"gtr": other}}
    fitted = fit(config, cases(), tmp_path / "run", **here)
    got, begun, taken = (load(run).method.state_dict() for run in (tmp_path / "run", straight, other))
    for name, value in got.items():
        source = taken if name.startswith("truncation.network.") else begun
        assert torch.equal(value, source[name]), name
    own = sum(value.numel() for name, value in got.items() if name.startswith("truncation.network."))
    assert fitted.taken["gtr"]["numbers"] == own
    assert fitted.taken["from"]["numbers"] == sum(value.numel() for value in got.values()) - own
    assert load(tmp_path / "run").card["taken"].keys() == {"gtr", "from"}


def test_weights_that_are_not_finite_replace_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained(tmp_path / "run", max_steps=3)
    before = (tmp_path / "run" / "weights.safetensors").read_bytes()
    update = AveragedModel.update_parameters

    def poisoned(self: AveragedModel, model: torch.nn.Module) -> None:
        update(self, model)
        next(self.module.parameters()).data.fill_(float("nan"))

    monkeypatch.setattr(AveragedModel, "update_parameters", poisoned)
    with pytest.raises(
        TrainingError, match=r"stage gtr: network.* is not finite after step 4; the checkpoint of step 3"
    ):
        trained(tmp_path / "run")
    assert (tmp_path / "run" / "weights.safetensors").read_bytes() == before
    monkeypatch.undo()
    assert trained(tmp_path / "run").steps == 15


def test_a_training_that_diverges_ends_with_one_line(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"stage gtr: .*; lower stages.gtr.lr \(now 1e\+08\)") as error:
        trained(tmp_path / "run", stages={"gtr": {"steps": 60, "lr": 1e8, "warmup": 0}}, save_every=100)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "run" / "weights.safetensors").exists()


def test_minutes_size_all_stages_and_the_run_keeps_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = {"gtr": 1.0, "sfm": 2.0, "energy": 3.0}
    monkeypatch.setattr("atfm.train.clock.step_seconds", lambda config, method, name, *rest, **more: seconds[name])
    first = fit(tiny(), cases(), tmp_path / "run", device=CPU, minutes=1.0, max_steps=4)
    assert first.steps == 4 and first.total == 30  # 57 s in the ratio 6 : 5 : 4, of 6 + 10 + 12 = 28 s
    resolved = json.loads((tmp_path / "run" / "resolved.json").read_text())
    assert {name: plan["steps"] for name, plan in resolved["stages"].items()} == {"gtr": 12, "sfm": 10, "energy": 8}
    seconds["gtr"] = 100.0  # a slower machine goes on with what was resolved
    fit(tiny(), cases(), tmp_path / "run", device=CPU, minutes=1.0)
    assert load(tmp_path / "run").card["training"]["step"] == 30
    assert load(tmp_path / "run").card["config"]["stages"]["gtr"]["warmup"] == 4
    with pytest.raises(CheckpointError, match=r"another training .*minutes"):
        fit(tiny(), cases(), tmp_path / "run", device=CPU, minutes=2.0)
    with pytest.raises(ConfigError, match="too short for stage"):
        fit(tiny(), cases(), tmp_path / "other", device=CPU, minutes=0.1)
    with pytest.raises(ConfigError, match="expected a time above 0"):
        fit(tiny(), cases(), tmp_path / "third", device=CPU, minutes=0.0)
