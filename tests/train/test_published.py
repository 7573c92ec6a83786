"""Done means published: whatever stops a training, and wherever, what it leaves in the end is its last checkpoint."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from atfm.cli.main import main
from atfm.models import edit, load
from atfm.train.checkpoint import named

SHIM = Path(__file__).parents[1] / "kills" / "shim.py"
WORDS = [
    "train", "gtr-phantom", "--device=cpu", "--threads=1", "--set=method.widths=[4]", "--set=method.rank=2",
    "--set=method.monte_carlo=4", "--set=stages.gtr.steps=6", "--set=stages.gtr.batch=4", "--set=stages.gtr.warmup=2",
    "--set=validate_cases=2", "--set=validate_samples=2", "--set=save_every=2",
]  # fmt: skip
# The renames of this training: config.json, then of each of three saves the checkpoint, its copy, the weights, theirs.
LAST = 1 + 4 * 2


def train(out: Path, *words: str) -> int:
    return main([*WORDS, "--out", str(out), *words])


def killed(out: Path, at: str) -> int:
    """The status of the real programme, ended at the n-th call."""
    command = [sys.executable, SHIM, "--at", at, "--", *WORDS, "--out", str(out)]
    return subprocess.run(command, capture_output=True).returncode


def assert_published(out: Path) -> None:
    """The weights are the averages of the last checkpoint, and say so."""
    checkpoint = max(out.glob("checkpoint-*.safetensors"))
    wanted = named(load_file(checkpoint), "average.")
    model = load(out)
    assert model.card["training"]["step"] == int(checkpoint.stem.partition("-")[2])
    there = model.method.state_dict()
    assert there.keys() == wanted.keys() and all(torch.equal(there[name], wanted[name]) for name in wanted)
    assert json.loads((out / "weights.json").read_text()) == model.card


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("straight") / "run"
    assert train(out) == 0
    assert_published(out)
    return out


def copied(run: Path, out: Path) -> Path:
    out.mkdir()
    for file in run.iterdir():
        if file.is_file():
            (out / file.name).write_bytes(file.read_bytes())
    return out


@pytest.mark.parametrize("rename", [LAST + 1, LAST + 2, LAST + 3, LAST + 4])
def test_a_kill_within_the_last_save_leaves_nothing_unpublished(straight: Path, tmp_path: Path, rename: int) -> None:
    out = tmp_path / "run"
    assert killed(out, f"rename:{rename}") == -9
    assert load(out).card["training"]["step"] in (4, 6), "what is there meanwhile is whole"
    assert train(out) == 0
    assert_published(out)
    ours, theirs = load(out).method.state_dict(), load(straight).method.state_dict()
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert not list(out.glob(".writing-*")) and not (out / ".lock").exists()


@pytest.mark.parametrize("lost", ["all", "weights", "card", "older", "truncated", "flipped", "of another run"])
def test_weights_that_are_not_those_of_the_checkpoint_are_published_again(
    straight: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], lost: str
) -> None:
    out = copied(straight, tmp_path / "run")
    weights, card = out / "weights.safetensors", out / "weights.json"
    blob = weights.read_bytes()
    if lost in ("all", "weights"):
        weights.unlink()
    if lost in ("all", "card"):
        card.unlink()
    if lost == "older":
        assert train(tmp_path / "older", "--max-steps=4") == 0
        weights.write_bytes((tmp_path / "older" / "weights.safetensors").read_bytes())
    if lost == "truncated":
        weights.write_bytes(blob[:-7])
    if lost == "flipped":
        weights.write_bytes(blob[:-7] + bytes([blob[-7] ^ 4]) + blob[-6:])
    if lost == "of another run":
        assert train(tmp_path / "other", "--seed=3") == 0
        for name in ("weights.safetensors", "weights.json"):
            (out / name).write_bytes((tmp_path / "other" / name).read_bytes())
    capsys.readouterr()
    assert train(out) == 0
    told = capsys.readouterr()
    assert "6 of 6 steps" in told.out and "published again, as of step 6" in told.err
    assert_published(out)
    assert train(out) == 0
    assert "published again" not in capsys.readouterr().err


def test_six_of_six_steps_is_not_said_before_they_are_published(
    straight: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    out = copied(straight, tmp_path / "run")
    (out / "weights.safetensors").unlink()
    replace = Path.replace

    def full(self: Path, target: Path) -> Path:
        if Path(target).name == "weights.safetensors":
            raise OSError(28, "No space left on device", str(target))
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", full)
    assert train(out) != 0
    told = capsys.readouterr()
    assert not told.out and "weights.safetensors: the disk is full" in told.err
    monkeypatch.undo()
    assert train(out) == 0
    assert_published(out)


def test_edits_of_the_card_outlive_a_training_that_goes_on(tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert train(out, "--max-steps=2") == 0
    edit(out / "weights.safetensors", {"licence": "CC BY 4.0"}, when="then")
    assert train(out) == 0
    card = load(out).card
    assert (card["licence"], card["training"]["step"], len(card["edits"])) == ("CC BY 4.0", 6, 1)
