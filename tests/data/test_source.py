"""Cases by number, from a store or from memory: the same pixels either way."""

from pathlib import Path

import numpy as np
import pytest

from atfm.data.case import Case
from atfm.data.source import InMemory, Selection, Source, source_of
from atfm.data.store import Store, StoreWriter


@pytest.mark.parametrize("exact", [True, False])
def test_a_selection_of_a_store_and_the_cases_themselves_say_the_same(tmp_path: Path, exact: bool) -> None:
    rng = np.random.default_rng(0)
    with StoreWriter(tmp_path / "store", name="test") as writer:
        for number in range(6):
            grey = rng.integers(0, 256, (2, 4 + number, 7)).astype(np.float32) / np.float32(255)
            image = grey if exact else rng.random((2, 4 + number, 7), np.float32)
            masks = rng.integers(0, 2, (1 + number % 4, 4 + number, 7), np.uint8)
            writer.add(Case(image, masks, f"c{number}", f"p{number}", (0.5, 1.5)))
    store = Store.open(tmp_path / "store")
    chosen = Selection(store, [4, 1, 2])
    memory = source_of([store[i] for i in (4, 1, 2)])
    assert isinstance(memory, InMemory) and isinstance(chosen, Source) and source_of(chosen) is chosen
    for source in (chosen, memory):
        assert source.case_ids == ["c4", "c1", "c2"]
        assert (len(source), source.channels) == (3, 2)
        assert source.dtype == (np.uint8 if exact else np.float32)
        assert source.shapes.tolist() == [[8, 7], [5, 7], [6, 7]]
        assert source.annotators.tolist() == [1, 2, 3]
    box = (slice(1, 4), slice(2, 6))
    for i, (one, other) in enumerate(zip(chosen, memory, strict=True)):
        np.testing.assert_array_equal(one.image, other.image)
        assert one.case_id == other.case_id and one.patient_id == other.patient_id and one.spacing == other.spacing
        for part in (None, box):
            np.testing.assert_array_equal(chosen.image(i, part), memory.image(i, part))
            np.testing.assert_array_equal(chosen.labels(i, part), memory.labels(i, part))
