"""Parts of a case read from a store: the same pixels as the whole, verified once, and let go again."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest

from atfm.data import pixels
from atfm.data.case import Case
from atfm.data.store import Store, StoreWriter
from atfm.errors import StoreError


def stored(path: Path, shape: tuple[int, ...], classes: int = 1, channels: int = 1) -> tuple[Store, list[Case]]:
    rng = np.random.default_rng(0)
    cases = []
    with StoreWriter(path, name="test", classes=classes) as writer:
        for number in range(4):
            image = rng.random((channels, *shape), np.float32)
            masks = rng.integers(0, max(classes, 2), (1 + number, *shape), np.uint8)
            cases.append(Case(image, masks, f"c{number}", "p", (1.0,) * len(shape)))
            writer.add(cases[-1])
    return Store.open(path), cases


@pytest.mark.parametrize("classes", [1, 5])
@pytest.mark.parametrize("shape", [(5, 16), (6, 13), (3, 4, 8), (4, 3, 11)])
def test_every_part_is_that_of_the_whole(tmp_path: Path, shape: tuple[int, ...], classes: int) -> None:
    store, cases = stored(tmp_path / "store", shape, classes, channels=2)
    ends = [[slice(a, b) for a in range(n) for b in range(a + 1, n + 1)] for n in shape]
    boxes = list(product(*ends))
    for number in range(0, len(boxes), 1 + len(boxes) // 300):
        for i, case in enumerate(cases):
            np.testing.assert_array_equal(store.pixels.image(i, boxes[number]), case.image[:, *boxes[number]])
            np.testing.assert_array_equal(store.pixels.labels(i, boxes[number]), case.masks[:, *boxes[number]])
    np.testing.assert_array_equal(store.pixels.image(2), cases[2].image)
    np.testing.assert_array_equal(store.pixels.labels(2), cases[2].masks)


@pytest.mark.parametrize("name", ["images.npy", "masks.npy"])
def test_a_part_of_a_damaged_case_is_refused_although_the_part_is_whole(tmp_path: Path, name: str) -> None:
    store, _ = stored(tmp_path / "store", (6, 13))
    content = bytearray((store.path / name).read_bytes())
    content[-1] ^= 1
    (store.path / name).write_bytes(content)
    part = (slice(0, 2), slice(0, 3))
    read = store.pixels.image if name == "images.npy" else store.pixels.labels
    read(0, part)
    with pytest.raises(StoreError, match=f"{name}: damaged in case c3: its CRC-32 does not match"):
        read(3, part)


def test_a_case_that_was_verified_is_read_in_parts_without_reading_it_all_again(tmp_path: Path, monkeypatch) -> None:
    store, _ = stored(tmp_path / "store", (6, 13))
    checked = []
    monkeypatch.setattr(pixels.zlib, "crc32", lambda data, crc32=pixels.zlib.crc32: checked.append(1) or crc32(data))
    for _ in range(3):
        store.pixels.image(1, (slice(0, 2), slice(0, 3)))
    assert len(checked) == 1
    store.pixels.image(1)
    assert len(checked) == 2


def resident_file_bytes() -> int:
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text("ascii").splitlines())
    return 1024 * int(lines["RssFile"].split()[0])


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux alone says what is mapped")
def test_what_was_read_is_let_go(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(pixels, "_MAPPED", 2**22)
    rng = np.random.default_rng(0)
    with StoreWriter(tmp_path / "store", name="large") as writer:
        for number in range(32):
            image = rng.random((1, 512, 1024), np.float32)  # 2 MB each
            writer.add(Case(image, np.zeros((1, 512, 1024), np.uint8), f"c{number}", "p"))
    store = Store.open(tmp_path / "store")
    before = resident_file_bytes()
    most = 0
    for i in range(len(store)):
        assert store.pixels.image(i).any()
        store.pixels.image(i, (slice(0, 512), slice(0, 1024)))
        most = max(most, resident_file_bytes() - before)
    assert most < 16 * 2**20
