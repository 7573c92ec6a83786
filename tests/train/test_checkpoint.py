"""Tensors with their card on disk: round trip, damage of every kind and every bit, a full disk, earlier versions."""

import errno
import hashlib
import json
from collections import Counter
from pathlib import Path

import pytest
import safetensors.torch
import torch

from atfm.disk.sealed import sealed
from atfm.errors import CheckpointError, DiskError
from atfm.train.checkpoint import SEAL, load_pair, mend_copy, save_pair, seal_beside


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
    with pytest.raises(CheckpointError, match="no such file"):
        load_pair(pair)


def outcomes(pair: Path, file: Path) -> Counter[str]:
    """What becomes of every file that differs from this one in a single bit."""
    tensors, card = load_pair(pair)
    good, found = bytearray(file.read_bytes()), Counter[str]()
    for bit in range(8 * len(good)):
        good[bit // 8] ^= 1 << bit % 8
        file.write_bytes(good)
        good[bit // 8] ^= 1 << bit % 8
        try:
            there, told = load_pair(pair)
        except CheckpointError as error:
            found["refused"] += len(str(error).splitlines()) == 1
            continue
        same = told == card and there.keys() == tensors.keys()
        same = same and all(torch.equal(tensors[name], there[name]) for name in tensors)
        found["harmless" if same else "believed"] += 1
    file.write_bytes(good)
    assert found.total() == 8 * len(good)
    return found


@pytest.mark.parametrize("suffix", [".safetensors", ".json"])
def test_no_bit_can_flip_unseen(tmp_path: Path, suffix: str) -> None:
    card = {"step": 3, "temperature": 1.25, "patients": ["ab"]}
    save_pair(tmp_path / "w.safetensors", {"a": torch.tensor([1.0, 2.0])}, card)
    found = outcomes(tmp_path / "w.safetensors", tmp_path / f"w{suffix}")
    assert found["believed"] == 0 and found["harmless"] < 8, found


def test_no_bit_of_a_card_that_lies_beside_its_tensors_can_flip_unseen(legacy: Path) -> None:
    before = load_pair(legacy)[1]
    seal_beside(legacy, before)
    assert load_pair(legacy)[1] == sealed({**before, "version": 3}, SEAL)
    assert outcomes(legacy, legacy.with_suffix(".json"))["believed"] == 0


@pytest.fixture
def legacy(tmp_path: Path) -> Path:
    """Weights as version 2 wrote them: the card beside the tensors alone."""
    file = tmp_path / "old.safetensors"
    file.write_bytes(safetensors.torch.save({"a": torch.tensor([1.0, 2.0])}))
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    card = {"version": 2, "sha256": digest, "bytes": file.stat().st_size, "step": 3}
    file.with_suffix(".json").write_text(json.dumps(card))
    return file


def test_weights_of_the_version_before_go_on_loading(legacy: Path) -> None:
    tensors, card = load_pair(legacy)
    assert tensors["a"].tolist() == [1.0, 2.0] and card["step"] == 3
    legacy.with_suffix(".json").unlink()
    with pytest.raises(CheckpointError, match="has no card in it"):
        load_pair(legacy)


def test_one_file_is_enough_and_an_earlier_copy_does_no_harm(pair: Path) -> None:
    copy = pair.with_suffix(".json")
    before = copy.read_bytes()
    card = save_pair(pair, {"a": torch.zeros(2)}, {"step": 4})
    copy.write_bytes(before)  # as a kill between the two leaves it
    assert load_pair(pair)[1] == card
    mend_copy(pair, card)
    assert json.loads(copy.read_text()) == card
    copy.unlink()
    assert load_pair(pair)[1]["step"] == 4


def test_a_copy_that_was_edited_is_refused_and_the_command_named(pair: Path) -> None:
    copy = pair.with_suffix(".json")
    copy.write_text(copy.read_text().replace('"step": 3', '"step": 9'))
    with pytest.raises(CheckpointError, match=r"edited or is damaged; .*atfm card .* --set FIELD=VALUE"):
        load_pair(pair)


@pytest.mark.parametrize(("number", "words"), [(errno.EIO, "has failed"), (errno.EACCES, "no permission to read")])
def test_what_the_machine_refuses_is_not_called_damaged(
    pair: Path, monkeypatch: pytest.MonkeyPatch, number: int, words: str
) -> None:
    def refused(file: Path) -> bytes:
        raise OSError(number, "refused", str(file))

    monkeypatch.setattr(Path, "read_bytes", refused)
    with pytest.raises(DiskError, match=words) as error:
        load_pair(pair)
    assert "damaged" not in str(error.value)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 99}', '{"bytes": 1}'])
def test_a_description_that_is_broken_or_of_another_version(pair: Path, text: str) -> None:
    pair.with_suffix(".json").write_text(text)
    with pytest.raises(CheckpointError):
        load_pair(pair)


def rehashed(pair: Path, blob: bytes) -> None:
    """Other bytes, and beside them a card that tells their SHA-256."""
    pair.write_bytes(blob)
    card = {"version": 2, "bytes": len(blob), "sha256": hashlib.sha256(blob).hexdigest()}
    pair.with_suffix(".json").write_text(json.dumps(card))


def test_bytes_that_are_no_safetensors(pair: Path) -> None:
    rehashed(pair, b"x" * 40)
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
            "more than the 32768",
        ),
    ],
)
def test_heads_that_would_keep_torch_busy_or_confuse_it(pair: Path, head: dict, reason: str) -> None:
    text = json.dumps(head).encode()
    rehashed(pair, len(text).to_bytes(8, "little") + text + bytes(24))
    with pytest.raises(CheckpointError, match=reason) as error:
        load_pair(pair)
    assert "\n" not in str(error.value)
