"""`Choice`: which weights a training ends with: the best of each stage, and of the stages those that pay.

Validations are of the same cases with the same noise, and so compared case by case: with the differences `d` of the GED
the later is better beyond its noise where `mean(d) < -se(d)`, the error over patients (`atfm.metrics.significance`). A
stage ends when none was so for `patience` validations, counted from the last that was; its result is the validation of
the least mean. A stage is kept where the mean of its result is below that of the last stage that was kept. Otherwise
the weights of before are taken back if they are of the same method, and are what is published in any case.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from torch import Tensor

from atfm.metrics.significance import difference, mean_and_error
from atfm.metrics.table import Interval, summarise
from atfm.train.checkpoint import named, prefixed

__all__ = ["Candidate", "Choice", "ged_of", "in_words"]

Scores = Sequence[float | None]
Weights = Mapping[str, Tensor]


@dataclass(frozen=True)
class Candidate:
    """Weights that may be the result.

    Args:
        stage: that they are of.
        step: after which they were validated.
        scores: GED of each validation case; None where nothing counts.
        weights: of the stage's method.
        what: a reader is told that they are; the stage where it is empty.
    """

    stage: str
    step: int
    scores: Scores
    weights: Weights = field(repr=False)
    what: str = ""

    @property
    def mean(self) -> float:
        """The mean GED."""
        there = [score for score in self.scores if score is not None]
        return sum(there) / len(there) if there else float("inf")

    def as_json(self) -> dict[str, Any]:
        """All but the weights."""
        return {"stage": self.stage, "step": self.step, "scores": list(self.scores), "what": self.what}

    def copied(self) -> Self:
        """The same with weights of its own."""
        return replace(self, weights={name: value.detach().clone() for name, value in self.weights.items()})


class Choice:
    """Which weights a training ends with.

    Args:
        patience: as of the configuration; None: no stage ends early, and its last weights are its result.
        keep: as of the configuration.
        patients: whose each validation case is; none: there is no validation, and nothing is chosen.
    """

    def __init__(self, patience: int | None, keep: str, patients: Sequence[str]) -> None:
        self.patience = patience if patients else None
        self.pays = keep == "better" and bool(patients)
        self.patients = patients
        self.kept: Candidate | None = None
        self.best: Candidate | None = None
        self.ended: dict[str, int] = {}
        self.verdicts: list[dict[str, Any]] = []
        self._reference: Scores = ()
        self._waited = 0

    @property
    def on(self) -> bool:
        """Whether validations choose anything."""
        return self.patience is not None or self.pays

    def begin(self) -> None:
        """Begin a stage."""
        self.best, self._reference, self._waited = None, (), 0

    def hear(self, one: Candidate) -> bool:
        """Take note of a validation within a stage; whether the stage has come to its end by it."""
        if self.patience is None:
            return False
        if self.best is None or one.mean < self.best.mean:
            self.best = one.copied()
        if not self._reference or self._better(one.scores, self._reference):
            self._reference, self._waited = one.scores, 0
        else:
            self._waited += 1
        return self._waited >= self.patience

    def conclude(self, one: Candidate, *, same: bool) -> Candidate:
        """Say whether a stage is kept, and return the weights that the next one begins from.

        Args:
            one: the stage's result.
            same: whether it is of the method of the last stage that was kept.
        """
        if not self.pays:
            return one
        there, self.best = self.kept, None
        if there is None or one.mean < there.mean:
            self._needed(one.stage)
            self.kept = one.copied()
        if there is not None:
            back = same and self.kept is there
            self.verdicts.append(self._verdict(one, there) | {"kept": self.kept is not there, "undone": back})
            return there if back else one
        return one

    def as_json(self) -> dict[str, Any]:
        """What a checkpoint has to know besides the weights; nothing where nothing is chosen."""
        if not self.on:
            return {}
        found = {
            name: None if one is None else one.as_json() for name, one in (("best", self.best), ("kept", self.kept))
        }
        return {**found, "reference": list(self._reference), "waited": self._waited}

    def told(self) -> dict[str, Any]:
        """What the card says of it; nothing where there is nothing to say."""
        said = {"ended": self.ended, "verdicts": self.verdicts}
        return {name: value for name, value in said.items() if value}

    def tensors(self) -> dict[str, Tensor]:
        """The weights of what a checkpoint has to keep."""
        found: dict[str, Tensor] = {}
        for name, one in (("best.", self.best), ("kept.", self.kept)):
            found |= {} if one is None else prefixed(name, one.weights)
        return found

    def restore(self, state: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
        """Go on where a checkpoint stands.

        Args:
            state: of `as_json`.
            tensors: of `tensors`, among others.

        Raises:
            LookupError, TypeError, ValueError: they do not hold what this needs.
        """
        if not state:
            return
        self.best, self.kept = (
            None if state[name] is None else Candidate(**state[name], weights=named(tensors, f"{name}."))
            for name in ("best", "kept")
        )
        self._reference, self._waited = state["reference"], int(state["waited"])

    def _better(self, now: Scores, before: Scores) -> bool:
        """Whether scores are better by more than the error of their difference; of one patient, whether they are."""
        mean, error = mean_and_error(*self._paired(now, before))
        return mean < -error if error == error else mean < 0

    def _paired(self, now: Scores, before: Scores) -> tuple[list[float], list[str]]:
        there = [
            (a - b, who)
            for a, b, who in zip(now, before, self.patients, strict=True)
            if a is not None and b is not None
        ]
        return [value for value, _ in there], [who for _, who in there]

    def _needed(self, stage: str) -> None:
        """Stages that did not pay and were built on are part of what pays now."""
        for verdict in self.verdicts:
            if not (verdict["kept"] or verdict["undone"]):
                verdict.update(kept=True, needed_by=stage)

    def _verdict(self, one: Candidate, there: Candidate) -> dict[str, Any]:
        values, patients = self._paired(one.scores, there.scores)
        rows = [{"patient": who, "difference": value} for value, who in zip(values, patients, strict=True)]
        found = difference(rows)
        return {
            "stage": one.stage,
            "against": there.what or f"stage {there.stage}",
            "cases": len(values),
            "with": _told(self._interval(one.scores)),
            "without": _told(self._interval(there.scores)),
            "difference": None if found is None else _told(found.interval),
        }

    def _interval(self, scores: Scores) -> Interval | None:
        rows = [{"patient": who, "ged": one} for one, who in zip(scores, self.patients, strict=True) if one is not None]
        return summarise(rows).get("ged")


def ged_of(rows: Sequence[Mapping[str, float]]) -> list[float | None]:
    """Return the GED of each case: unbiased where all cases have it, else that of the samples, self-pairs counted."""
    there = [row for row in rows if row]
    name = (
        "ged"
        if all("ged" in row for row in there)
        else next((n for row in there for n in row if n.startswith("ged_")), "")
    )
    return [row.get(name) for row in rows]


def in_words(verdict: Mapping[str, Any]) -> str:
    """`stage energy was left out: GED .462 with it, .392 without (...)`."""
    what = f"stage {verdict['stage']}"
    what += " was kept" if verdict["kept"] else " was left out"
    what += f" for the sake of stage {verdict['needed_by']}" if verdict.get("needed_by") else ""
    figures = f"GED {_short(verdict['with'])} with it, {_short(verdict['without'])} without (by {verdict['against']})"
    return f"{what}: {figures}; difference {_short(verdict['difference'])}, {verdict['cases']} validation cases"


def _told(one: Interval | None) -> dict[str, float | None] | None:
    return None if one is None else {"mean": one.mean, "low": one.low, "high": one.high}


def _short(one: Mapping[str, float | None] | None) -> str:
    if one is None or one["mean"] is None:
        return "none"
    ends = "" if one["low"] is None or one["high"] is None else f" [{_digits(one['low'])}, {_digits(one['high'])}]"
    return _digits(one["mean"]) + ends


def _digits(value: float) -> str:
    """Three digits, as the field prints them: .203, -.010, 1.250."""
    return f"{value:.3f}".replace("0.", ".", 1) if abs(value) < 1 else f"{value:.3f}"
