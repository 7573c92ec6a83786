"""Whether evaluations may stand in one table: the same cases of the same store, samples, seed and meaning of scores."""

from collections.abc import Mapping, Sequence
from typing import Any

from atfm.compare.entrant import Entrant
from atfm.disk.sealed import differing
from atfm.errors import InputError

__all__ = ["PROTOCOL", "check_protocol"]

# What two evaluations must share, with what a reader calls it.
PROTOCOL = {
    "store": "store",
    "split": "split",
    "limit": "number of cases",
    "samples": "number of samples",
    "seed": "seed of the noise",
    "conventions": "metric convention",
}


def check_protocol(entrants: Sequence[Entrant]) -> None:
    """Refuse what cannot stand beside the first, with the reason.

    Raises:
        InputError: another store, split, number of cases or samples, seed or metric convention; other cases.
    """
    first = entrants[0]
    for other in entrants[1:]:
        reasons = [
            f"another {what} ({_told(field, first, other)})"
            for field, what in PROTOCOL.items()
            if first.kept.made_by.get(field) != other.kept.made_by.get(field)
        ]
        if reasons:
            raise InputError(
                f"{other.label} ({other.kept.folder}) cannot stand beside {first.label} ({first.kept.folder}): "
                f"{'; '.join(reasons)}; evaluate both alike"
            )
        cases = [[(row.case_id, row.patient_id) for row in one.kept.own] for one in (first, other)]
        if cases[0] != cases[1]:
            raise InputError(f"{other.label} cannot stand beside {first.label}: other cases were scored; evaluate both")


def _told(field: str, first: Entrant, other: Entrant) -> str:
    """What differs, in a few words."""
    ours, theirs = (entrant.kept.made_by.get(field) for entrant in (first, other))
    if field == "store":
        return " and ".join(_store(entrant.kept.summary) for entrant in (first, other))
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return ", ".join(f"{name}: {ours.get(name)} and {theirs.get(name)}" for name in differing(theirs, ours))
    if field == "conventions":
        return "one of them does not say what its scores mean, it is of an earlier version"
    return f"{'all' if ours is None else ours} and {'all' if theirs is None else theirs}"


def _store(summary: Mapping[str, Any]) -> str:
    return f"{summary['store']}, SHA-256 {str(summary['store_digest'])[:8]}"
