"""Patients dealt out: everybody is scored once, by who has not seen him, in folds of even size; the store stays."""

from pathlib import Path

import numpy as np
import pytest

from atfm.data.case import Case
from atfm.data.store import Store, StoreWriter
from atfm.data.views import fewer_patients, with_splits
from atfm.errors import InputError
from atfm.folds import deal, name_of, part_of


def store_of(path: Path, patients: list[str], splits: dict[str, list[str]]) -> Store:
    with StoreWriter(path, name="dots", splits=splits) as writer:
        for number, patient in enumerate(patients):
            masks = np.zeros((2, 8, 8), np.uint8)
            masks[:, 2:5, 2 : 3 + number % 4] = 1
            writer.add(Case(masks.mean(0, dtype=np.float32)[None], masks, f"case-{number}", patient))
    return Store.open(path)


PATIENTS = ["a"] * 5 + ["b"] * 3 + ["c", "d", "e", "f", "g", "P01", "p-1", "h"]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    splits = {"train": ["a", "b", "P01", "p-1"], "val": ["c", "d"], "test": ["e", "f", "g"]}
    return store_of(tmp_path_factory.mktemp("folds") / "store", PATIENTS, splits)


def test_everybody_is_scored_once_and_never_seen_by_his_fold(store: Store) -> None:
    folds = deal(store, 3)
    scored = [patient for fold in folds for patient in fold.scored]
    assert sorted(scored) == sorted({*PATIENTS} - {"h"})  # h is in no split: left out on purpose
    for fold in folds:
        assert sorted([*fold.train, *fold.validation, *fold.scored]) == sorted(scored)
        assert fold.train and fold.validation


def test_folds_are_even_and_one_person_is_in_one(store: Store) -> None:
    folds = deal(store, 3)
    sizes = [sum(PATIENTS.count(patient) for patient in fold.scored) for fold in folds]
    assert sum(sizes) == 15 and max(sizes) - min(sizes) <= 1
    for fold in folds:  # two spellings of one id
        for part in (fold.train, fold.validation, fold.scored):
            assert ("P01" in part) == ("p-1" in part)


def test_the_deal_depends_on_the_patients_alone(store: Store, tmp_path: Path) -> None:
    shuffled = store_of(tmp_path / "other", [*reversed(PATIENTS)], {"train": sorted({*PATIENTS} - {"h"})})
    assert deal(shuffled, 3) == deal(store, 3)


def test_views_are_of_the_same_store(store: Store) -> None:
    folds = deal(store, 3)
    view = folds[0].view(store)
    ids = view.ids()
    assert view.digest == store.digest and {ids[i][1] for i in view.split("test")} == {*folds[0].scored}
    assert len(part_of(store, folds).split(name_of(folds))) == 15
    assert Store.open(store.path).info == store.info


def test_fewer_patients_lie_within_more(store: Store) -> None:
    chosen = [{view.ids()[i][1] for i in view.split("train")} for n in (1, 2, 4) for view in [fewer_patients(store, n)]]
    assert [len(one) for one in chosen] == [1, 2, 4] and chosen[0] < chosen[1] < chosen[2]
    assert fewer_patients(store, 2).split("test") == store.split("test")
    with pytest.raises(InputError, match="5 patients of the split train: expected 1 to 4"):
        fewer_patients(store, 5)


@pytest.mark.parametrize(("folds", "message"), [(1, "expected at least 2, got 1"), (9, "8 patients are too few for 9")])
def test_folds_that_cannot_be(store: Store, folds: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        deal(store, folds)


def test_two_patients_leave_nobody_to_validate_on(store: Store) -> None:
    with pytest.raises(InputError, match="2 patients are too few for 2 folds"):
        deal(with_splits(store, {"train": ["a", "b"]}), 2)
