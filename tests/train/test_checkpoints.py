"""The last two checkpoints: one that is damaged ends nothing, and nobody's files are touched."""

import errno
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from atfm.disk.lock import folder_lock
from atfm.errors import BusyError, CheckpointError, DiskError
from atfm.train.checkpoint import load_pair, save_pair
from atfm.train.checkpoints import Checkpoints
from atfm.train.log import Log
from atfm.train.run import Run, held

STATE = {"stage": "gtr", "total": 40, "history": [], "skipped": 0, "trained_by": [{"step": 0, "processes": 1}]}


def save(checkpoints: Checkpoints, *steps: int) -> None:
    for step in steps:
        checkpoints.save({"a": torch.full((3,), float(step))}, {**STATE, "step": step})


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def of(*steps: int) -> list[str]:
    return [f"checkpoint-{step:08d}{suffix}" for step in steps for suffix in (".json", ".safetensors")]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    save(Checkpoints(tmp_path), 10, 20, 30)
    return tmp_path


def test_the_last_two_are_kept(run: Path) -> None:
    assert names(run) == of(20, 30)
    restored = Checkpoints(run).restore()
    assert restored is not None
    assert restored[0]["a"].tolist() == [30.0] * 3 and restored[1].told() == {**STATE, "step": 30}


def test_only_names_that_were_written_are_removed(run: Path) -> None:
    others = ["checkpoint-00000010-keep.safetensors", "checkpoint-00000010.safetensors.bak", "checkpoint-1.json",
              "checkpoint-00000005.safetensors"]  # fmt: skip
    for name in others:
        (run / name).write_text("mine")
    checkpoints = Checkpoints(run)
    checkpoints.restore()
    save(checkpoints, 40, 50)
    assert names(run) == sorted([*others, *of(40, 50)])


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty", "no safetensors"])
def test_one_that_is_damaged_is_told_and_the_one_before_gone_on_from(run: Path, damage: str) -> None:
    file = run / "checkpoint-00000030.safetensors"
    blob = file.read_bytes()
    changed = {"truncated": blob[:-3], "flipped": blob[:-1] + bytes([blob[-1] ^ 1]), "empty": b""}
    file.write_bytes(changed.get(damage, b"x" * 999))
    said: list[str] = []
    checkpoints = Checkpoints(run, say=said.append)
    restored = checkpoints.restore()
    assert restored is not None and restored[1].step == 20
    assert len(said) == 1 and file.name in said[0] and said[0].endswith("going on from the checkpoint of step 20")
    save(checkpoints, 30)
    assert Checkpoints(run).restore()[1].step == 30  # type: ignore[index]
    assert names(run) == of(20, 30)


def test_where_all_are_damaged_nothing_is_begun_anew(run: Path) -> None:
    for file in run.glob("*.safetensors"):
        file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(CheckpointError, match=r"00030.*truncated.*and so is the one before.*to begin anew, remove it"):
        Checkpoints(run).restore()
    assert names(run) == of(20, 30)


def test_a_kill_between_saving_and_removing_leaves_nothing_for_ever(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkpoints = Checkpoints(run)
    checkpoints.restore()
    monkeypatch.setattr(checkpoints, "_tidy", lambda: None)
    save(checkpoints, 40)
    (run / "checkpoint-00000040.json").unlink()  # ... and between the two files of one
    assert len(names(run)) == 5
    Checkpoints(run).restore()
    assert names(run) == of(30, 40)


@pytest.mark.parametrize("field", ["step", "stage", "total"])
def test_a_checkpoint_without_a_field_is_one_line(run: Path, field: str) -> None:
    for step in (20, 30):
        file = run / f"checkpoint-{step:08d}.safetensors"
        tensors, card = load_pair(file)
        save_pair(file, tensors, {name: value for name, value in card.items() if name != field})
    with pytest.raises(CheckpointError, match=f"field '{field}' of its card: field required") as error:
        Checkpoints(run).restore()
    assert "\n" not in str(error.value)


def test_a_step_that_was_edited_is_refused(run: Path) -> None:
    """Sealed by whoever edited it: the name tells."""
    file = run / "checkpoint-00000030.safetensors"
    tensors, card = load_pair(file)
    save_pair(file, tensors, card | {"step": 90})
    said: list[str] = []
    assert Checkpoints(run, say=said.append).restore()[1].step == 20  # type: ignore[index]
    assert "is the checkpoint of step 90" in said[0]
    file.with_suffix(".json").write_text(file.with_suffix(".json").read_text().replace("90", "30"))
    said.clear()
    assert Checkpoints(run, say=said.append).restore()[1].step == 20  # type: ignore[index]
    assert "was edited or is damaged" in said[0]


@pytest.mark.parametrize("number", [errno.EIO, errno.EACCES])
def test_a_disk_that_fails_is_a_machine_s_error_and_loses_nothing(
    run: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refused(file: Path) -> bytes:
        raise OSError(number, "refused", str(file))

    monkeypatch.setattr(Path, "read_bytes", refused)
    with pytest.raises(DiskError, match="run the command again"):
        Checkpoints(run).restore()
    assert names(run) == of(20, 30)


# ---- the folder ----


def test_a_folder_with_somebodys_weights_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "weights.safetensors").write_text("mine")
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(CheckpointError, match=r"holds weights.safetensors but no config.json: no run folder"):
        Run(tmp_path, {"data": 1})
    (tmp_path / "weights.safetensors").unlink()
    Run(tmp_path, {"data": 1})
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_one_training_writes_a_folder_and_the_other_is_named(tmp_path: Path) -> None:
    busy = pytest.raises(BusyError, match=r"process \d+ .* is writing there")
    with folder_lock(tmp_path / "run"), busy, held(tmp_path / "run"):
        pass
    with held(tmp_path / "run"):
        pass


def test_no_digit_of_the_configuration_can_change_unseen(tmp_path: Path) -> None:
    identity: dict[str, Any] = {"config": {"stages": {"gtr": {"steps": 20}}}}
    Run(tmp_path, identity, ["gtr"])
    file = tmp_path / "config.json"
    good = file.read_bytes()
    for bit in range(8 * len(good)):
        bad = bytearray(good)
        bad[bit // 8] ^= 1 << bit % 8
        file.write_bytes(bad)
        with pytest.raises(CheckpointError):
            Run(tmp_path, identity, ["gtr"])
        assert file.read_bytes() == bad
    file.write_bytes(good)
    Run(tmp_path, identity, ["gtr"])


# ---- the log ----


def line(step: int) -> bytes:
    return json.dumps({"step": step, "loss": 1.0}).encode() + b"\n"


def test_the_log_is_rewound_and_a_cut_line_dropped(tmp_path: Path) -> None:
    log = Log(tmp_path / "log.jsonl")
    log.rewind(3)
    assert not log.path.exists()
    for tail in (b'{"step": 4, "lo', b"\xff\x00\x00", b"\x00" * 40, b""):
        log.path.write_bytes(line(1) + line(2) + line(5) + tail)
        log.rewind(3)
        assert log.path.read_bytes() == line(1) + line(2)


@pytest.mark.parametrize("foreign", [b"\xff\xfe\x00\n", b"hello\n", b'{"loss": 1}\n', b"[1]\n", b"3\n"])
def test_a_log_with_foreign_bytes_is_one_line(tmp_path: Path, foreign: bytes) -> None:
    log = Log(tmp_path / "log.jsonl")
    before = line(1) + foreign + line(2)
    log.path.write_bytes(before)
    with pytest.raises(CheckpointError, match=r"log.jsonl: line 2 is none of a training's .* move the file away"):
        log.rewind(3)
    assert log.path.read_bytes() == before


def test_the_log_is_not_written_through_a_planted_link(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("mine")
    (tmp_path / "log.jsonl").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DiskError, match="link to elsewhere, which is not followed"):
        Log(tmp_path / "log.jsonl").append({"step": 1})
    assert (tmp_path / "elsewhere").read_text() == "mine"
