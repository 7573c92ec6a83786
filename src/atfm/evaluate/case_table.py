"""The cases of an evaluation as the table of its page, see `report.case_table`."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from atfm.data.geometry.rule import known_spacing
from atfm.data.labels import one_hot
from atfm.data.store import Store
from atfm.evaluate.evaluation import Evaluation
from atfm.evaluate.illustrate import ranking
from atfm.evaluate.rows import CaseScores
from atfm.report.case_table import CaseColumn, CaseLine, CaseTable, let_in
from atfm.report.drawn import Drawn
from atfm.report.opened import Opened, opened, thumbnail
from atfm.report.tables import label, name_of

__all__ = ["case_line", "case_table", "pictured"]

SHARES = ("empty_predicted",)
HEADS = {"empty_predicted": "empty samples"}


def case_table(evaluation: Evaluation) -> CaseTable:
    """All cases that were scored, with what the model drew of them as far as there is room."""
    rows, n = evaluation.result.rows, evaluation.samples
    metrics = columns_of(rows, n)
    lines = [case_line(row, [row.scores.get(name) for name in metrics], ranking(row, n)) for row in rows]
    numbers = {case_id: number for number, (case_id, _) in enumerate(evaluation.store.ids())}

    def show(place: int, room: bool) -> CaseLine:
        case_id = lines[place].case_id
        text = evaluation.drawn.get(case_id, "") if room else ""
        drawn = [Opened("", "", Drawn.from_text(text))] if text else []
        return pictured(lines[place], evaluation.store, numbers[case_id], drawn)

    chosen, told = let_in(lines, name_of(metrics[0]), show)
    columns = [
        CaseColumn(
            HEADS.get(name, name_of(name)),
            HEADS.get(name, label(name, arrow=False).replace("-", "&#8209;")),
            name in SHARES,
        )
        for name in metrics
    ]
    return CaseTable(columns, chosen, told=told)


def columns_of(rows: Sequence[CaseScores], samples: int) -> list[str]:
    """The scores that are columns; the first ranks the cases."""
    first = "ged" if all("ged" in row.scores for row in rows) else f"ged_{samples}"
    wanted = (first, f"hm_iou_{samples}", "dice_of_mean", "diversity", "annotator_diversity", "empty_predicted")
    return [name for name in wanted if any(name in row.scores for row in rows)]


def case_line(row: CaseScores, scores: Sequence[float | None], rank: float) -> CaseLine:
    """A case without pictures."""
    return CaseLine(row.case_id, row.patient_id, row.annotators, row.scores.get("empty_drawn"), scores, rank)


def pictured(line: CaseLine, store: Store, number: int, drawn: Sequence[Opened]) -> CaseLine:
    """A case with its thumbnail and, where something was drawn of it, what the page opens it to.

    Args:
        line: the case.
        store: where it is.
        number: its own there.
        drawn: by each method.
    """
    case, info = store[number], store.info
    masks = case.masks if info.ignore_label is None else np.where(case.masks == info.ignore_label, 0, case.masks)
    line = replace(line, thumbnail=thumbnail(case.image, masks))
    if not drawn:
        return line
    annotations = one_hot(case.masks, info.classes, case.image.ndim - 1, info.ignore_label)
    return replace(line, opened=opened(case.image, annotations, drawn, known_spacing(case.spacing)))
