"""`Fold`: who is trained on, who chooses among weights, and who is scored; the patients of a store dealt out to folds.

The store stays as it is: a fold is a view of it with splits of its own.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from atfm.data.patients import normal_id
from atfm.data.splits import random_splits
from atfm.data.store import Store
from atfm.data.views import with_splits
from atfm.errors import InputError

__all__ = ["Fold", "deal", "name_of", "part_of"]

SEED = 0  # of the deal: the same folds for every method and every seed of a training, so that scores can be paired
SHARES = {"train": 0.8, "val": 0.2}  # of the patients that a fold does not score


@dataclass(frozen=True)
class Fold:
    """One fold.

    Args:
        number: from 1.
        of: how many there are.
        train, validation, scored: ids of patients; no one is in two of them.
    """

    number: int
    of: int
    train: tuple[str, ...]
    validation: tuple[str, ...]
    scored: tuple[str, ...]

    def view(self, store: Store) -> Store:
        """The store with this fold's splits: train, val, and test for those that are scored."""
        return with_splits(store, {"train": self.train, "val": self.validation, "test": self.scored})


def deal(store: Store, folds: int) -> list[Fold]:
    """Deal the patients of all splits out to folds, as many cases to each as to any other as far as patients allow.

    Ids that are one in several spellings stay together. The deal depends on the patients and their numbers of cases
    alone.

    Args:
        store: whose patients; those in no split are left out.
        folds: how many, at least 2.

    Raises:
        InputError: fewer than two folds, or fewer patients than folds and two more to train and validate on.
    """
    if folds < 2:
        raise InputError(f"--folds: expected at least 2, got {folds}")
    people = _people(store)
    if len(people) < max(folds, 3):
        raise InputError(
            f"{store.path}: {len(people)} patients are too few for {folds} folds, each of which has patients to train "
            f"on, to validate on and to score; give --folds {max(2, min(folds, len(people)))} or more patients"
        )
    counts = Counter(patient for _, patient in store.ids())
    dealt = _dealt({person: (ids, sum(counts[one] for one in ids)) for person, ids in people.items()}, folds)
    return [_fold(number, dealt) for number in range(folds)]


def part_of(store: Store, folds: Sequence[Fold]) -> Store:
    """The store with one split, of all that are scored by any fold, by the name `name_of` gives."""
    return with_splits(store, {name_of(folds): [patient for fold in folds for patient in fold.scored]})


def name_of(folds: Sequence[Fold]) -> str:
    """`5 folds`, as a split is called."""
    return f"{len(folds)} folds"


def _people(store: Store) -> dict[str, list[str]]:
    """The ids of every person, by what they are in any spelling."""
    left = set(store.unassigned()) if store.info.splits else set()
    found: dict[str, list[str]] = defaultdict(list)
    for patient in store.patients():
        if patient not in left:
            found[normal_id(patient)].append(patient)
    return {name: sorted(ids) for name, ids in found.items()}


def _dealt(people: Mapping[str, tuple[Sequence[str], int]], folds: int) -> list[list[str]]:
    """Ids of each fold: people from those with most cases on, each to the fold that has the fewest so far."""
    order = sorted(people)
    np.random.default_rng(SEED).shuffle(order)
    hands: list[list[str]] = [[] for _ in range(folds)]
    cases = [0] * folds
    for person in sorted(order, key=lambda person: -people[person][1]):
        least = min(range(folds), key=lambda fold: (cases[fold], len(hands[fold])))
        hands[least] += people[person][0]
        cases[least] += people[person][1]
    return [sorted(hand) for hand in hands]


def _fold(number: int, dealt: Sequence[Sequence[str]]) -> Fold:
    rest = [patient for other, hand in enumerate(dealt) if other != number for patient in hand]
    by_person: dict[str, list[str]] = defaultdict(list)
    for patient in rest:
        by_person[normal_id(patient)].append(patient)
    shares = random_splits(by_person, SEED, SHARES)
    train, validation = (tuple(sorted(one for person in shares[name] for one in by_person[person])) for name in SHARES)
    return Fold(number + 1, len(dealt), train, validation, tuple(dealt[number]))
