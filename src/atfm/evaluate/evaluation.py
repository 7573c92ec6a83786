"""`Evaluation`: everything that is known after a model was scored on a split, and what its reader is warned of.

The scores of each class alone have columns of their own: `ged_16/liver` is the `ged_16` of the class `liver`; without a
class it is that of the masks as wholes.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from atfm.data.layout import StoreInfo
from atfm.data.store import Store
from atfm.evaluate.foreign.convention import Convention
from atfm.evaluate.leak import Leak
from atfm.evaluate.rows import CaseScores
from atfm.metrics.ged import consistent
from atfm.metrics.reliability import ReliabilityBins
from atfm.metrics.resolution import resolution_line, spread_of
from atfm.metrics.table import Interval, few_patients, summarise
from atfm.report.panels import Illustration

__all__ = ["Evaluation", "Result", "of_class", "of_wholes", "scored_classes", "warnings"]

Value = TypeVar("Value")


@dataclass(frozen=True)
class Result:
    """One method, or one reference, on the cases of an evaluation.

    Args:
        name: `atfm`, `gtr`, `always_empty`, ...: what its rows are called.
        rows: one for each case, in the order of the store.
        scores: mean over the cases and bootstrap interval over patients, by metric; `ged_16/liver` of one class.
        bins: reliability of the mean probability; None for a reference.
        title, note: what a reader is told that a method is; of a reference the report knows it.
    """

    name: str
    rows: Sequence[CaseScores]
    scores: Mapping[str, Interval]
    bins: ReliabilityBins | None = None
    title: str = ""
    note: str = ""

    def as_json(self) -> dict[str, dict[str, float | None]]:
        """Mean and interval by metric."""
        return {
            metric: {"mean": score.mean, "low": score.low, "high": score.high} for metric, score in self.scores.items()
        }


@dataclass(frozen=True)
class Evaluation:
    """A model scored on a split of a store.

    Args:
        model: its name.
        result: of the model.
        beside: of other methods on the same cases with the same noise, such as an earlier stage of the model.
        references: always empty, and the annotators' majority.
        store: where the cases are.
        split, samples, seed, limit: as asked for; `limit` is None for a whole split.
        leak: what the guard found.
        warnings: what a reader has to know, one sentence each.
        illustrations: the best, the median and the worst case.
        seconds: how long it took, the time of all processes added up.
        silent: cases that were chosen but have no pixel that counts, and so no score.
        convention: how masks of other code were kept and understood; None of a model.
        drawn: what the model drew by case, as `Entry` keeps it; a case whose samples are too many bytes is absent.
    """

    model: str
    result: Result
    beside: Sequence[Result]
    references: Sequence[Result]
    store: Store
    split: str
    samples: int
    seed: int
    limit: int | None
    leak: Leak
    warnings: Sequence[str]
    illustrations: Sequence[Illustration]
    seconds: float
    silent: int = 0
    convention: Convention | None = None
    drawn: Mapping[str, str] = field(default_factory=dict)

    @property
    def cases(self) -> int:
        """How many cases were scored."""
        return len(self.result.rows)

    @property
    def patients(self) -> int:
        """How many patients they are of."""
        return len({row.patient_id for row in self.result.rows})

    @property
    def split_cases(self) -> int:
        """How many cases the split has, scored or not."""
        return len(self.store.split(self.split))

    @property
    def results(self) -> list[Result]:
        """The model, what was scored beside it, then the references."""
        return [self.result, *self.beside, *self.references]

    @property
    def weighted(self) -> bool:
        """Whether samples of any method carry weights."""
        return any("effective_samples" in result.scores for result in self.results)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes that are scored one by one too; none for binary masks."""
        return scored_classes(self.store.info)

    def as_json(self) -> dict[str, object]:
        """The summary: scores with intervals and all that is needed to make them again; `classes` if there are any."""
        classes = {"classes": list(self.classes)} if self.classes else {}
        predictions = {"predictions": self.convention.as_json()} if self.convention is not None else {}
        return {
            "model": self.model,
            "method": self.result.name,
            "store": self.store.info.name,
            "store_digest": self.store.digest,
            "split": self.split,
            "cases": self.cases,
            "patients": self.patients,
            "samples": self.samples,
            "seed": self.seed,
            "limit": self.limit,
            "leak": self.leak.as_json(),
            "warnings": list(self.warnings),
            **classes,
            **predictions,
            "scores": self.result.as_json(),
            "beside": {result.name: result.as_json() for result in self.beside},
            "references": {reference.name: reference.as_json() for reference in self.references},
            "seconds": round(self.seconds, 1),
        }


def warnings(results: Sequence[Result], leaks: Sequence[Leak], silent: int = 0) -> list[str]:
    """What a reader has to know: an unchecked leak, few patients, missing scores or cases, a table that cannot be.

    Args:
        results: of the model, then of what was scored beside it.
        leaks: what the guard found of each. Of the model itself a leak is an alarm and no warning.
        silent: cases without a pixel that counts.
    """
    found = list(leaks[0].warnings)
    for result, leak in zip(results[1:], leaks[1:], strict=True):
        if leak == leaks[0]:
            continue  # a stage of the model has seen what the model has
        if leak.found:
            found.append(f"{result.name} was trained on {leak.told}.")
        found += [f"{result.name}: {warning}" for warning in leak.warnings]
    for result in results:
        pair = falls_too_far(result.rows)
        if pair is not None:
            n, m = pair
            found.append(
                f"{result.name}: GED falls from {n} to {m} samples by more than self-pairs can explain "
                f"({1 / n - 1 / m:.4f}), so the first samples are unlike the later ones: this table is wrong."
            )
    patients = len({row.patient_id for row in results[0].rows})
    rows = [{"patient": row.patient_id, "ged": row.scores.get("ged")} for row in results[0].rows]
    shown = resolution_line(f"With {patients} patients", patients, spread_of(rows))
    found += [f"{few} {shown}." for few in few_patients(patients)]
    if silent:
        found.append(
            f"{silent} of {len(results[0].rows) + silent} cases have no pixel that counts, as all are ignored: "
            "they are left out."
        )
    alone = sum(row.annotators == 1 for row in results[0].rows)
    if alone:
        found.append(
            f"{alone} of {len(results[0].rows)} cases have one annotator: their unbiased GED, and what further readers "
            "would score, do not exist."
        )
    return found


def falls_too_far(rows: Sequence[CaseScores]) -> tuple[int, int] | None:
    """The first n < m of which GED_n - GED_m exceeds 1/n - 1/m, what any method can show, beyond chance; None of none.

    The bound holds in the mean. GED_n is that of the first n samples and scatters from case to case, so the lower end
    of the interval has to exceed it. Samples with weights do not keep to it.
    """
    equal = [row for row in rows if "effective_samples" not in row.scores]
    counted = [name.removeprefix("ged_") for row in equal[:1] for name in row.scores if name.startswith("ged_")]
    pairs = list(itertools.combinations(sorted(int(n) for n in counted if n.isdecimal()), 2))
    falls = [
        {"patient": row.patient_id, **{f"{n} {m}": row.scores[f"ged_{n}"] - row.scores[f"ged_{m}"] for n, m in pairs}}
        for row in equal
    ]
    found = summarise(falls) if pairs else {}
    for n, m in pairs:
        low = found[f"{n} {m}"].low
        if low is not None and not consistent(low, 0.0, n=n, m=m, rounding=1e-9):
            return n, m
    return None


def scored_classes(info: StoreInfo) -> tuple[str, ...]:
    """The classes that are scored one by one too; none where there is one object, whose scores are the case's own."""
    return info.foreground if len(info.foreground) > 1 else ()


def of_class(scores: Mapping[str, Value], name: str) -> dict[str, Value]:
    """The scores of one class, without its name: `ged_16/liver` as `ged_16`."""
    parts = ((column.partition("/"), value) for column, value in scores.items())
    return {metric: value for (metric, slash, own), value in parts if slash and own == name}


def of_wholes(scores: Mapping[str, Value]) -> dict[str, Value]:
    """The scores of the masks as wholes, all classes together."""
    return {column: value for column, value in scores.items() if "/" not in column}
