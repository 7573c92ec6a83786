"""A store in numbers."""

import json

import numpy as np
import pytest

from atfm.data.case import Case
from atfm.data.digest import describe, seeded_cases
from atfm.data.store import Store, StoreWriter


def build(path, masks, **options) -> Store:
    with StoreWriter(path, name="x", **options) as writer:
        for number, stack in enumerate(masks):
            stack = np.asarray(stack, np.uint8)
            image = np.zeros((1, *stack.shape[1:]), np.float32)
            writer.add(Case(image, stack, f"c{number}", f"p{number % 2}"))
    return Store.open(path)


def test_counts_by_hand(tmp_path) -> None:
    one, two, none = [[1, 0], [0, 0]], [[1, 1], [0, 0]], [[0, 0], [0, 0]]
    store = build(tmp_path / "s", [[one, two], [none, one, one], [none]], splits={"train": ["p0"]})
    facts = describe(store, seed=1)
    assert facts["annotators"] == {"1": 1, "2": 1, "3": 1} and facts["filled_masks"] == {"0": 1, "2": 2}
    assert facts["empty_share"] == pytest.approx(2 / 6)
    assert facts["areas"]["1"] == {"min": 1, "q1": 1, "median": 1, "q3": 1.25, "p90": pytest.approx(1.7), "max": 2}
    assert facts["annotator_iou"] == pytest.approx((1 / 2 + (0 + 0 + 1) / 3) / 2)
    assert facts["annotator_iou_cases"] == 2
    assert facts["splits"] == {"train": {"patients": 1, "cases": 2}} and facts["unassigned_patients"] == ["p1"]
    json.dumps(facts)


def test_every_label_but_the_background(tmp_path) -> None:
    store = build(tmp_path / "s", [[[[0, 1], [2, 2]]]], classes=4)
    facts = describe(store)
    assert [facts["areas"][label] and facts["areas"][label]["median"] for label in "123"] == [1, 2, None]
    assert facts["empty_share"] == 0 and facts["annotator_iou"] is None


def test_the_cases_drawn_depend_on_the_seed(tmp_path) -> None:
    store = build(tmp_path / "s", [[[[1, 0]]]] * 30)
    assert seeded_cases(store, 5, 1) == seeded_cases(store, 5, 1) != seeded_cases(store, 5, 2)
    assert seeded_cases(store, 99, 1) == list(range(30))
