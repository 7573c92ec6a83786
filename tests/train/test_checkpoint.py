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


@pytest.mark.parametrize(
    "text",
    [b'{"version": ' + b"9" * 5000 + b"}", b'{"version": ' + b"9" * 4000 + b"}", b"[" * 10**5, b'{"version": "a\\nb"}'],
)
def test_a_description_that_python_itself_stumbles_over_is_one_line(pair: Path, text: bytes) -> None:
    pair.with_suffix(".json").write_bytes(text)
    with pytest.raises(CheckpointError) as error:
        load_pair(pair)
    assert len(str(error.value).splitlines()) == 1 and len(str(error.value)) < 500 + len(str(pair))


@pytest.mark.parametrize(
    ("head", "reason"),
    [
        ({"a": {"dtype": "F4", "shape": [12], "data_offsets": [0, 6]}}, "no safetensors"),
        ({"a": {"dtype": "F32", "shape": [1] * 10**5 + [6], "data_offsets": [0, 24]}}, "100001 axes"),
        ({"a\nb": {"dtype": "c\nd"}}, "no safetensors"),
        (
            {f"t{i}": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for i in range(10**5)},
            "more than the 4194304",
        ),
    ],
)
def test_heads_that_would_keep_torch_busy_or_confuse_it(pair: Path, head: dict, reason: str) -> None:
    import hashlib

    text = json.dumps(head).encode()
    blob = len(text).to_bytes(8, "little") + text + bytes(24)
    pair.write_bytes(blob)
    card = json.loads(pair.with_suffix(".json").read_text())
    card |= {"bytes": len(blob), "sha256": hashlib.sha256(blob).hexdigest()}
    pair.with_suffix(".json").write_text(json.dumps(card))
    with pytest.raises(CheckpointError, match=reason) as error:
        load_pair(pair)
    assert "\n" not in str(error.value)
