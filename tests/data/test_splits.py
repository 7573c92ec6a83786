"""Splits are by patient, repeatable, and each patient is in one of them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from atfm.data.splits import FRACTIONS, load_splits, random_splits
from atfm.errors import InputError


@given(st.sets(st.text(min_size=1, max_size=5), max_size=40), st.integers(0, 5))
def test_every_patient_is_dealt_once(patients, seed) -> None:
    splits = random_splits(patients, seed)
    dealt = [patient for names in splits.values() for patient in names]
    assert sorted(dealt) == sorted(patients)
    assert list(splits) == ["train", "val", "test"]
    if len(patients) >= 3:
        assert all(splits.values())
    for name, share in FRACTIONS.items():
        assert abs(len(splits[name]) - share * len(patients)) < 2


def test_the_deal_depends_on_seed_and_set_alone() -> None:
    names = [f"p{i}" for i in range(50)]
    assert random_splits(names, 1) == random_splits(reversed(names + names), 1) != random_splits(names, 2)


@pytest.mark.parametrize("fractions", [{}, {"train": 0.5}, {"train": 1.5, "test": -0.5}])
def test_fractions_have_to_sum_to_one(fractions) -> None:
    with pytest.raises(InputError, match="fractions: expected positive numbers that sum to 1"):
        random_splits(["a"], 0, fractions)


def test_load_splits(tmp_path) -> None:
    file = tmp_path / "splits.json"
    file.write_text(json.dumps({"train": ["a", "b"], "test": ["c"]}))
    assert load_splits(file) == {"train": ["a", "b"], "test": ["c"]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not valid JSON"),
        ("[]", "expected"),
        ('{"train": "a"}', "expected"),
        ('{"train": [1]}', "expected"),
        ('{"train": ["a"], "test": ["a"]}', "patient a is in 'train' and in 'test'"),
        ('{"train": ["a", "a"]}', "patient a is in 'train' and in 'train'"),
    ],
)
def test_splits_that_are_none(tmp_path, text, message) -> None:
    file = tmp_path / "splits.json"
    file.write_text(text)
    with pytest.raises(InputError, match=message):
        load_splits(file)


def test_missing_splits(tmp_path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        load_splits(tmp_path / "none.json")


@pytest.mark.parametrize(
    "text",
    ["[" * 10**5, '{"a": ' + "9" * 5000 + "}", '{"a": ["\\ud800"]}', '{"a\\nb": ["c"]}', '{"a": ["p\\u2028"]}'],
)
def test_json_that_python_stumbles_over_or_nobody_can_print(tmp_path, text) -> None:
    (tmp_path / "splits.json").write_text(text)
    with pytest.raises(InputError) as error:
        load_splits(tmp_path / "splits.json")
    assert len(str(error.value).splitlines()) == 1 and str(error.value).isprintable()


def test_a_patient_in_two_splits_is_named_in_short(tmp_path) -> None:
    (tmp_path / "splits.json").write_text(json.dumps({"a": ["p" * 10**6], "b": ["p" * 10**6]}))
    with pytest.raises(InputError, match=r"ppp \.\.\. is in 'a' and in 'b'"):
        load_splits(tmp_path / "splits.json")
