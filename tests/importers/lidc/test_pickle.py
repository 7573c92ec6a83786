"""The pickled dict of Knegt's: what other sets in this layout hold, and what is wrong with an entry."""

import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest

from atfm.data.store import Store
from atfm.errors import InputError
from atfm.importers.lidc.pickle import plan_lidc_pickle
from atfm.importers.plan import build_store

Entry = dict[str, object]


def entry(number: int, *, k: int = 4, shape: tuple[int, ...] = (8, 6), series: str | None = None) -> Entry:
    rng = np.random.default_rng(number)
    return {
        "image": rng.integers(0, 256, shape) / 255,
        "masks": [rng.integers(0, 2, shape[:2]).astype(np.uint8) for _ in range(k)],
        "series_uid": series or f"1.3.6.{number}",
    }


def pickled(path: Path, content: object, protocol: int = 4) -> Path:
    path.write_bytes(pickle.dumps(content, protocol))
    return path


CASES = {f"case_{i}": entry(i, k=1 + i % 4, series=f"1.3.{i // 2}") for i in range(6)}


@pytest.mark.parametrize("protocol", [2, 4, 5])
@pytest.mark.parametrize("pack", ["x.pickle", "x.zip"])
def test_cases_come_as_they_are_in_the_file(tmp_path, protocol, pack) -> None:
    path = pickled(tmp_path / "x.pickle", CASES, protocol)
    if pack == "x.zip":
        with zipfile.ZipFile(tmp_path / pack, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(path, "data/x.pickle")
    seen: list[tuple[int, int]] = []
    info = build_store(
        plan_lidc_pickle(tmp_path / pack, modality="CT", seed=3), tmp_path / "store", lambda *at: seen.append(at)
    )
    store = Store.open(tmp_path / "store")
    store.check()
    assert (info.name, info.modality, info.dtype) == ("x", "CT", "uint8") and seen[-1] == (6, 6)
    assert store.ids() == [(name, value["series_uid"]) for name, value in CASES.items()]
    for case, value in zip(store, CASES.values(), strict=True):
        np.testing.assert_array_equal(case.image[0], value["image"].astype(np.float32))
        np.testing.assert_array_equal(case.masks, value["masks"])
    assert sorted(store.patients()) == ["1.3.0", "1.3.1", "1.3.2"] and store.unassigned() == []


@pytest.mark.parametrize(
    ("change", "channels"),
    [
        ({"image": np.full((8, 6), 51, np.uint8)}, 1),
        ({"image": np.full((1, 8, 6), 13107, np.uint16)}, 1),
        ({"image": np.full((8, 6, 3), 0.2, np.float32)}, 3),
        ({"image": np.full((3, 8, 6), 0.2, ">f8")}, 3),
        ({"masks": np.stack([np.eye(8, 6)] * 4)}, 1),
        ({"masks": np.asfortranarray(np.eye(8, 6, dtype=bool))}, 1),
        ({"masks": [np.eye(8, 6) * 255] * 4, "alpha": np.zeros((2, 2), np.float16), "note": "left out"}, 1),
        ({"masks": tuple(np.stack([np.eye(8, 6, dtype=np.int64)] * 4))}, 1),
        ({"masks": [np.eye(8, 6) * 1.0003] * 4}, 1),
        ({"series_uid": 77}, 1),
    ],
)
def test_forms_that_occur(tmp_path, change, channels) -> None:
    base = {"image": np.full((8, 6), 0.2), "masks": [np.eye(8, 6)] * 4, "series_uid": "77"}
    build_store(plan_lidc_pickle(pickled(tmp_path / "x.pickle", {"a": base | change})), tmp_path / "store")
    case = Store.open(tmp_path / "store")[0]
    np.testing.assert_allclose(case.image, np.full((channels, 8, 6), 0.2), atol=1e-6)
    assert (case.masks == np.eye(8, 6)).all() and len(case.masks) in (1, 4) and case.patient_id == "77"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], r"expected \{case: \{'image': array.*got a list"),
        ({}, "expected .* got a dict"),
        (np.zeros(3), "got a PickledArray"),
        ({"a": 3}, "case a: expected .* got a int"),
        ({None: entry(0)}, "case None: expected"),
        *[
            ({"a": {k: v for k, v in entry(0).items() if k != gone}}, f"case a: it has no '{gone}'")
            for gone in entry(0)
        ],
        ({"a": entry(0) | {"image": "x.png"}}, "case a: image: expected an array, got str"),
        ({"a": entry(0) | {"masks": []}}, "case a: masks: expected a list of arrays"),
        ({"a": entry(0) | {"masks": [1, 2]}}, "case a: masks: expected a list of arrays"),
        ({"a": entry(0) | {"masks": {"x": np.eye(8, 6)}}}, "masks: expected a list of arrays, got dict"),
        ({"a": entry(0) | {"series_uid": ""}}, "series_uid: expected text"),
        ({"a": entry(0) | {"series_uid": None}}, "series_uid: expected text, got NoneType"),
        ({"a": entry(0) | {"image": np.zeros(48)}}, r"case a: expected an image \[H, W\], got shape \[48\]"),
        ({"a": entry(0) | {"image": np.zeros((8, 6, 5))}}, "expected a grey or colour image"),
        ({"a": entry(0) | {"image": np.full((8, 6), 300.0)}}, r"case a: float64 values 300 to 300; .* give a window"),
        ({"a": entry(0) | {"image": np.full((8, 6), np.nan)}}, "case a: holds NaN"),
        ({"a": entry(0) | {"image": np.zeros((0, 6))}}, "expected an image"),
        (
            {"a": entry(0) | {"masks": [np.eye(6, 8)]}},
            r"case a: masks of shape \[1, 6, 8\] beside an image of \[8, 6\]",
        ),
        ({"a": entry(0) | {"masks": [np.eye(8, 6), np.eye(8)]}}, r"case a: masks of shapes \[\(8, 6\), \(8, 8\)\]"),
        ({"a": entry(0) | {"masks": [np.eye(8, 6) * 2]}}, "expected masks of 0 and 1, or 0 and 255, got values"),
        ({"a": entry(0) | {"masks": [np.eye(8, 6) / 2]}}, "expected masks of 0 and 1"),
        ({"a": entry(0) | {"masks": [np.full((8, 6), np.nan)]}}, "expected masks of 0 and 1"),
        ({"a": entry(0), "b": entry(1, shape=(8, 6, 3))}, "case b: image: expected 1 channels"),
        ({"a\nb": entry(0)}, r"case a\\nb: its name or series_uid .* cannot be printed"),
        ({"a": entry(0, series="x\ny" * 99)}, "cannot be printed|series_uid: expected text"),
        ({1: entry(0), "1": entry(1)}, "case 1: there are two of this name"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, content, message) -> None:
    path = pickled(tmp_path / "x.pickle", content)
    with pytest.raises(InputError, match=message) as error:
        build_store(plan_lidc_pickle(path), tmp_path / "store")
    assert "\n" not in str(error.value)
    assert [file.name for file in tmp_path.iterdir()] == ["x.pickle"]


def test_12_bits_in_16_are_warned_of(tmp_path) -> None:
    dark = {"a": entry(0) | {"image": np.full((8, 6), 4000, np.uint16)}}
    build_store(plan_lidc_pickle(pickled(tmp_path / "x.pickle", dark)), tmp_path / "dark")
    assert ["give --bits 12" in said for said in Store.open(tmp_path / "dark").info.warnings or ()].count(True) == 1
    build_store(plan_lidc_pickle(tmp_path / "x.pickle", window=(0, 4095)), tmp_path / "light")
    assert not any("--bits" in said for said in Store.open(tmp_path / "light").info.warnings or ())


def test_window_limit_and_splits(tmp_path) -> None:
    path = pickled(
        tmp_path / "x.pkl", {f"c{i}": entry(i) | {"image": np.full((8, 6), 100.0 * i - 100)} for i in range(4)}
    )
    build_store(
        plan_lidc_pickle(path, window=(-100, 100), limit=3, splits={"train": ["1.3.6.0", "1.3.6.1"]}),
        tmp_path / "store",
    )
    store = Store.open(tmp_path / "store")
    assert [case.image.mean() for case in store] == [0, 0.5, 1] and store.split("train") == [0, 1]
    assert store.unassigned() == ["1.3.6.2"]


def test_memory_does_not_grow_with_the_pixels(tmp_path) -> None:
    import tracemalloc

    path = pickled(tmp_path / "x.pickle", {f"c{i}": entry(i, shape=(96, 96)) for i in range(100)})
    tracemalloc.start()
    build_store(plan_lidc_pickle(path), tmp_path / "store")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert path.stat().st_size > 10e6 and peak < 5e6
    assert len(Store.open(tmp_path / "store")) == 100


@pytest.mark.real
def test_real_brain_growth(shared_data: Path, tmp_path) -> None:
    path = shared_data / "brain_growth" / "brain_growth_alpha.zip"
    build_store(plan_lidc_pickle(path, modality="MR"), tmp_path / "store")
    store = Store.open(tmp_path / "store")
    assert store.check().cases == 39 and {store.annotators(i) for i in range(39)} == {7}
    assert {store.shape(i) for i in range(39)} == {(128, 128)} and store.info.dtype == "uint8"
    assert store.ids()[0] == ("case01", "case01") and len(store.patients()) == 39
    case = store[1]
    assert round(float(case.image.max()) * 255) == 243
    np.testing.assert_allclose(case.masks[:2].mean((1, 2)), [0.14111328125, 0.14276123046875])
    with plan_lidc_pickle(path) as plan:
        np.testing.assert_array_equal(plan.cases[38].read().masks, store[38].masks)
