"""Facts are those of the training cases alone, counted by hand."""

import numpy as np
import pytest

from atfm.data.case import Case
from atfm.data.store import Store, StoreWriter
from atfm.plan.facts import Range, facts_of


@pytest.fixture
def store(tmp_path) -> Store:
    """Two training cases, of which one is denied by a reader, and one for validation that must not count."""
    rng, masks = np.random.default_rng(0), np.zeros((3, 2, 40, 60), np.uint8)
    masks[0, 0, 5:15, 20:40] = 1  # 10 x 20, and the other reader marks nothing
    masks[1, 0, 10:30, 20:40] = 1
    masks[1, 1, 10:30, 30:50] = 1  # two squares of 20 that share half
    masks[2, :, 0:40, 0:60] = 1
    with StoreWriter(tmp_path / "store", name="dots", splits={"train": ["a", "b"], "val": ["c"]}) as writer:
        for name, mask in zip("abc", masks, strict=True):
            image = rng.integers(0, 256, (1, 40, 60)).astype(np.float32) / np.float32(255)
            writer.add(Case(image, mask, case_id=name, patient_id=name))
    return Store.open(tmp_path / "store")


def test_facts_are_counted(store: Store) -> None:
    facts = facts_of(store)
    assert (facts.cases, facts.patients, facts.validation) == (2, 2, 1)
    assert facts.size == Range((40, 60), (40, 60), (40, 60)) and facts.same_size
    assert facts.lesion == Range((10, 20), (15, 25), (20, 30))
    assert (facts.empty, facts.denied, facts.disjoint) == (0.25, 1, 0.0)
    assert facts.agreement == pytest.approx(1 / 3)  # of the case that both marked
    assert facts.small == pytest.approx(20) and facts.readers == (2, 2, 2)
    assert (facts.spacing, facts.unsaid, facts.dims) == (None, 1.0, 2)
    assert facts.reach == pytest.approx(0.75, abs=0.01)  # rows 5 of 0 to 40: 15 of 20 from the middle
    assert facts.as_json()["lesion"]["usual"] == (15, 25)


def test_a_range_is_scaled_along_each_axis() -> None:
    assert Range((2, 4), (4, 8), (6, 12)).times((0.5, 0.25)) == Range((1, 1), (2, 2), (3, 3))
