"""Splits by patient: no patient is in two of them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from atfm.disk.machine import reading
from atfm.errors import InputError
from atfm.io.decoding import brief, is_plain

__all__ = ["FRACTIONS", "check_disjoint", "load_splits", "random_splits"]

FRACTIONS = {"train": 0.64, "val": 0.16, "test": 0.20}


def check_disjoint(splits: Mapping[str, Sequence[str]]) -> None:
    """Refuse splits that share a patient or name one twice.

    Raises:
        InputError: naming the patient and the splits.
    """
    seen: dict[str, str] = {}
    for name, patients in splits.items():
        for patient in patients:
            if patient in seen:
                raise InputError(
                    f"splits: patient {brief(patient)} is in {brief(seen[patient])!r} and in {brief(name)!r}; "
                    "keep one of them"
                )
            seen[patient] = name


def load_splits(path: Path) -> dict[str, list[str]]:
    """Read `{"train": [patient ids], "val": [...], ...}` from a JSON file.

    Raises:
        InputError: an unreadable file, another form, or a patient in two splits.
    """
    try:
        with reading(path):
            splits = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: not valid JSON: {brief(error)}") from error
    lists = isinstance(splits, dict) and all(isinstance(patients, list) for patients in splits.values())
    if not lists or not all(isinstance(patient, str) for patients in splits.values() for patient in patients):
        raise InputError(f'{path}: expected {{"train": ["patient", ...], "val": [...], ...}}, lists of patient ids')
    for name in (*splits, *(patient for patients in splits.values() for patient in patients)):
        if not is_plain(name):
            raise InputError(f"{path}: {brief(name)!r} holds characters that cannot be printed; rename it")
    check_disjoint(splits)
    return dict(splits)


def random_splits(
    patients: Iterable[str], seed: int, fractions: Mapping[str, float] = FRACTIONS
) -> dict[str, list[str]]:
    """Deal patients out to splits at random; the deal depends on the seed and the set of patients alone.

    Args:
        patients: ids, in any order; repeated ones count once.
        seed: of the deal.
        fractions: share of the patients for each split; they sum to 1.

    Returns:
        Sorted patient ids of each split. Every split has a patient when there are as many patients as splits.

    Raises:
        InputError: fractions that are not positive or do not sum to 1.
    """
    shares = np.array(list(fractions.values()), dtype=float)
    if len(shares) == 0 or (shares <= 0).any() or abs(shares.sum() - 1) > 1e-6:
        raise InputError(f"fractions: expected positive numbers that sum to 1, got {dict(fractions)}")
    order = sorted(set(patients))
    np.random.default_rng(seed).shuffle(order)
    counts = np.floor(shares * len(order)).astype(int)
    # What rounding left over goes where most is missing: to splits that are still empty, then by remainder.
    missing = shares * len(order) - counts + (counts == 0)
    for split in np.argsort(-missing, kind="stable")[: len(order) - counts.sum()]:
        counts[split] += 1
    ends = np.cumsum(counts)
    return {name: sorted(order[end - count : end]) for name, count, end in zip(fractions, counts, ends, strict=True)}
