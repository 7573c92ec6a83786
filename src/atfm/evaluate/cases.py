"""Which cases are scored: all of a split or a fixed subset, and none of a patient that the model was trained on.

The guard against leaks lets such a case through only where that is asked for, and says so.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from atfm.data.splits import patient_hash
from atfm.errors import InputError, LeakError

__all__ = ["Leak", "choose", "guard"]

# The subset is the same for every seed of the noise, so that runs with several seeds score the same cases.
ORDER_SEED = 2511_06857
NAMED = 5  # patients written out in the error and the report; the others are counted


@dataclass(frozen=True)
class Leak:
    """What the guard found.

    Args:
        checked: False where the model carries no list of the patients it was trained on: nothing could be compared.
        patients: the patients of the test that the model was trained on, sorted; empty for an honest score.
    """

    checked: bool
    patients: tuple[str, ...] = ()

    @property
    def names(self) -> str:
        """The first patients by name, and the number of the others."""
        named = ", ".join(self.patients[:NAMED])
        others = len(self.patients) - NAMED
        return f"{named} and {others} more" if others > 0 else named

    def as_json(self) -> dict[str, object]:
        """The stamp that a summary carries: whether it was checked, and how many patients overlap."""
        return {"checked": self.checked, "patients": len(self.patients), "names": list(self.patients[:NAMED])}


def guard(trained_on: Collection[str], patients: Iterable[str], *, model: str, allow_leak: bool = False) -> Leak:
    """Compare the patients of a test with those that a model was trained on.

    Args:
        trained_on: hashes of every patient that any stage of the model was trained on.
        patients: patient ids of the test, as the store names them.
        model: the name of the model, for the error.
        allow_leak: score anyway; the leak is then part of the result.

    Raises:
        LeakError: some patients are on both sides and `allow_leak` is False.
    """
    tested = sorted(set(patients))
    leak = Leak(bool(trained_on), tuple(patient for patient in tested if patient_hash(patient) in trained_on))
    if leak.patients and not allow_leak:
        raise LeakError(
            f"{model} was trained on {len(leak.patients)} of the {len(tested)} patients to be scored "
            f"({leak.names}); choose a split it has not seen, or score it with --allow-leak: the report says so"
        )
    return leak


def choose(indices: Sequence[int], limit: int | None = None) -> list[int]:
    """The first `limit` cases of a fixed random order, sorted; a smaller subset lies within a larger one.

    Args:
        indices: the cases of a split.
        limit: how many of them, at least 1; None, or more than there are, takes all.

    Raises:
        InputError: a limit below 1.
    """
    if limit is not None and limit < 1:
        raise InputError(f"limit: expected at least 1 case, got {limit}; leave it out to score the whole split")
    ordered = sorted(indices)
    if limit is None or limit >= len(ordered):
        return ordered
    order = np.random.default_rng(ORDER_SEED).permutation(len(ordered))
    return sorted(ordered[position] for position in order[:limit])
