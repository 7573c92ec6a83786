"""`Comparison`: several methods on the same cases: lines, figure, drawn cases and the published rows beside them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from atfm.bench.gauge import surroundings
from atfm.compare.cost import Cost, cost_of, seconds_of
from atfm.compare.drawn import case_table, drawn_cases
from atfm.compare.entrant import Entrant
from atfm.compare.lines import Line, by_label, lines_of, reference_lines
from atfm.compare.literature import own_set, published_grids, tables_for
from atfm.compare.protocol import check_protocol
from atfm.data.store import Store
from atfm.errors import InputError
from atfm.metrics.floor import Floor, floor_of
from atfm.metrics.table import few_patients
from atfm.report.case_table import CaseTable
from atfm.report.grid import Grid
from atfm.report.side_by_side import SharedCase

__all__ = ["Comparison", "Wanted", "compare"]

Tell = Callable[[str], object]


@dataclass(frozen=True)
class Wanted:
    """What a comparison tells besides the scores.

    Args:
        against: the label that all others are held against; None: the first.
        timed: measure the time of the samples.
        drawn: show the cases, and of the store's the samples that evaluations kept of them.
        published: show published rows.
        repeats: rounds of the timing.
        seed: of the resampling.
        by_ged: methods from the least GED on; else as they were given.
        tested: scores whose differences are told; none: those of `compared_scores`.
    """

    against: str | None = None
    timed: bool = True
    drawn: bool = True
    published: bool = False
    repeats: int = 3
    seed: int = 0
    by_ged: bool = False
    tested: Sequence[str] = ()


@dataclass(frozen=True)
class Comparison:
    """Several methods on the same cases.

    Args:
        entrants: what is compared.
        against: the label that all others are held against.
        methods, references: the lines.
        floor: what is known of the least GED there can be; None where there is no GED.
        best: the label of the method that tells it.
        drawn: some cases by each method.
        cases: the table of all cases; None where they are not wanted.
        published: of every published set its name, its table and what to know.
        where: what a time depends on; empty where none was measured.
    """

    entrants: Sequence[Entrant]
    against: str
    methods: Sequence[Line]
    references: Sequence[Line]
    floor: Floor | None
    best: str
    drawn: Sequence[SharedCase]
    cases: CaseTable | None
    published: Sequence[tuple[str, Grid, Sequence[str]]]
    where: Mapping[str, Any]

    @property
    def lines(self) -> list[Line]:
        """Methods, then references."""
        return [*self.methods, *self.references]

    @property
    def summary(self) -> Mapping[str, Any]:
        """The summary of the first evaluation, which says of all on what they were scored."""
        return self.entrants[0].kept.summary

    @property
    def notes(self) -> list[str]:
        """What a reader of the table has to know, one sentence each."""
        found = few_patients(int(self.summary["patients"]))
        trainings = {line.trainings for line in self.methods}
        if trainings == {1}:
            found.append("One training of each method: how far another would land is not in the intervals.")
        elif len(trainings) > 1:
            found.append(
                "Methods have unequal numbers of trainings: how far another of those with one would land is not told."
            )
        for line in self.methods:
            found += [f"{line.label}: {note}." for note in line.notes]
            if line.cost is not None and line.cost.views_note:
                found.append(f"{line.label}: image views: {line.cost.views_note}.")
        return found

    def as_json(self) -> dict[str, Any]:
        """For the summary."""
        kept = ("store", "store_digest", "split", "cases", "patients", "samples", "seed", "limit")
        return {
            **{name: self.summary[name] for name in kept},
            "against": self.against,
            "lines": [line.as_json() for line in self.lines],
            "floor": None if self.floor is None else {"method": self.best, **self.floor.as_json()},
            "notes": self.notes,
            "timed_on": dict(self.where),
        }


def compare(
    entrants: Sequence[Entrant],
    store: Store | None,
    wanted: Wanted = Wanted(),
    *,
    device: torch.device | None = None,
    tell: Tell = lambda line: None,
) -> Comparison:
    """Bring evaluations together, measure what methods cost, and draw the same cases by each.

    Args:
        entrants: at least two, see `enter`.
        store: that they were scored on; None: nothing is drawn, and of a published row it is not known whether it can
            be compared.
        wanted: what to tell.
        device: where models are.
        tell: is told of what takes long.

    Raises:
        InputError: fewer than two, or two that cannot stand in one table, with the reason; a store that is another.
    """
    if len(entrants) < 2:
        raise InputError(f"compare: expected two or more runs, weights or evaluations, got {len(entrants)}")
    check_protocol(entrants)
    summary = entrants[0].kept.summary
    if store is not None and store.digest != entrants[0].kept.made_by.get("store"):
        raise InputError(f"{store.path}: is not the store that was scored ({summary['store']}); give that one")
    groups = by_label(entrants)
    costs, where = _costs(groups, wanted, int(summary["samples"]), device or torch.device("cpu"), tell)
    against = wanted.against or entrants[0].label
    lines = lines_of(entrants, costs, against, tested=wanted.tested, seed=wanted.seed)
    best = min((line for line in lines if "ged" in line.scores), key=lambda line: line.scores["ged"].mean, default=None)
    return Comparison(
        entrants,
        against,
        _sorted(lines) if wanted.by_ged else lines,
        reference_lines(entrants, seed=wanted.seed),
        None if best is None else _floor(groups[best.label], wanted.seed),
        "" if best is None else best.label,
        drawn_cases(groups, store) if wanted.drawn and store is not None else [],
        case_table(groups, store) if wanted.drawn else None,
        _published(store, summary) if wanted.published else [],
        where,
    )


def _costs(
    groups: Mapping[str, Sequence[Entrant]], wanted: Wanted, samples: int, device: torch.device, tell: Tell
) -> tuple[dict[str, Cost], Mapping[str, Any]]:
    """What each method costs whose weights are at hand, and on what it was timed, nothing where it was not."""
    models = {label: group[0].model for label, group in groups.items() if group[0].model is not None}
    if not wanted.timed or not models:
        return {label: cost_of(model, samples) for label, model in models.items()}, {}
    tell(f"times {samples} samples of an image by each method")
    where = surroundings(device)
    methods = {label: model.method for label, model in models.items()}
    timed = seconds_of(methods, samples, device, repeats=wanted.repeats, tell=tell)
    return {label: cost_of(model, samples, timed.get(label)) for label, model in models.items()}, where


def _sorted(lines: Sequence[Line]) -> list[Line]:
    """From the least GED on; those without one are the last."""
    return sorted(lines, key=lambda line: line.scores["ged"].mean if "ged" in line.scores else float("inf"))


def _floor(group: Sequence[Entrant], seed: int) -> Floor | None:
    """The bounds by the first training of the best method."""
    return floor_of([{"patient": row.patient_id, **row.scores} for row in group[0].kept.own], seed=seed)


def _published(store: Store | None, summary: Mapping[str, Any]) -> list[tuple[str, Grid, Sequence[str]]]:
    own = None if store is None else own_set(store, str(summary["split"]), int(summary["cases"]))
    return published_grids(tables_for(store, str(summary["store"])), own)
