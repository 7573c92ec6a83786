"""The GED of images by how many of their annotations are empty, and what the model's own readers would give there.

To look at images whose annotators all saw nothing is to look at an outcome: among them even a model that draws exactly
as readers do has a positive GED, since it knows how likely that was and not that it came so, and among those with some
empty annotations a negative one. What a model has to be held against is what it would score if its annotators were
drawn from itself: `own_ged` of `score_case`, by the empty masks among those.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from atfm.evaluate.evaluation import Result
from atfm.evaluate.rows import CaseScores
from atfm.metrics.table import Interval, summarise

__all__ = ["Line", "by_empty"]

_MOST = 6  # annotators: with more of them shares are told in five groups
_SHARES = ("none", "up to a third", "a third to two thirds", "over two thirds", "all")


@dataclass(frozen=True)
class Line:
    """Images with as many empty annotations.

    Args:
        name: how many: "1 of 4", or a share.
        cases: images.
        ged: their GED; None where there is no such image.
        predicted: the share of empty masks that the model draws of them.
        own_cases: images of which as many of the model's own readers drew nothing.
        own_ged: their GED against these.
    """

    name: str
    cases: int
    ged: Interval | None
    predicted: Interval | None
    own_cases: int
    own_ged: Interval | None

    def as_json(self) -> dict[str, Any]:
        """For the summary."""
        scores = {name: getattr(self, name) for name in ("ged", "predicted", "own_ged")}
        told = {
            name: None if one is None else {"mean": one.mean, "low": one.low, "high": one.high}
            for name, one in scores.items()
        }
        return {"empty": self.name, "cases": self.cases, "own_cases": self.own_cases, **told}


def by_empty(result: Result, seed: int = 0) -> list[Line]:
    """Return the lines of a model, from no empty annotation to all; none where no annotation is empty.

    Args:
        result: of the model.
        seed: of the intervals.
    """
    rows = [row for row in result.rows if "ged" in row.scores and "own_ged" in row.scores]
    if not any(row.scores["empty_drawn"] for row in rows):
        return []
    name_of, names = _names({row.annotators for row in rows})
    drawn = _groups(rows, "empty_drawn", name_of)
    own = _groups(rows, "own_empty", name_of)
    return [
        Line(
            name,
            len(drawn.get(name, [])),
            _mean(drawn.get(name, []), "ged", seed),
            _mean(drawn.get(name, []), "empty_predicted", seed),
            len(own.get(name, [])),
            _mean(own.get(name, []), "own_ged", seed),
        )
        for name in names
        if name in drawn or name in own
    ]


def _names(annotators: set[int]) -> tuple[Callable[[float, int], str], Sequence[str]]:
    """How a share of empty masks among so many is called, and all such names in order."""
    if len(annotators) == 1 and max(annotators) <= _MOST:
        (k,) = annotators
        return (lambda share, _: f"{round(share * k)} of {k}"), [f"{number} of {k}" for number in range(k + 1)]

    def name(share: float, k: int) -> str:
        empty = round(share * k)
        inner = 1 if 3 * empty <= k else 2 if 3 * empty <= 2 * k else 3
        return _SHARES[0 if empty == 0 else 4 if empty == k else inner]

    return name, _SHARES


def _groups(
    rows: Sequence[CaseScores], column: str, name_of: Callable[[float, int], str]
) -> Mapping[str, list[CaseScores]]:
    groups: dict[str, list[CaseScores]] = {}
    for row in rows:
        groups.setdefault(name_of(row.scores[column], row.annotators), []).append(row)
    return groups


def _mean(rows: Sequence[CaseScores], column: str, seed: int) -> Interval | None:
    found = summarise([{"patient": row.patient_id, column: row.scores[column]} for row in rows], seed=seed)
    return found.get(column)
