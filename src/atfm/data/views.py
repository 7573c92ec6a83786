"""Views of a store: the same cases and the same digest under other splits; nothing is written."""

from collections.abc import Mapping, Sequence

import numpy as np

from atfm.data.store import Store
from atfm.errors import InputError

__all__ = ["fewer_patients", "with_splits"]

_SEED = 0  # of who is among the fewer: the same ones for every method and every seed of a training


def with_splits(store: Store, splits: Mapping[str, Sequence[str]]) -> Store:
    """Return the store with other splits, `{"train": [patient ids], ...}`; what is trained on it has to say so."""
    named = {name: tuple(patients) for name, patients in splits.items()}
    return Store(store.path, store.info.model_copy(update={"splits": named}), store.digest)


def fewer_patients(store: Store, patients: int, split: str = "train") -> Store:
    """Return the store with so many patients in a split, its other splits as they are.

    They are the first of a fixed random order, so that fewer lie within more.

    Raises:
        StoreError: no such split.
        InputError: fewer than one, or more than there are.
    """
    identifiers = store.ids()
    there = sorted({identifiers[i][1] for i in store.split(split)})
    if not 1 <= patients <= len(there):
        raise InputError(
            f"{store.path}: {patients} patients of the split {split}: expected 1 to {len(there)}, as many as it has"
        )
    order = np.random.default_rng(_SEED).permutation(len(there))[:patients]
    return with_splits(store, {**store.info.splits, split: sorted(there[place] for place in order)})
