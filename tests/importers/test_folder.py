"""Folders of any layout become stores, by patterns."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from atfm.data.store import Store
from atfm.errors import InputError
from atfm.importers.folder import plan_folder
from atfm.importers.form import Form
from atfm.importers.naming import Pattern
from atfm.importers.plan import build_store
from atfm.importers.survey import survey

RNG = np.random.default_rng(0)
PAIRED = {"images": "images/{case}.png", "masks": "masks/{case}_{annotator}.png"}
NESTED = {"images": "{case}/image.png", "masks": "{case}/{annotator}.png"}


def put(path: Path, pixels: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".npy":
        np.save(path, pixels)
    elif path.suffix == ".gz":
        nibabel.save(nibabel.Nifti1Image(pixels.T, np.diag([1, 2, 3, 1])), path)
    else:
        Image.fromarray(pixels).save(path)
    return path


def grey(*shape: int) -> np.ndarray:
    return RNG.integers(0, 256, shape or (8, 6), np.uint8)


def mask(*shape: int) -> np.ndarray:
    return RNG.integers(0, 2, shape or (8, 6), np.uint8) * np.uint8(255)


def imported(folder: Path, **options) -> Store:
    build_store(plan_folder(folder, **options), folder.parent / "store")
    store = Store.open(folder.parent / "store")
    store.check()
    return store


@pytest.fixture
def paired(tmp_path: Path) -> Path:
    folder = tmp_path / "scans"
    for case, annotators in (("a_1", ["x", "y"]), ("a_2", ["x"]), ("a_10", ["x", "y", "z_2"])):
        put(folder / f"images/{case}.png", grey())
        for who in annotators:
            put(folder / f"masks/{case}_{who}.png", mask())
    return folder


def test_unequal_annotators_in_natural_order(paired) -> None:
    store = imported(paired, **PAIRED)
    assert [case for case, _ in store.ids()] == ["a_1", "a_2", "a_10"]
    assert [store.annotators(i) for i in range(3)] == [2, 1, 3]
    assert store.patients() == ["a_1", "a_2", "a_10"] and store.unassigned() == [] and store.info.name == "scans"
    stored = np.asarray(Image.open(paired / "masks/a_10_z_2.png"))
    np.testing.assert_array_equal(store[2].masks[2] * 255, stored)


def test_an_image_is_not_a_mask(tmp_path) -> None:
    for case in ("one", "two"):
        put(tmp_path / "in" / case / "image.png", grey())
        put(tmp_path / "in" / case / "anna.png", mask())
        put(tmp_path / "in" / case / "ben.png", mask())
    store = imported(tmp_path / "in", **NESTED)
    assert [store.annotators(i) for i in range(2)] == [2, 2]


def test_patients_from_a_regular_expression(paired) -> None:
    store = imported(paired, **PAIRED, patient="^([^_]+)_")
    assert store.patients() == ["a"]


def test_patients_from_the_pattern(tmp_path) -> None:
    for patient in ("p1", "p2"):
        for visit in ("v1", "v2"):
            put(tmp_path / "in" / patient / visit / "image.png", grey())
            put(tmp_path / "in" / patient / visit / "anna.png", mask())
    store = imported(
        tmp_path / "in", images="{patient}/{case}/image.png", masks="{patient}/{case}/{annotator}.png", seed=3
    )
    assert store.ids() == [(f"{p}/{v}", p) for p in ("p1", "p2") for v in ("v1", "v2")]


def test_given_splits_and_dealt_ones(paired) -> None:
    store = imported(paired, **PAIRED, splits={"train": ["a_1"]})
    assert store.unassigned() == ["a_2", "a_10"]
    build_store(plan_folder(paired, **PAIRED, fractions={"train": 0.5, "test": 0.5}, seed=1), paired.parent / "dealt")
    assert {name: len(p) for name, p in Store.open(paired.parent / "dealt").info.splits.items()} in (
        {"train": 1, "test": 2},
        {"train": 2, "test": 1},
    )


def test_size_and_grey(tmp_path) -> None:
    flat = np.zeros((40, 30, 3), np.uint8)
    flat[:] = (200, 100, 50)
    put(tmp_path / "in/images/a.png", flat)
    put(tmp_path / "in/images/b.png", grey(16, 24, 3))
    half = np.zeros((40, 30), np.uint8)
    half[:, :15] = 255
    put(tmp_path / "in/masks/a_x.png", half)
    put(tmp_path / "in/masks/b_x.png", mask(16, 24))
    store = imported(tmp_path / "in", **PAIRED, form=Form(size=(8, 12), grey=True))
    assert [store.shape(i) for i in range(2)] == [(8, 12), (8, 12)] and store.info.dtype == "uint8"
    np.testing.assert_allclose(store[0].image, round(0.299 * 200 + 0.587 * 100 + 0.114 * 50) / 255, atol=1e-6)
    np.testing.assert_array_equal(store[0].masks[0], np.repeat([[1, 0]], 6, axis=1).repeat(8, axis=0))
    assert store[0].spacing == (40 / 8, 30 / 12)


def test_shrinking_is_antialiased(tmp_path) -> None:
    stripes = np.zeros((32, 32), np.uint8)
    stripes[:, ::2] = 255
    put(tmp_path / "in/images/a.png", stripes)
    put(tmp_path / "in/masks/a_x.png", mask(32, 32))
    store = imported(tmp_path / "in", **PAIRED, form=Form(size=(8, 8)))
    np.testing.assert_allclose(store[0].image, 0.5, atol=0.05)
    assert set(np.unique(store[0].masks)) <= {0, 1}


def test_label_maps_and_volumes(tmp_path) -> None:
    volume, labels = RNG.random((3, 8, 6), np.float32), RNG.integers(0, 3, (3, 8, 6), np.uint8)
    put(tmp_path / "in/a/ct.nii.gz", volume)
    put(tmp_path / "in/a/anna.nii.gz", labels)
    options = {"images": "{case}/ct.nii.gz", "masks": "{case}/{annotator}.nii.gz"}
    store = imported(tmp_path / "in", **options, form=Form(classes=3))
    assert (store.info.spatial_dims, store.info.classes, store.info.dtype) == (3, 3, "float32")
    np.testing.assert_array_equal(store[0].image[0], volume)
    np.testing.assert_array_equal(store[0].masks[0], labels)
    assert store[0].spacing == (3, 2, 1)
    with pytest.raises(InputError, match="only 2-D images can be resized"):
        build_store(plan_folder(tmp_path / "in", **options, form=Form(classes=3, size=(4, 4))), tmp_path / "other")


def test_a_mask_of_another_size_is_named(paired) -> None:
    put(paired / "masks/a_2_x.png", mask(8, 7))
    with pytest.raises(InputError, match=r"a_2_x.png: a mask of \[8, 7\] pixels beside an image of \[8, 6\]"):
        imported(paired, **PAIRED)


def test_incomplete_cases_are_named_or_left_out(paired) -> None:
    put(paired / "images/lonely.png", grey())
    with pytest.raises(InputError, match=r"lonely.png: no mask of this image fits .*--skip-incomplete"):
        imported(paired, **PAIRED)
    (paired / "images/lonely.png").unlink()
    put(paired / "masks/stray_x.png", mask())
    with pytest.raises(InputError, match=r"stray_x.png: a mask without an image"):
        imported(paired, **PAIRED)
    put(paired / "images/lonely.png", grey())
    assert len(imported(paired, **PAIRED, skip_incomplete=True)) == 3


@pytest.mark.parametrize(
    ("images", "masks", "message"),
    [
        ("images/{name}.png", "m/{case}.png", "unknown '{name}'; it may hold"),
        ("images/a.png", "m/{case}.png", "it has no {case}"),
        ("images/{case}.png", "m/{annotator}.png", "it has no {case}"),
        ("images/{case}_{annotator}.png", "m/{case}.png", r"an image has no \{annotator\}"),
        (
            "pictures/{case}.png",
            "masks/{case}_{annotator}.png",
            "no file fits .* of the images; it holds images/a_1.png",
        ),
        ("images/{case}.png", "outlines/{case}.png", "no mask fits"),
        ("*/{case}.png", "masks/{case}_{annotator}.png", None),
        ("images/{case}_*.png", "masks/{case}_{annotator}.png", "case a has an image already"),
        ("images/{case}.png", "masks/{case}_*.png", "has a mask already and the pattern has no {annotator}"),
        ("images/{case}.png", "*/{case}_{annotator}.png", None),
    ],
)
def test_patterns(paired, images, masks, message) -> None:
    if message is None:
        assert len(imported(paired, images=images, masks=masks)) == 3
        return
    with pytest.raises(InputError, match=message):
        imported(paired, images=images, masks=masks)


def test_folders_and_regular_expressions_that_do_not_work(paired) -> None:
    with pytest.raises(InputError, match="no such folder"):
        imported(paired / "none", **PAIRED)
    for pattern, message in (
        ("(", "not a regular expression"),
        ("^(q+)", "no group of it fits case 'a_1'"),
        ("a", "no group"),
    ):
        with pytest.raises(InputError, match=message):
            imported(paired, **PAIRED, patient=pattern)


@pytest.mark.parametrize(
    ("pattern", "name", "found"),
    [
        ("{case}_{annotator}.png", "a_b_c.png", [("a_b", "c"), ("a", "b_c")]),
        ("{case}/{case}_{annotator}.png", "a/a_b.png", [("a", "b")]),
        ("{case}/{case}_{annotator}.png", "a/c_b.png", []),
        ("m/{case}*.png", "m/a.png", [("a", None)]),
        ("{case}.png", "sub/a.png", []),
        ("case/{case}.png", "case/case.png", [("case", None)]),
        ("{case}.png", "a.png.bak", []),
        ("{case}.p[n]g", "a.png", []),
    ],
)
def test_every_reading_of_a_name(pattern, name, found) -> None:
    readings = [(match["case"], match.get("annotator")) for match in Pattern(pattern).matches(name)]
    assert [reading for reading in readings if reading in found] == found and (found or not readings)


def test_a_label_that_says_nothing(tmp_path) -> None:
    labels = RNG.integers(0, 3, (8, 6), np.uint8)
    labels[2:4] = 255
    put(tmp_path / "in/images/a.png", grey())
    put(tmp_path / "in/masks/a_x.png", labels)
    store = imported(tmp_path / "in", **PAIRED, form=Form(classes=3, ignore_label=255))
    assert store.info.ignore_label == 255
    np.testing.assert_array_equal(store[0].masks[0], labels)
    for form, message in (
        (Form(classes=2, ignore_label=255), r"a_x.png: expected labels 0 to 1 or 255, got 2"),
        (Form(classes=3), r"a_x.png: expected labels 0 to 2"),
        (Form(classes=3, ignore_label=2), "ignore_label: expected at least 2 classes and a label from 3 to 255"),
    ):
        with pytest.raises(InputError, match=message):
            build_store(plan_folder(tmp_path / "in", **PAIRED, form=form), tmp_path / "other")


def test_classes_with_names(tmp_path) -> None:
    put(tmp_path / "in/images/a.png", grey())
    put(tmp_path / "in/masks/a_x.png", RNG.integers(0, 3, (8, 6), np.uint8))
    store = imported(tmp_path / "in", **PAIRED, form=Form(classes=3), class_names=["liver", "tumour"])
    assert store.info.class_names == ("liver", "tumour")
    with plan_folder(tmp_path / "in", **PAIRED, form=Form(classes=3), class_names=["liver"]) as plan:
        with pytest.raises(InputError, match="class_names: expected 2 different names"):
            survey(plan)
        with plan_folder(tmp_path / "in", **PAIRED, form=Form(classes=3)) as other:
            assert plan.fingerprint() != other.fingerprint(), "other names make another store"


@pytest.mark.real
def test_real_skin(shared_data: Path, tmp_path) -> None:
    patterns = {"images": "images/{case}-p1c.png", "masks": "masks/{case}_{annotator}_net_atyp.png"}
    build_store(plan_folder(shared_data / "skin", **patterns), tmp_path / "skin")
    store = Store.open(tmp_path / "skin")
    assert len(store) == 8 and store.info.channels == 3 and store.info.dtype == "uint8"
    assert sorted(store.annotators(i) for i in range(8)) == [2, 2, 2, 3, 3, 3, 4, 4]
    assert store.ids()[0][0] == "UDA2_pilot_002" and all(0.005 < mask.mean() < 0.5 for mask in store[0].masks)


@pytest.mark.real
def test_real_cells(shared_data: Path, tmp_path) -> None:
    build_store(plan_folder(shared_data / "cells/ds1", **NESTED, form=Form(size=(96, 96))), tmp_path / "cells")
    store = Store.open(tmp_path / "cells")
    assert len(store) == 35 and {store.annotators(i) for i in range(35)} == {10}
    assert store.ids()[3][0] == "b04" and all(mask.any() for case in store for mask in case.masks)
    assert [len(store.split(name)) for name in ("train", "val", "test")] == [22, 6, 7]


@pytest.mark.parametrize("name", ["a\nb", "a\u2028b"])
def test_names_that_nobody_can_read_are_refused_where_they_matter(tmp_path, name) -> None:
    for path in (f"images/{name}.png", f"masks/{name}_x.png"):
        folder = tmp_path / path[:5]
        (folder / "images").mkdir(parents=True)
        (folder / "masks").mkdir()
        for file in ("images/c.png", "masks/c_x.png", path):
            Image.fromarray(np.zeros((3, 3), np.uint8)).save(folder / file)
        with pytest.raises(InputError, match="cannot be printed; rename it"):
            build_store(
                plan_folder(folder, images="images/{case}.png", masks="masks/{case}_{annotator}.png"),
                tmp_path / "store",
            )
        (folder / path).rename(folder / f"{name}.txt")  # a name that no pattern fits does no harm
        build_store(
            plan_folder(folder, images="images/{case}.png", masks="masks/{case}_{annotator}.png"), folder / "store"
        )
