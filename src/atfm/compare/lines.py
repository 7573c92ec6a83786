"""The lines of a comparison: means with intervals over patients and trainings, and differences in pairs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from atfm.compare.cost import Cost
from atfm.compare.entrant import Entrant
from atfm.errors import InputError
from atfm.evaluate import CaseScores
from atfm.metrics.significance import Difference, difference, holm
from atfm.metrics.table import Interval, summarise

__all__ = ["Line", "Paired", "by_label", "compared_scores", "lines_of", "reference_lines"]

Kind = Literal["method", "reference"]
REFERENCES = {
    "majority": ("Annotators' majority", "an oracle: it has seen them"),
    "always_empty": ("Always empty", "a reference, not a method"),
}


@dataclass(frozen=True)
class Paired:
    """A score less that of the line that all are held against.

    Args:
        found: mean, interval, and p of this test alone.
        p: corrected for all tests of the table (Holm); None where there is no interval.
    """

    found: Difference
    p: float | None

    def as_json(self) -> dict[str, Any]:
        """For the summary."""
        one = self.found.interval
        return {"mean": one.mean, "low": one.low, "high": one.high, "p_alone": self.found.p, "p": self.p}


@dataclass(frozen=True)
class Line:
    """A row of the table.

    Args:
        label: its name.
        kind: a method, or a reference to read methods by.
        title: what it is.
        scores: by metric; over all trainings.
        trainings: how many; with one the interval says nothing of other trainings.
        cost: None where it is not known.
        pairs: differences by metric; none of the line that all are held against.
        notes: what a reader has to know of it.
    """

    label: str
    kind: Kind
    title: str
    scores: Mapping[str, Interval]
    trainings: int = 1
    cost: Cost | None = None
    pairs: Mapping[str, Paired] = field(default_factory=dict)
    notes: Sequence[str] = ()

    def as_json(self) -> dict[str, Any]:
        """For the summary."""
        return {
            "label": self.label,
            "kind": self.kind,
            "title": self.title,
            "trainings": self.trainings,
            "scores": {name: {"mean": s.mean, "low": s.low, "high": s.high} for name, s in self.scores.items()},
            "cost": None if self.cost is None else self.cost.as_json(),
            "difference": {name: pair.as_json() for name, pair in self.pairs.items()},
            "notes": list(self.notes),
        }


def by_label(entrants: Sequence[Entrant]) -> dict[str, list[Entrant]]:
    """The trainings of each label, in the order of first appearance."""
    groups: dict[str, list[Entrant]] = {}
    for entrant in entrants:
        groups.setdefault(entrant.label, []).append(entrant)
    return groups


def compared_scores(entrants: Sequence[Entrant]) -> list[str]:
    """The scores whose differences are told: GED, unbiased where it exists, and HM-IoU of 32 samples or fewer."""
    there = set.intersection(*({name for row in one.kept.own for name in row.scores} for one in entrants))
    samples = int(entrants[0].kept.summary["samples"])
    wanted = ["ged" if "ged" in there else f"ged_{samples}", f"hm_iou_{min(32, samples)}"]
    return [name for name in wanted if name in there]


def lines_of(
    entrants: Sequence[Entrant], costs: Mapping[str, Cost], against: str, *, tested: Sequence[str] = (), seed: int = 0
) -> list[Line]:
    """Return a line for each label.

    Args:
        entrants: scored alike, see `check_protocol`.
        costs: by label.
        against: the label that all others are held against, case by case.
        tested: scores whose differences are told; none: those of `compared_scores`.
        seed: of the resampling.

    Raises:
        InputError: no such label.
    """
    groups = by_label(entrants)
    if against not in groups:
        raise InputError(f"--against {against}: expected one of {', '.join(groups)}")
    pairs = _pairs(groups, against, tested or compared_scores(entrants), seed)
    return [
        Line(
            label,
            "method",
            group[0].title,
            _scores(group, seed),
            len(group),
            costs.get(label),
            pairs.get(label, {}),
            _notes(group),
        )
        for label, group in groups.items()
    ]


def reference_lines(entrants: Sequence[Entrant], *, seed: int = 0) -> list[Line]:
    """Return what methods are read by: further readers of the same images, their majority, and always empty."""
    equal = [one.kept for one in entrants if not any("effective_samples" in row.scores for row in one.kept.own)]
    first = (equal or [entrants[0].kept])[0]  # of samples with weights further readers are as many as these are worth
    scores = _summarised([first.own], seed)
    readers = {name.removeprefix("floor_"): score for name, score in scores.items() if name.startswith("floor_")}
    if "annotator_diversity" in scores:
        d_rr = scores["annotator_diversity"]
        cases = len(first.own)
        readers |= {"ged": Interval(0.0, None, None, cases), "d_sr": d_rr, "diversity": d_rr}
        readers |= {"annotator_diversity": d_rr}
    title = "n further ones of the same images, on average; a model need not reach them"
    found = [Line("Other readers", "reference", title, readers)]
    for name, (label, about) in REFERENCES.items():
        kept = next((one.kept for one in entrants if name in one.kept.rows), None)
        if kept is not None:
            found.append(Line(label, "reference", about, _summarised([kept.rows[name]], seed)))
    return found


def _scores(group: Sequence[Entrant], seed: int) -> dict[str, Interval]:
    return _summarised([entrant.kept.own for entrant in group], seed)


def _summarised(trainings: Sequence[Sequence[CaseScores]], seed: int) -> dict[str, Interval]:
    """Means and intervals; scores of single classes are left to the evaluations."""
    rows = [
        {"patient": row.patient_id, "training": number}
        | {name: value for name, value in row.scores.items() if "/" not in name}
        for number, scored in enumerate(trainings)
        for row in scored
    ]
    return summarise(rows, trainings="training", seed=seed)


def _pairs(
    groups: Mapping[str, Sequence[Entrant]], against: str, scores: Sequence[str], seed: int
) -> dict[str, dict[str, Paired]]:
    """Every label less `against`, all tests corrected together."""
    found = {
        (label, score): told
        for label, group in groups.items()
        if label != against
        for score in scores
        if (told := _difference(group, groups[against], score, seed)) is not None
    }
    tested = {key: one.p for key, one in found.items() if one.p is not None}
    corrected = dict(zip(tested, holm(list(tested.values())), strict=True))
    pairs: dict[str, dict[str, Paired]] = {}
    for (label, score), one in found.items():
        pairs.setdefault(label, {})[score] = Paired(one, corrected.get((label, score)))
    return pairs


def _difference(ours: Sequence[Entrant], others: Sequence[Entrant], score: str, seed: int) -> Difference | None:
    """Case by case and training by training, in the order they were given; of unequal numbers the fewer are averaged.

    Either way the mean is that of the one row less that of the other.
    """
    own, against = ([_by_case(entrant, score) for entrant in group] for group in (ours, others))
    if len(own) > len(against):
        against = [_averaged(against)] * len(own)
    elif len(own) < len(against):
        own = [_averaged(own)] * len(against)
    rows = [
        {"patient": case.patient_id, "training": number, "difference": one[case.case_id] - other[case.case_id]}
        for number, (one, other) in enumerate(zip(own, against, strict=True))
        for case in ours[0].kept.own
        if case.case_id in one and case.case_id in other
    ]
    return difference(rows, trainings="training", seed=seed)


def _by_case(entrant: Entrant, score: str) -> dict[str, float]:
    return {row.case_id: row.scores[score] for row in entrant.kept.own if score in row.scores}


def _averaged(trainings: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean over trainings of every case that all of them have."""
    there = set.intersection(*(set(one) for one in trainings))
    return {case: sum(one[case] for one in trainings) / len(trainings) for case in trainings[0] if case in there}


def _notes(group: Sequence[Entrant]) -> list[str]:
    """What a reader has to know of a line."""
    found = [f"LEAKY: {one.kept.summary['leak']['line']}" for one in group if one.kept.summary["leak"]["found"]]
    found += [f"no cost: {one.missing}" for one in group[:1] if one.model is None]
    if any("effective_samples" in row.scores for one in group for row in one.kept.own):
        found.append("its samples carry weights")
    return found
