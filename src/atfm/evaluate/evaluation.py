"""`Evaluation`: everything that is known after a model was scored on a split."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from atfm.data.store import Store
from atfm.evaluate.classes import scored_classes
from atfm.evaluate.guard import Leak
from atfm.evaluate.rows import Row
from atfm.metrics.calibration import ReliabilityBins
from atfm.metrics.table import Interval
from atfm.report.panels import Illustration

__all__ = ["Evaluation", "Result"]


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
    rows: Sequence[Row]
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
            "scores": self.result.as_json(),
            "beside": {result.name: result.as_json() for result in self.beside},
            "references": {reference.name: reference.as_json() for reference in self.references},
            "seconds": round(self.seconds, 1),
        }
