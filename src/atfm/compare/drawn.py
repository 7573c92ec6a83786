"""The same cases by every method, from the samples that their evaluations kept: no model is needed to see them.

Four cases are shown at once: easy, usual, hard, and where methods differ most. All stand in the page's table, each of
which opens to the methods side by side.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from atfm.compare.entrant import Entrant
from atfm.data.labels import one_hot
from atfm.data.store import Store
from atfm.evaluate.case_table import case_line, pictured
from atfm.evaluate.illustrate import ranking
from atfm.evaluate.rows import CaseScores
from atfm.report.case_table import CaseColumn, CaseLine, CaseTable, let_in
from atfm.report.drawn import Drawn
from atfm.report.opened import Opened
from atfm.report.side_by_side import DrawnBy, SharedCase
from atfm.report.tables import label as head_of
from atfm.report.tables import name_of

__all__ = ["case_table", "drawn_cases", "picked"]

SHOWN = 7  # samples of each method of a case that is shown at once
NONE = "without samples of the same cases (evaluated by an earlier version, or too large to keep): {}."


def picked(ged: np.ndarray) -> dict[str, int]:
    """The places of the cases that are shown at once, by why; each case once.

    Args:
        ged: `[methods, cases]`.
    """
    order = np.argsort(ged.mean(0), kind="stable")
    picks = {"Easiest case": order[0], "Median case": order[len(order) // 2], "Hardest case": order[-1]}
    if len(ged) > 1:
        picks["Where methods differ most"] = int(np.argmax(ged.max(0) - ged.min(0)))
    found: dict[str, int] = {}
    for title, place in picks.items():
        if int(place) not in found.values():
            found[title] = int(place)
    return found


def drawn_cases(groups: Mapping[str, Sequence[Entrant]], store: Store) -> list[SharedCase]:
    """The chosen cases, each by every method that kept its samples.

    Args:
        groups: the trainings of each method, scored on `store`; the first of them is shown.
        store: the cases.
    """
    there = [place for place, row in enumerate(_rows(groups)) if _drawn(groups, row.case_id, place)]
    ged = _ged(groups)[:, there]
    numbers = _numbers(store)
    found = []
    for title, at in picked(ged).items() if there else ():
        place = there[at]
        case = store[numbers[_rows(groups)[place].case_id]]
        methods = _drawn(groups, case.case_id, place)
        image = case.image
        annotations = one_hot(case.masks, store.info.classes, case.image.ndim - 1, store.info.ignore_label)
        plane = methods[0].drawn.plane
        if plane is not None:
            image, annotations = image[:, plane], annotations[:, :, plane]
        shown = [DrawnBy(one.label, one.line, one.drawn.whole()[:SHOWN], one.drawn.probability()) for one in methods]
        found.append(SharedCase(title, case.case_id, case.patient_id, image, annotations, shown))
    return found


def case_table(groups: Mapping[str, Sequence[Entrant]], store: Store | None) -> CaseTable:
    """All cases with the GED of each method and how far they differ; opened, the methods stand side by side.

    Args:
        groups: the trainings of each method; GED is their mean, and the samples are of the first.
        store: the cases; None: no picture is shown.
    """
    ged, rows = _ged(groups), _rows(groups)
    differ = [ged.max(0) - ged.min(0)] if len(ged) > 1 else []
    scores = np.stack([*ged, *differ], axis=1)  # [cases, columns]
    lines = [case_line(row, scores[place].tolist(), float(ged[:, place].mean())) for place, row in enumerate(rows)]
    numbers = {} if store is None else _numbers(store)

    def show(place: int, room: bool) -> CaseLine:
        if store is None:
            return lines[place]
        case_id = lines[place].case_id
        return pictured(lines[place], store, numbers[case_id], _drawn(groups, case_id, place) if room else [])

    chosen, told = let_in(lines, "the mean GED of all methods", show)
    metric = _metric(groups)
    columns = [CaseColumn(f"{name_of(metric)}, {label}", f"{head_of(metric, arrow=False)} {label}") for label in groups]
    columns += [CaseColumn("largest difference", "largest difference")] * len(differ)
    without = [label for label, group in groups.items() if not group[0].kept.drawn]
    told.insert(0, "The hardest cases come first, by the mean GED of all methods.")
    told += [f"Not drawn, {NONE.format(', '.join(without))}"] * bool(without and store is not None)
    return CaseTable(columns, chosen, None, told)


def _rows(groups: Mapping[str, Sequence[Entrant]]) -> Sequence[CaseScores]:
    """Those of the first method; all have the same cases in the same order, see `check_protocol`."""
    return next(iter(groups.values()))[0].kept.own


def _metric(groups: Mapping[str, Sequence[Entrant]]) -> str:
    """The unbiased GED where every case has it, else that of all samples."""
    every = all("ged" in row.scores for group in groups.values() for one in group for row in one.kept.own)
    return "ged" if every else f"ged_{_samples(groups)}"


def _samples(groups: Mapping[str, Sequence[Entrant]]) -> int:
    return int(next(iter(groups.values()))[0].kept.summary["samples"])


def _ged(groups: Mapping[str, Sequence[Entrant]]) -> np.ndarray:
    """`[methods, cases]`, of several trainings their mean."""
    n = _samples(groups)
    return np.array(
        [
            np.mean([[ranking(row, n) for row in one.kept.own] for one in group], axis=0)
            for group in groups.values()
        ]
    )  # fmt: skip


def _drawn(groups: Mapping[str, Sequence[Entrant]], case_id: str, place: int) -> list[Opened]:
    """What each method drew of a case, of those that kept it."""
    found = []
    for label, group in groups.items():
        kept = group[0].kept
        if case_id in kept.drawn:
            told = [("GED", "ged"), ("HM-IoU_16", "hm_iou_16")]
            scores = kept.own[place].scores
            line = ", ".join(f"{name} {scores[key]:.3f}" for name, key in told if key in scores)
            found.append(Opened(label, line, Drawn.from_text(kept.drawn[case_id])))
    return found


def _numbers(store: Store) -> dict[str, int]:
    return {case_id: number for number, (case_id, _) in enumerate(store.ids())}
