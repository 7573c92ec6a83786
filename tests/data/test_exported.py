import json

import numpy as np
import pytest

from atfm.data.case import Case
from atfm.data.exported import export, read_names
from atfm.data.store import Store, StoreWriter
from atfm.errors import InputError
from atfm.io.images import read_image, read_mask, read_pixels


def store_of(path, image: np.ndarray, masks: np.ndarray, **options) -> Store:
    spacing = tuple(0.5 + axis for axis in range(image.ndim - 1))
    with StoreWriter(path, name="x", splits={"train": ["a"], "test": ["b"]}, **options) as out:
        out.add(Case(image, masks, "=a/0", "a", spacing))
        out.add(Case(image, masks, "b/0", "b", spacing))
    return Store.open(path)


@pytest.mark.parametrize(
    ("channels", "size", "steps", "suffix"),
    [
        (1, (5, 6), True, ".png"),
        (3, (5, 6), True, ".png"),
        (1, (5, 6), False, ".npy"),
        (2, (5, 6), True, ".npy"),
        (1, (4, 5, 6), True, ".nii.gz"),
        (1, (4, 5, 6), False, ".nii.gz"),
        (2, (4, 5, 6), False, ".npy"),
    ],
)
def test_every_value_comes_back(tmp_path, channels: int, size: tuple[int, ...], steps: bool, suffix: str) -> None:
    rng = np.random.default_rng(0)
    image = rng.random((channels, *size), np.float32)
    image = (np.rint(image * 255) / np.float32(255)).astype(np.float32) if steps else image
    masks = rng.integers(0, 3, (3, *size)).astype(np.uint8)
    store = store_of(tmp_path / "store", image, masks, classes=3)
    told = export(store, tmp_path / "out", ["train", "test"])
    assert told["cases"] == 2 and told["white"] == (255 if steps else 1)
    file = tmp_path / "out" / "images" / f"b__0{suffix}"
    found = read_image(file, spatial_dims=len(size)).pixels if suffix != ".npy" else np.load(file)
    found = found / np.float32(255) if found.dtype == np.uint8 else found
    assert found.dtype == np.float32 and (found == image).all()
    for number, mask in enumerate(masks):
        kind = ".png" if len(size) == 2 else ".nii.gz"
        read = read_mask(tmp_path / "out" / "masks" / "b__0" / f"reader-{number}{kind}", classes=3)
        assert (read == mask).all()
    assert read_names(tmp_path / "out" / "cases.csv") == {"_a__0": "=a/0", "b__0": "b/0"}


@pytest.mark.parametrize("lies", ["LPS", "RAS", "PIR", "SLA"])
def test_a_volume_lies_as_its_store_does(tmp_path, lies: str) -> None:
    image = np.zeros((1, 4, 5, 6), np.float32)
    store = store_of(tmp_path / "store", image, np.zeros((1, 4, 5, 6), np.uint8), orientation=lies)
    export(store, tmp_path / "out", ["test"])
    geometry = read_pixels(tmp_path / "out" / "images" / "b__0.nii.gz").geometry
    assert geometry is not None and geometry.orientation == lies
    assert geometry.spacing == pytest.approx((0.5, 1.5, 2.5))


def test_a_volume_of_unknown_orientation_says_its_size_alone(tmp_path) -> None:
    store = store_of(tmp_path / "store", np.zeros((1, 4, 5, 6), np.float32), np.zeros((1, 4, 5, 6), np.uint8))
    export(store, tmp_path / "out", ["test"])
    picture = read_pixels(tmp_path / "out" / "images" / "b__0.nii.gz")
    assert picture.geometry is None and picture.spacing == pytest.approx((0.5, 1.5, 2.5))


def test_a_whole_export_stays_and_another_is_not_written_over_it(tmp_path) -> None:
    store = store_of(tmp_path / "store", np.zeros((1, 5, 6), np.float32), np.zeros((2, 5, 6), np.uint8))
    first = export(store, tmp_path / "out", ["test"])
    before = (tmp_path / "out" / "export.json").stat().st_mtime_ns
    assert (
        export(store, tmp_path / "out", ["test"]) == first == json.loads((tmp_path / "out" / "export.json").read_text())
    )
    assert (tmp_path / "out" / "export.json").stat().st_mtime_ns == before
    with pytest.raises(InputError, match="exists already"):
        export(store, tmp_path / "out", ["train"])
    (tmp_path / "out" / "images" / "b__0.png").unlink()
    with pytest.raises(InputError, match="exists already"):
        export(store, tmp_path / "out", ["test"])
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["out", "store"], "no lock and no half is left"


def test_what_a_killed_export_left_is_begun_anew_and_an_error_leaves_nothing(tmp_path, monkeypatch) -> None:
    store = store_of(tmp_path / "store", np.zeros((1, 5, 6), np.float32), np.zeros((2, 5, 6), np.uint8))
    (tmp_path / ".out.partial-export" / "images").mkdir(parents=True)
    (tmp_path / ".out.partial-export" / "images" / "strange.png").write_bytes(b"")

    def broken(done: int, total: int) -> None:
        raise InputError("stop")

    with pytest.raises(InputError, match="stop"):
        export(store, tmp_path / "out", ["test"], broken)
    assert not (tmp_path / "out").exists() and not (tmp_path / ".out.partial-export").exists()
    export(store, tmp_path / "out", ["test"])
    assert [file.name for file in (tmp_path / "out" / "images").iterdir()] == ["b__0.png"]
