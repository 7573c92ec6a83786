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
from atfm.metrics.content import content_of
from atfm.metrics.masks import Array
from atfm.metrics.processes import from_all, rank
from atfm.metrics.table import Interval, summarise

__all__ = ["CaseScores"]

# Of JSON, so that rows can be saved and sent: "patient", "scores", "content", and "bins" where wanted.
Entry = dict[str, Any]


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
            case_id: its name; the same case again is not scored again. None makes one up.
            patient_id: who it belongs to, for the intervals; None takes every case for a patient of its own.
            ignore: pixels that do not count, `[*spatial]` or `[K, *spatial]`.
            weights: of the samples, `[S]` of sum 1; None where all weigh alike.

        Returns:
            The scores of the case, as kept.

        Raises:
            InputError: shapes or values that do not fit, or a name that other masks or another patient have already.
        """
        name = self._unused() if case_id is None else str(case_id)
        patient = name if patient_id is None else str(patient_id)
        scored = None if name in self._entries else self.score(samples, annotations, probability, ignore, weights)
        content = content_of({"annotations": [annotations, ignore], "samples": [samples, probability, weights]})
        if scored is not None:
            self._entries[name] = {"patient": patient, "content": content, **scored}
        self._check_same(name, {"patient": patient, "content": content})
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

        A case that several processes have scored is taken from the first of them, where its annotations are the same.

        Raises:
            InputError: two processes have given one name to cases of other annotations.
        """
        whole = copy(self)
        whole.reset()
        for state in from_all(self.state_dict()):
            whole.merge(state)
        return whole

    def merge(self, state: Mapping[str, Any]) -> None:
        """Add the cases of a `state_dict` that are not here yet.

        Raises:
            InputError: no state of such scores, or a case of other annotations, or of another patient, under the name
                of one that is here.
        """
        entries = state.get("cases")
        if not isinstance(entries, Mapping) or not all("scores" in entry for entry in entries.values()):
            raise InputError(f"state: expected 'cases', each with its 'scores', got {list(state)}")
        for name, entry in entries.items():
            if name in self._entries:  # another process may have drawn other samples of the same case
                known = dict(entry.get("content", {}))
                known.pop("samples", None)
                self._check_same(name, {"patient": entry.get("patient"), "content": known})
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

    def _check_same(self, name: str, other: Entry) -> None:
        """Refuse another case, or another drawing, under a name that is known; states of old have no content."""
        entry = self._entries[name]
        known = entry.get("content", {})
        differ = [part for part, digest in other["content"].items() if known.get(part, digest) != digest]
        differ += ["patient"] * (entry.get("patient") != other["patient"])
        if differ:
            raise InputError(
                f"case {name}: its {' and '.join(differ)} are not those that were scored under this name; give every "
                "case a name of its own, or call reset() first"
            )

    def _unused(self) -> str:
        """A name that no case has, in this process or another."""
        number = len(self._entries)
        while f"#{rank()}-{number}" in self._entries:
            number += 1
        return f"#{rank()}-{number}"
