"""DeepMind's crops: the official split, in folders or zips, and what is missing is named."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from atfm.data.store import Store
from atfm.errors import InputError
from atfm.importers.lidc.hpunet import plan_lidc_hpunet
from atfm.importers.plan import build_store

Files = dict[str, bytes]
SIZE = (180, 180)


def png(pixels: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def crop(split: str, patient: str, name: str, *, masks: int = 4) -> Files:
    rng = np.random.default_rng(list(f"{patient}{name}".encode()))
    files = {f"{split}/images/{patient}/{name}.png": png(rng.integers(0, 256, SIZE, np.uint8))}
    for k in range(masks):
        files[f"{split}/gt/{patient}/{name}_l{k}.png"] = png(rng.integers(0, 2, SIZE, np.uint8) * np.uint8(255))
    return files


def as_zip(path: Path, files: Files) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def as_folder(path: Path, files: Files) -> Path:
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


ALL = {
    **crop("lidc_crops/test", "LIDC-IDRI-0010", "z-10.0_c0"),
    **crop("lidc_crops/train", "LIDC-IDRI-0002", "s10"),
    **crop("lidc_crops/train", "LIDC-IDRI-0002", "s9"),
    **crop("lidc_crops/val", "LIDC-IDRI-0001", "a_l1_b"),
    "lidc_crops/README.txt": b"",
}


@pytest.mark.parametrize("pack", [as_zip, as_folder])
def test_the_official_split(tmp_path, pack: Callable[[Path, Files], Path]) -> None:
    seen: list[tuple[int, int]] = []
    info = build_store(plan_lidc_hpunet([pack(tmp_path / "in", ALL)]), tmp_path / "store", lambda *at: seen.append(at))
    store = Store.open(tmp_path / "store")
    store.check()
    assert info.licence == "CC BY 3.0" and info.dtype == "uint8" and store.shape(0) == SIZE and seen[-1] == (4, 4)
    assert store.ids() == [
        ("train/LIDC-IDRI-0002/s9", "LIDC-IDRI-0002"),
        ("train/LIDC-IDRI-0002/s10", "LIDC-IDRI-0002"),
        ("val/LIDC-IDRI-0001/a_l1_b", "LIDC-IDRI-0001"),
        ("test/LIDC-IDRI-0010/z-10.0_c0", "LIDC-IDRI-0010"),
    ]
    assert [store.split(name) for name in ("train", "val", "test")] == [[0, 1], [2], [3]]
    for k in range(4):
        stored = Image.open(io.BytesIO(ALL[f"lidc_crops/train/gt/LIDC-IDRI-0002/s10_l{k}.png"]))
        np.testing.assert_array_equal(store[1].masks[k] * 255, np.asarray(stored))
    stored = Image.open(io.BytesIO(ALL["lidc_crops/val/images/LIDC-IDRI-0001/a_l1_b.png"]))
    np.testing.assert_array_equal(np.rint(store[2].image[0] * 255), np.asarray(stored))


def test_parts_one_by_one_and_a_limit(tmp_path) -> None:
    parts = [
        as_zip(tmp_path / "test.zip", crop("lidc_crops_test", "P3", "a")),
        as_folder(tmp_path / "train", crop("lidc_crops_train", "P1", "a") | crop("lidc_crops_train", "P1", "b")),
    ]
    build_store(plan_lidc_hpunet(parts, limit=1), tmp_path / "store")
    store = Store.open(tmp_path / "store")
    assert [case_id for case_id, _ in store.ids()] == ["train/P1/a", "test/P3/a"]
    assert list(store.info.splits) == ["train", "test"]


ONE = crop("train", "P1", "a")
IMAGE, MASK = "train/images/P1/a.png", "train/gt/P1/a_l2.png"


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "no slices found; expected files such as train/images"),
        ({"a.png": ONE[IMAGE], "training/images/P1/a.png": ONE[IMAGE]}, "no slices found"),
        ({name: c for name, c in ONE.items() if name != IMAGE}, r"gt/P1/a_l0.png: a mask without an image"),
        ({name: c for name, c in (ONE | crop("train", "P1", "b")).items() if name != MASK}, "a.png: .* no mask _l2"),
        ({IMAGE: ONE[IMAGE]}, "images/P1/a.png: this slice has no mask _l0"),
        (ONE | crop("test", "P1", "b"), "splits: patient P1 is in 'train' and in 'test'"),
        (ONE | {"x/" + IMAGE: ONE[IMAGE]}, "the same file is also in .*train/images/P1/a.png"),
        (ONE | {IMAGE: ONE[IMAGE][:99]}, "images/P1/a.png: cannot be read as an image"),
        (ONE | {MASK: png(np.zeros((180, 179), np.uint8))}, r"a_l2.png: a mask of \[180, 179\] pixels beside"),
        (ONE | {MASK: png(np.full(SIZE, 9, np.uint8))}, r"a_l2.png: expected a mask of 0 and 255, got values 9"),
        (ONE | {IMAGE: png(np.zeros((*SIZE, 3), np.uint8))}, "expected an 8-bit grey PNG, got one of mode RGB"),
        (ONE | {"../x": b""}, "leads out of the archive"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, files, message) -> None:
    path = as_zip(tmp_path / "in.zip", files)
    with pytest.raises(InputError, match=message) as error:
        build_store(plan_lidc_hpunet([path]), tmp_path / "store")
    assert "\n" not in str(error.value) and [file.name for file in tmp_path.iterdir()] == ["in.zip"]
