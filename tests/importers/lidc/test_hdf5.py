"""HDF5 with a group for each split, in the forms that PHiSeg, MoSE and CCDM have written."""

from pathlib import Path

import h5py
import numpy as np
import pytest

from atfm.data.store import Store
from atfm.errors import InputError
from atfm.importers.lidc import hdf5 as lidc_hdf5
from atfm.importers.lidc.hdf5 import plan_lidc_hdf5
from atfm.importers.plan import build_store

Groups = dict[str, dict[str, object]]


def group(number: int, n: int = 3, uids: object = None) -> dict[str, object]:
    rng = np.random.default_rng(number)
    return {
        "images": rng.integers(0, 256, (n, 8, 6)) / 255 - 0.5,
        "labels": rng.integers(0, 2, (n, 8, 6, 4), np.uint8),
        "uids": np.array([hash((number, i // 2)) for i in range(n)]) if uids is None else uids,
    }


def written(path: Path, groups: Groups, **options: object) -> Path:
    with h5py.File(path, "w") as file:
        for name, fields in groups.items():
            made = file.create_group(name)
            for field, values in fields.items():
                made.create_dataset(field, data=values, **(options if field != "uids" else {}))
    return path


SPLIT = {name: group(i) for i, name in enumerate(["test", "train", "val"])}


@pytest.mark.parametrize("options", [{}, {"compression": "gzip", "chunks": True}])
def test_phiseg_s_layout(tmp_path, options) -> None:
    seen: list[tuple[int, int]] = []
    path = written(tmp_path / "x.hdf5", SPLIT, **options)
    info = build_store(plan_lidc_hdf5(path), tmp_path / "store", lambda *at: seen.append(at))
    store = Store.open(tmp_path / "store")
    store.check()
    assert info.licence == "CC BY 3.0" and info.dtype == "uint8" and seen == [(i, 9) for i in range(1, 10)]
    assert [case_id for case_id, _ in store.ids()] == [f"{s}/{i}" for s in ("train", "val", "test") for i in range(3)]
    assert list(info.splits) == ["train", "val", "test"] and store.split("val") == [3, 4, 5]
    assert store.ids()[0][1] == store.ids()[1][1] != store.ids()[2][1] and len(store.patients()) == 6
    for i, name in enumerate(("train", "val", "test")):
        case = store[3 * i + 1]
        np.testing.assert_allclose(case.image[0], SPLIT[name]["images"][1] + 0.5, atol=1e-6)
        np.testing.assert_array_equal(case.masks, np.moveaxis(SPLIT[name]["labels"][1], -1, 0))


@pytest.mark.parametrize(
    ("images", "labels", "uids"),
    [
        (np.full((3, 8, 6), 0.2), np.ones((3, 4, 8, 6), np.uint8), ["a", "b", "c"]),
        (np.full((3, 1, 8, 6), 0.2, np.float32), np.ones((3, 8, 6, 2), bool), np.array([b"a", b"b", b"c"])),
        (np.full((3, 8, 6, 1), 51, np.uint8), np.full((3, 1, 8, 6), 255, np.uint8), ["a", "b", "c"]),
        (np.full((3, 8, 6), 13107, np.uint16), np.ones((3, 8, 6, 4), np.float64), ["a", "b", "c"]),
    ],
)
def test_other_layouts(tmp_path, images, labels, uids) -> None:
    path = written(tmp_path / "x.h5", {"train": {"images": images, "labels": labels, "uids": uids}})
    build_store(plan_lidc_hdf5(path), tmp_path / "store")
    store = Store.open(tmp_path / "store")
    assert store.patients() == ["a", "b", "c"] and list(store.info.splits) == ["train"]
    for case in store:
        np.testing.assert_allclose(case.image, np.full((1, 8, 6), 0.2), atol=1e-6)
        assert case.masks.all() and len(case.masks) == min(labels.shape[1], labels.shape[3])


def test_one_dark_pixel_anywhere_tells_that_the_file_is_centred(tmp_path) -> None:
    images = {name: np.full((2, 8, 6), 0.25) for name in ("train", "test")}
    images["test"][1, 3, 3] = -0.5
    path = written(tmp_path / "x.h5", {s: group(i, 2) | {"images": images[s]} for i, s in enumerate(images)})
    build_store(plan_lidc_hdf5(path), tmp_path / "store")
    assert Store.open(tmp_path / "store")[0].image.mean() == 0.75
    build_store(plan_lidc_hdf5(path, window=(-0.5, 1)), tmp_path / "other")
    assert Store.open(tmp_path / "other")[0].image.mean() == 0.5


def test_the_limit_is_for_each_split(tmp_path) -> None:
    build_store(plan_lidc_hdf5(written(tmp_path / "x.h5", SPLIT), limit=1), tmp_path / "store")
    store = Store.open(tmp_path / "store")
    assert [case_id for case_id, _ in store.ids()] == ["train/0", "val/0", "test/0"] and store.unassigned() == []


def without(field: str) -> Groups:
    return {"train": {name: values for name, values in group(0).items() if name != field}}


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ({}, "expected groups train, val, test, .* got an empty file"),
        ({"other": {"x": [1]}}, "other: it has no array 'images'"),
        *[(without(field), f"train: it has no array '{field}'") for field in ("images", "labels", "uids")],
        ({"train": group(0) | {"images": np.zeros((3, 8))}}, r"train/images: shape \[3, 8\] of float64"),
        ({"train": group(0) | {"labels": np.zeros((3, 8, 6))}}, r"train/labels: shape \[3, 8, 6\]"),
        ({"train": group(0) | {"images": np.full((3, 8, 6), b"x")}}, r"train/images: .* of \|S1"),
        ({"train": group(0) | {"uids": [1, 2]}}, r"train: 3 images, 3 labels and uids of shape \[2\]"),
        ({"train": group(0) | {"labels": np.zeros((2, 8, 6, 4))}}, "train: 3 images, 2 labels"),
        ({"train": group(0, uids=["a", "b\nc", "d"])}, r"x.h5: cannot be read as HDF5.* uid .*b.*n.*c.* is no name"),
        ({"train": group(0, uids=[1, 1, 2]), "val": group(1, uids=[2, 3, 4])}, "x.h5: splits: patient 2 is in 'train'"),
        (
            {"train": group(0) | {"labels": np.full((3, 8, 6, 4), 7)}},
            r"train\[0\]: expected masks of 0 and 1, .*got .*7",
        ),
        ({"train": group(0) | {"labels": np.zeros((3, 5, 6, 4))}}, r"train\[0\]: masks of shape \[5, 6, 4\]"),
        (
            {"train": group(0) | {"images": np.full((3, 8, 6), -0.7)}},
            r"train\[0\]: float64 values -0.2 .* give a window",
        ),
        ({"train": group(0) | {"images": np.full((3, 8, 6), 40)}}, r"train\[0\]: int64 values 40 .* give a window"),
        ({"train": group(0) | {"images": np.full((3, 8, 6), np.nan)}}, r"train\[0\]: holds NaN"),
        ({"train": group(0) | {"images": np.zeros((3, 2, 8, 6))}}, "expected a grey or colour image"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, groups, message) -> None:
    path = written(tmp_path / "x.h5", groups)
    with pytest.raises(InputError, match=message) as error:
        build_store(plan_lidc_hdf5(path), tmp_path / "store")
    assert "x.h5" in str(error.value) and "\n" not in str(error.value)
    assert [file.name for file in tmp_path.iterdir()] == ["x.h5"]


def test_numbers_that_lie_in_other_files_are_refused(tmp_path) -> None:
    other = written(tmp_path / "other.h5", {"train": group(0)})
    with h5py.File(tmp_path / "link.h5", "w") as file:
        file["train"] = h5py.ExternalLink(str(other), "train")
    with pytest.raises(InputError, match=r"link\.h5: train: it has no array 'images'"):
        build_store(plan_lidc_hdf5(tmp_path / "link.h5"), tmp_path / "store")
    path = written(tmp_path / "raw.h5", {"train": {k: v for k, v in group(0).items() if k != "images"}})
    with h5py.File(path, "a") as file:
        file["train"].create_dataset("images", (3, 8, 6), "u1", external=[(str(other), 0, 144)])
    with pytest.raises(InputError, match="train/images: its numbers lie in other files"):
        build_store(plan_lidc_hdf5(path), tmp_path / "store")
    with h5py.File(path, "a") as file:
        del file["train/images"]
        layout = h5py.VirtualLayout((3, 8, 6), "f8")
        layout[:] = h5py.VirtualSource(str(other), "train/images", (3, 8, 6))
        file["train"].create_virtual_dataset("images", layout)
    with pytest.raises(InputError, match="train/images: its numbers lie in other files"):
        build_store(plan_lidc_hdf5(path), tmp_path / "store")


def test_a_file_that_claims_to_be_huge(tmp_path) -> None:
    path = written(tmp_path / "x.h5", {"train": {k: v for k, v in group(0).items() if k != "images"}})
    with h5py.File(path, "a") as file:
        file["train"].create_dataset("images", (3, 10**6, 10**6), "u1", chunks=(1, 100, 100))
    with pytest.raises(InputError, match="is more than a slice may have"):
        build_store(plan_lidc_hdf5(path), tmp_path / "store")


def test_damaged_and_absent_files(tmp_path) -> None:
    whole = written(tmp_path / "x.h5", SPLIT, compression="gzip").read_bytes()
    for keep in (0, 100, len(whole) // 2):
        (tmp_path / "cut.h5").write_bytes(whole[:keep])
        with pytest.raises(InputError, match=r"cut\.h5: cannot be read as HDF5"):
            build_store(plan_lidc_hdf5(tmp_path / "cut.h5"), tmp_path / "store")
    with pytest.raises(InputError, match=r"none\.h5: no such file"):
        build_store(plan_lidc_hdf5(tmp_path / "none.h5"), tmp_path / "store")
    rng = np.random.default_rng(0)
    for _ in range(40):
        content = bytearray(whole)
        for position in rng.integers(len(whole), size=3):
            content[position] ^= 1 << rng.integers(8)
        (tmp_path / "flipped.h5").write_bytes(content)
        try:
            build_store(plan_lidc_hdf5(tmp_path / "flipped.h5"), tmp_path / "store")
            Store.open(tmp_path / "store").check()
            (tmp_path / "store").rename(tmp_path / f"whole-{_}")
        except InputError as error:
            assert "\n" not in str(error)


@pytest.mark.parametrize("size", [0, 2**64 - 1])
def test_text_over_which_the_library_never_comes_back(tmp_path, monkeypatch, size) -> None:
    monkeypatch.setattr(lidc_hdf5, "CPU_SECONDS", 2)
    fields = group(0) | {"uids": np.array(["1.2", "1.3", "1.4"], object)}
    path = written(tmp_path / "x.h5", {"train": fields})
    build_store(plan_lidc_hdf5(path), tmp_path / "store")
    content = path.read_bytes()
    heap = content.index(b"GCOL")  # its first text: number, references and four empty bytes, then the length
    path.write_bytes(content[: heap + 24] + size.to_bytes(8, "little") + content[heap + 32 :])
    with pytest.raises(InputError, match="the text of train/uids cannot be read"):
        build_store(plan_lidc_hdf5(path), tmp_path / "other")


def test_more_slices_than_a_group_may_have(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(lidc_hdf5, "MOST_CASES", 2)
    with pytest.raises(InputError, match=r"x\.h5: train: 3 slices, more than the 2 that a group may have; cut it up"):
        build_store(plan_lidc_hdf5(written(tmp_path / "x.h5", SPLIT)), tmp_path / "store")
