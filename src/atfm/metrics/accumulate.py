"""Scores gathered case by case, over batches, restarts and processes, with the verbs that torchmetrics made usual.

    scores.update(samples, annotations, case_id=..., patient_id=...)     for each case
    scores.compute()                                                     means over the cases, over all processes
    scores.reset()

What is kept is a row for each case, by its `case_id`, and never a running sum: a case that a `DistributedSampler` hands
to two processes so that all have equally many counts once, and the intervals can be drawn over patients. Rows are
averaged in the order of their names, so that one process and many give the same figures, to the last bit.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from typing import Any, Self

from atfm.errors import InputError
from atfm.metrics.calibration import ReliabilityBins
from atfm.metrics.masks import Array, as_masks, share
from atfm.metrics.processes import from_all, rank
from atfm.metrics.scores import score_case
from atfm.metrics.table import Interval, summarise
from atfm.metrics.weights import as_weights

__all__ = ["CaseScores", "DistributionScores"]

Entry = dict[str, Any]  # of JSON, so that rows can be saved and sent: "patient", "scores", and "bins" where wanted


class CaseScores(ABC):
    """The rows of the cases so far; what makes up a row is said by a subclass, in `score`.

    Args:
        seed: of the bootstrap over patients.
        resamples: how many times the patients are drawn anew.
        confidence: share of the bootstrap means within an interval, in (0, 1).
    """

    def __init__(self, *, seed: int = 0, resamples: int = 1000, confidence: float = 0.95) -> None:
        self.bootstrap: dict[str, Any] = {"seed": seed, "resamples": resamples, "confidence": confidence}
        self._entries: dict[str, Entry] = {}

    @abstractmethod
    def score(
        self,
        samples: Array,
        annotations: Array,
        probability: Array | None,
        ignore: Array | None,
        weights: Array | None,
    ) -> Mapping[str, object]:
        """Return what an entry keeps of a case besides its patient: `scores`, and whatever else."""

    def __len__(self) -> int:
        return len(self._entries)

    def update(
        self,
        samples: Array,
        annotations: Array,
        probability: Array | None = None,
        *,
        case_id: str | None = None,
        patient_id: str | None = None,
        ignore: Array | None = None,
        weights: Array | None = None,
    ) -> dict[str, float]:
        """Score one case and keep its row.

        Args:
            samples: `[S, C, *spatial]`, values 0 or 1.
            annotations: `[K, C, *spatial]`, values 0 or 1; `K` may differ from case to case.
            probability: `[C, *spatial]` in [0, 1]; None takes the (weighted) share of the samples.
            case_id: its name; a name that is known already is not scored again. None makes one up.
            patient_id: who it belongs to, for the intervals; None takes every case for a patient of its own.
            ignore: pixels that do not count, `[*spatial]` or `[K, *spatial]`.
            weights: of the samples, `[S]` of sum 1; None where all weigh alike.

        Returns:
            The scores of the case, as kept.

        Raises:
            InputError: shapes or values that do not fit.
        """
        name = self._unused() if case_id is None else str(case_id)
        if name not in self._entries:
            scored = dict(self.score(samples, annotations, probability, ignore, weights))
            self._entries[name] = {"patient": name if patient_id is None else str(patient_id), **scored}
        return dict(self._entries[name]["scores"])

    def update_batch(
        self,
        samples: Iterable[Array],
        annotations: Iterable[Array],
        probability: Iterable[Array] | None = None,
        *,
        case_ids: Sequence[str] | None = None,
        patient_ids: Sequence[str] | None = None,
        ignore: Iterable[Array] | None = None,
        weights: Iterable[Array] | None = None,
    ) -> None:
        """Score a batch: `[B, S, C, *spatial]` and `[B, K, C, *spatial]`, or lists of as many cases.

        Raises:
            InputError: as `update`, or arguments of different lengths.
        """
        given: dict[str, Any] = {"annotations": annotations, "probability": probability, "case_id": case_ids}
        given |= {"patient_id": patient_ids, "ignore": ignore, "weights": weights}
        cases = list(samples)
        columns = {name: list(values) for name, values in given.items() if values is not None}
        for name, values in columns.items():
            if len(values) != len(cases):
                raise InputError(f"{name}: expected one for each of {len(cases)} cases, got {len(values)}")
        for number, drawn in enumerate(cases):
            self.update(drawn, **{name: values[number] for name, values in columns.items()})

    def rows(self) -> list[dict[str, object]]:
        """Return the rows of this process in the order of their names: `case`, `patient`, and the scores."""
        return [
            {"case": name, "patient": entry["patient"], **entry["scores"]}
            for name, entry in sorted(self._entries.items())
        ]

    def gather(self) -> Self:
        """Return a copy that holds the cases of all processes, each once; all of them have to call it.

        A case that several processes have scored is taken from the first of them.
        """
        whole = copy(self)
        whole.reset()
        for state in from_all(self.state_dict()):
            whole.merge(state)
        return whole

    def merge(self, state: Mapping[str, Any]) -> None:
        """Add the cases of a `state_dict` that are not here yet.

        Raises:
            InputError: no state of such scores.
        """
        entries = state.get("cases")
        if not isinstance(entries, Mapping) or not all("scores" in entry for entry in entries.values()):
            raise InputError(f"state: expected 'cases', each with its 'scores', got {list(state)}")
        for name, entry in entries.items():
            self._entries.setdefault(name, dict(entry))

    def reset(self) -> None:
        """Forget all cases."""
        self._entries = {}

    def state_dict(self) -> dict[str, Any]:
        """Return all rows as plain numbers, text and dictionaries, which JSON and `torch.save` can keep."""
        return {"cases": {name: dict(entry) for name, entry in self._entries.items()}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from what `state_dict` returned; the cases so far are forgotten.

        Raises:
            InputError: no state of such scores.
        """
        self.reset()
        self.merge(state)

    def intervals(self) -> dict[str, Interval]:
        """Return mean and interval of every score over the cases of all processes; all of them have to call it."""
        return summarise(self.gather().rows(), **self.bootstrap)

    def _unused(self) -> str:
        """A name that no case has, in this process or another."""
        number = len(self._entries)
        while f"#{rank()}-{number}" in self._entries:
            number += 1
        return f"#{rank()}-{number}"


class DistributionScores(CaseScores):
    """Every score of `score_case`, with bootstrap intervals over patients, and the calibration error.

    Args:
        ns: numbers of samples to score.
        empty: the IoU and Dice of empty against empty, as in `overlaps`.
        per_class: as in `score_case`.
        bins: of the probability, for ECE; 0 leaves it out.
        bootstrap: `seed`, `resamples` and `confidence` of the intervals.
    """

    def __init__(
        self,
        *,
        ns: Sequence[int] = (1, 2, 4, 8, 16, 32, 50, 100),
        empty: float | None = 1.0,
        per_class: bool | Sequence[str] = False,
        bins: int = 20,
        **bootstrap: Any,
    ) -> None:
        super().__init__(**bootstrap)
        self.ns, self.empty, self.per_class, self.bins = tuple(ns), empty, per_class, bins

    def score(
        self,
        samples: Array,
        annotations: Array,
        probability: Array | None,
        ignore: Array | None,
        weights: Array | None,
    ) -> Mapping[str, object]:
        scores = score_case(
            samples,
            annotations,
            probability,
            weights=weights,
            ns=self.ns,
            empty=self.empty,
            ignore=ignore,
            per_class=self.per_class,
        )
        if not self.bins:
            return {"scores": scores}
        bins = ReliabilityBins(self.bins)
        if probability is None:
            masks = as_masks(samples, "samples")
            probability = share(masks, as_weights(weights, len(masks)))
        bins.update(probability, annotations, ignore=ignore)
        return {"scores": scores, "bins": bins.state_dict()}

    def compute(self) -> dict[str, Interval]:
        """Return the interval of every score, `ece` last and without ends, over the cases of all processes.

        All processes have to call it. No case, no scores.

        Raises:
            InputError: a `confidence` out of range.
        """
        whole = self.gather()
        intervals = summarise(whole.rows(), **self.bootstrap)
        if self.bins and len(whole):
            intervals["ece"] = Interval(whole.reliability().ece, None, None, len(whole))
        return intervals

    def reliability(self) -> ReliabilityBins:
        """Return the bins of the cases of this process, for the figure.

        Raises:
            InputError: `bins` is 0, or cases that were scored with another number of bins.
        """
        total, one = ReliabilityBins(self.bins), ReliabilityBins(self.bins)
        for name, entry in sorted(self._entries.items()):
            if "bins" not in entry:
                raise InputError(f"case {name}: expected {self.bins} bins, got none; score it again, or set bins=0")
            one.load_state_dict(entry["bins"])
            total.merge(one)
        return total
