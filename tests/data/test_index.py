"""What the small files of a store say is held against each other, also where their hashes are right."""

import json
from pathlib import Path

import numpy as np
import pytest

from atfm.data.case import Case
from atfm.data.layout import sha256
from atfm.data.store import Store, StoreWriter
from atfm.errors import StoreError


@pytest.fixture
def store(tmp_path: Path) -> Store:
    rng = np.random.default_rng(0)
    with StoreWriter(tmp_path / "store", name="test") as writer:
        for number in range(6):
            image = rng.integers(0, 256, (1, 4 + number, 7)).astype(np.float32) / np.float32(255)
            masks = rng.integers(0, 2, (1 + number % 4, 4 + number, 7), np.uint8)
            writer.add(Case(image, masks, f"c{number}", f"p{number % 3}", (0.5, 1.5)))
    return Store.open(tmp_path / "store")


def rehash(path: Path, name: str, content: bytes) -> None:
    """Put other content into a file, and its hash into `store.json`."""
    (path / name).write_bytes(content)
    info = json.loads((path / "store.json").read_text())
    info["files"][name] = sha256(path / name)
    (path / "store.json").write_text(json.dumps(info))


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"3",
        b"null",
        b"[1, 2]",
        b'["ab", "cd"]',
        b"[" * 10**5,
        b"9" * 5000,
        b'[["a\\nb", "p"]]',
        b'[["\\ud800", "p"]]',
    ],
)
def test_ids_that_are_none_although_their_hash_is_right(store, text) -> None:
    rehash(store.path, "cases.json", text)
    with pytest.raises(StoreError, match=r"cases\.json: ") as error:
        Store.open(store.path)
    assert len(str(error.value).splitlines()) == 1


def test_two_cases_of_one_name_are_no_store(store) -> None:
    rehash(store.path, "cases.json", json.dumps([["same", "p0"]] * 6).encode())
    with pytest.raises(StoreError, match="expected 6 cases of different names"):
        Store.open(store.path)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("image", 2**64 - 1, "one behind the other"),
        ("mask", 10**6, "one behind the other"),
        ("shape", (2**32 - 1, 2**32 - 1, 0), "row 0 cannot be that of a case"),
        ("shape", (0, 0, 0), "row 0 cannot be"),
        ("shape", (4, 7, 1), "row 0 cannot be"),
        ("annotators", 0, "row 0 cannot be"),
        ("spacing", float("nan"), "row 0 cannot be"),
        ("spacing", 0.0, "row 0 cannot be"),
    ],
)
def test_an_index_that_lies_although_its_hash_is_right(store, tmp_path, field, value, message) -> None:
    index = np.load(store.path / "index.npy")
    index[field] = value
    np.save(tmp_path / "lie.npy", index)
    rehash(store.path, "index.npy", (tmp_path / "lie.npy").read_bytes())
    with pytest.raises(StoreError, match=message):
        Store.open(store.path)
