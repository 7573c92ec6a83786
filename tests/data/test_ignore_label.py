"""Pixels of which an annotator says nothing, from the store to the batch."""

from pathlib import Path

import numpy as np
import pytest
import torch

from atfm.data.case import Case
from atfm.data.held import Held
from atfm.data.store import Store, StoreWriter
from atfm.errors import InputError


def labelled() -> Case:
    masks = np.array([[[0, 1, 255], [2, 2, 0]], [[0, 255, 255], [1, 2, 0]]], np.uint8)
    return Case(np.zeros((1, 2, 3), np.float32), masks, "a", "p")


def test_a_store_keeps_it_and_refuses_other_labels_still(tmp_path: Path) -> None:
    with StoreWriter(tmp_path / "store", name="void", classes=3, ignore_label=255) as writer:
        writer.add(labelled())
        with pytest.raises(InputError, match="expected labels 0 to 2, got 254"):
            writer.add(Case(np.zeros((1, 2, 3), np.float32), np.full((1, 2, 3), 254, np.uint8), "b", "p"))
    store = Store.open(tmp_path / "store")
    store.check()
    assert store.info.ignore_label == 255
    np.testing.assert_array_equal(store[0].masks, labelled().masks)


@pytest.mark.parametrize(("classes", "label"), [(1, 255), (3, 2), (3, 256)])
def test_a_label_that_cannot_be_meant_is_refused(tmp_path: Path, classes: int, label: int) -> None:
    with pytest.raises(InputError, match="ignore_label: expected at least 2 classes and a label from"):
        StoreWriter(tmp_path / "store", name="void", classes=classes, ignore_label=label)


def test_a_batch_says_which_pixels_count() -> None:
    batch = Held([labelled()], 3, ignore_label=255).batch(torch.tensor([0]))
    assert batch.valid is not None
    np.testing.assert_array_equal(batch.valid[0].numpy(), labelled().masks != 255)
    np.testing.assert_array_equal(batch.annotations.sum(2)[0].bool().numpy(), labelled().masks != 255)
    assert Held([labelled()], 256).batch(torch.tensor([0])).valid is None
