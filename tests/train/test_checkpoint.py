"""Pairs on disk: round trip, damage of every kind, a full disk."""

import json
from pathlib import Path

import pytest
import torch

from atfm.errors import CheckpointError, DiskError
from atfm.train.checkpoint import load_pair, save_pair


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    save_pair(tmp_path / "w.safetensors", {"a": torch.arange(6.0).reshape(2, 3)}, {"step": 3})
    return tmp_path / "w.safetensors"


def test_round_trip(pair: Path) -> None:
    tensors, description = load_pair(pair)
    assert torch.equal(tensors["a"], torch.arange(6.0).reshape(2, 3))
    assert description["step"] == 3
    assert sorted(file.name for file in pair.parent.iterdir()) == ["w.json", "w.safetensors"]


def test_truncated_flipped_and_missing_files(pair: Path) -> None:
    blob = pair.read_bytes()
    pair.write_bytes(blob[:-5])
    with pytest.raises(CheckpointError, match="truncated"):
        load_pair(pair)
    pair.write_bytes(blob[:-1] + bytes([blob[-1] ^ 1]))
    with pytest.raises(CheckpointError, match="damaged"):
        load_pair(pair)
    pair.unlink()
    with pytest.raises(CheckpointError, match="cannot be read"):
        load_pair(pair)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 99}', '{"bytes": 1}'])
def test_a_description_that_is_broken_or_of_another_version(pair: Path, text: str) -> None:
    pair.with_suffix(".json").write_text(text)
    with pytest.raises(CheckpointError):
        load_pair(pair)


def test_bytes_that_are_no_safetensors(pair: Path) -> None:
    import hashlib

    pair.write_bytes(b"x" * 40)
    description = json.loads(pair.with_suffix(".json").read_text())
    description |= {"bytes": 40, "sha256": hashlib.sha256(b"x" * 40).hexdigest()}
    pair.with_suffix(".json").write_text(json.dumps(description))
    with pytest.raises(CheckpointError, match="no safetensors"):
        load_pair(pair)


def test_a_full_disk_leaves_the_old_pair(pair: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(DiskError, match="disk is full"):
        save_pair(pair, {"a": torch.zeros(9)}, {"step": 4})
    monkeypatch.undo()
    assert load_pair(pair)[1]["step"] == 3
