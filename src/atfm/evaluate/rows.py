"""The rows of an evaluation, one for each case and method, and the `Entry` of a case that holds all of its rows."""

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from atfm.io.cells import cell
from atfm.metrics.table import METRICS

__all__ = ["CaseScores", "Entry", "columns", "rows_text"]

Sums = Mapping[str, list[list[float]]]  # the state of `ReliabilityBins`


@dataclass(frozen=True)
class CaseScores:
    """The scores of one case by one method.

    Args:
        method: name of the method or reference.
        case_id, patient_id: as in the store.
        annotators: `K`.
        scores: by metric; one that does not exist for this case is absent.
    """

    method: str
    case_id: str
    patient_id: str
    annotators: int
    scores: Mapping[str, float]


@dataclass(frozen=True)
class Entry:
    """All that is kept of a case once it is scored, in numbers and text.

    Args:
        number: of the case in its store.
        case_id, patient_id, annotators: as in `CaseScores`.
        scores: by method or reference, then by metric; none at all where no pixel counts.
        bins: by method, the state of `ReliabilityBins` of this case.
        seconds: what it took.
        drawn: what the model drew, see `report.drawn.Drawn.text`; "" where it is too large to be kept.
    """

    number: int
    case_id: str
    patient_id: str
    annotators: int
    scores: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    bins: Mapping[str, Sums] = field(default_factory=dict)
    seconds: float = 0.0
    drawn: str = ""

    def row(self, method: str) -> CaseScores:
        """Return the row of one method or reference."""
        return CaseScores(method, self.case_id, self.patient_id, self.annotators, self.scores[method])

    def as_json(self) -> dict[str, Any]:
        """Return what `from_json` takes back to the last bit."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Self:
        """Return the entry that `as_json` described.

        Raises:
            TypeError: something else.
        """
        return cls(**value)


def rows_text(rows: Iterable[CaseScores], metrics: Sequence[str]) -> str:
    """Rows as CSV: `method, case_id, patient_id, annotators`, then the metrics."""
    stream = io.StringIO(newline="")
    table = csv.writer(stream)
    table.writerow(["method", "case_id", "patient_id", "annotators", *metrics])
    table.writerows(
        [
            cell(row.method),
            cell(row.case_id),
            cell(row.patient_id),
            row.annotators,
            *(text(row, name) for name in metrics),
        ]
        for row in rows
    )
    return stream.getvalue()


def text(row: CaseScores, metric: str) -> str:
    """A score with seven digits, nothing where there is none."""
    value = row.scores.get(metric, math.nan)
    return f"{value:.7g}" if math.isfinite(value) else ""


def columns(ns: Sequence[int], classes: Sequence[str] = (), *, weighted: bool = False) -> list[str]:
    """Every score that a row can hold; ECE belongs to all cases and is not one.

    Args:
        ns: numbers of samples.
        classes: those that are scored one by one too: `ged_16`, then `ged_16/liver` of each, see `scored_classes`.
        weighted: whether samples carry weights, and have an effective number.
    """
    families = [name for name in METRICS if name not in ("ece", "effective_samples")]
    single = [name for name in families if not name.endswith("_n")]
    wholes = single + [f"{name[:-1]}{n}" for name in families if name.endswith("_n") for n in ns]
    each = [f"{name}/{label}" for label in classes for name in wholes]
    return [*wholes, *each, *["effective_samples"] * weighted]
