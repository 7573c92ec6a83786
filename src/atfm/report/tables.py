"""The tables of a report as HTML: scores with their intervals, and published rows set apart from them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Literal

from atfm.metrics.table import METRICS, Interval, describe
from atfm.report.published import PublishedTable

__all__ = [
    "PARTS",
    "Kind",
    "ScoreRow",
    "class_table",
    "full_table",
    "interval",
    "label",
    "name_of",
    "number",
    "published_section",
    "score_table",
]

Kind = Literal["model", "method", "reference"]

LABELS = {
    "ged": "GED",
    "ged_presence": "GED, presence",
    "ged_shape": "GED, shape",
    "own_ged": "GED of its own readers",
    "floor_ged": "GED of further readers",
    "hm_iou": "HM-IoU",
    "mdm": "MDM",
    "d_max": "D_max",
    "best_k_iou": "IoU of the best K",
    "d_sr": "D_sr",
    "diversity": "D_ss",
    "annotator_diversity": "D_rr",
    "dice_of_mean": "Dice of the mean",
    "ncc": "NCC of variance maps",
    "ece": "ECE",
    "crps_area": "CRPS of the area, pixels",
    "empty_predicted": "empty samples, share",
    "empty_drawn": "empty annotations, share",
    "own_empty": "empty masks of its own readers, share",
}
MAIN = ("ged", "ged_16", "ged_32", "ged_100", "hm_iou_16", "hm_iou_32", "mdm_32", "d_max_32")
PARTS = ("ged", "ged_presence", "ged_shape", "d_sr", "diversity", "annotator_diversity")


@dataclass(frozen=True)
class ScoreRow:
    """One row of the main table.

    Args:
        name: of the method, or of the reference.
        scores: by metric; a metric that is absent is left blank.
        kind: the model itself, another method on the same cases, or a reference to read them by.
        note: a few words under the name.
    """

    name: str
    scores: Mapping[str, Interval] = field(default_factory=dict)
    kind: Kind = "method"
    note: str = ""


def split_name(metric: str) -> tuple[str, str]:
    """`hm_iou_16` -> `hm_iou` and `16`; a metric without a number of samples has none."""
    base, _, count = metric.rpartition("_")
    return (base, count) if count.isdigit() else (metric, "")


def name_of(metric: str) -> str:
    """The name of a metric in words: `HM-IoU 32`."""
    base, count = split_name(metric)
    return " ".join(filter(None, (LABELS.get(base, base.replace("_", " ")), count)))


def label(metric: str, *, arrow: bool = True) -> str:
    """The name of a metric as HTML, with its number of samples as an index and an arrow to the better side."""
    base, count = split_name(metric)
    name = escape(LABELS.get(base, base.replace("_", " ")))
    head, _, index = name.partition("_")
    better = describe(metric).higher_is_better
    side = "" if better is None or not arrow else f' <span class="arrow">{"&uarr;" if better else "&darr;"}</span>'
    indices = ", ".join(filter(None, (index, count)))
    return head + (f"<sub>{indices}</sub>" if indices else "") + side


def number(value: float) -> str:
    """Three digits, as the field prints them: .203, 1.250, 31.4."""
    text = f"{value:.3f}" if abs(value) < 10 else f"{value:.1f}"
    return text.replace("-0.", "-.").removeprefix("0" if text.startswith("0.") else "").replace("-", "&minus;")


def interval(score: Interval) -> str:
    """`.181 to .203`; nothing where no interval exists."""
    return "" if score.low is None or score.high is None else f"{number(score.low)} to {number(score.high)}"


def cell(score: Interval | None) -> str:
    """A mean over its interval; a dash where there is none."""
    if score is None:
        return "<td>&ndash;</td>"
    return f'<td>{number(score.mean)}<span class="interval">{interval(score)}</span></td>'


def score_table(
    rows: Sequence[ScoreRow], caption: str, first_column: str = "method", shown: Sequence[str] = MAIN
) -> str:
    """Methods as rows, the field's scores as columns, references at the foot; scores that no row has are left out."""
    columns = [metric for metric in shown if any(metric in row.scores for row in rows)]
    head = "".join(f'<th scope="col">{label(metric)}</th>' for metric in columns)
    body, above = [], "model"
    for row in rows:
        first = " first" if row.kind == "reference" != above else ""
        note = f'<span class="interval">{escape(row.note)}</span>' if row.note else ""
        cells = "".join(cell(row.scores.get(metric)) for metric in columns)
        body.append(f'<tr class="{row.kind}{first}"><th scope="row">{escape(row.name)}{note}</th>{cells}</tr>')
        above = row.kind
    return table(caption, f'<th scope="col">{first_column}</th>{head}', body)


def class_table(classes: Mapping[str, Sequence[ScoreRow]], caption: str) -> str:
    """Classes as rows, the field's scores of the first method of each as columns."""
    return score_table([ScoreRow(name, rows[0].scores) for name, rows in classes.items()], caption, "class")


def full_table(rows: Sequence[ScoreRow], caption: str) -> str:
    """Every metric as a row, the methods as columns."""
    metrics = sorted({metric for row in rows for metric in row.scores}, key=place)
    head = '<th scope="col">score</th>' + "".join(f'<th scope="col">{escape(row.name)}</th>' for row in rows)
    head += '<th scope="col" class="text">meaning</th>'
    body = [
        f'<tr><th scope="row">{label(metric)}</th>{"".join(cell(row.scores.get(metric)) for row in rows)}'
        f'<td class="text">{escape(describe(metric).meaning)}</td></tr>'
        for metric in metrics
    ]
    return table(caption, head, body)


def place(metric: str) -> tuple[int, int]:
    """Where a score stands: in the order of `METRICS`, then by its number of samples."""
    base, count = split_name(metric)
    return list(METRICS).index(f"{base}_n" if count else base), int(count or 0)


def published_section(tables: Sequence[PublishedTable], slices: int) -> str:
    """Published rows, a table for each set of slices, with what forbids or allows a comparison.

    Args:
        tables: those of the store's family.
        slices: how many cases the store has in all, to tell whether it can be the same set.
    """
    return "".join(published_table(published, slices) for published in tables)


def published_table(published: PublishedTable, slices: int) -> str:
    """One set's published rows."""
    same = slices == published.slices
    verdict = (
        "This store has as many slices as that set; compare rows only where the split is the same too."
        if same
        else f"This store has {slices:,} cases and that set {published.slices:,}: another set, "
        "so these numbers say where the field stands and not which method is better."
    )
    head = '<th scope="col">method</th>' + "".join(f'<th scope="col">{label(name)}</th>' for name in published.columns)
    head += '<th scope="col" class="text">source</th>'
    body = []
    for row in published.rows:
        cells = "".join(
            f"<td>{number(row.scores[name])}</td>" if name in row.scores else "<td></td>" for name in published.columns
        )
        mark = "&nbsp;&dagger;" if row.impossible else ""
        source = escape("; ".join(filter(None, (row.source, row.note))))
        body.append(f'<tr><th scope="row">{escape(row.method)}{mark}</th>{cells}<td class="text">{source}</td></tr>')
    cautions = list(published.cautions)
    if any(row.impossible for row in published.rows):
        cautions.append(
            "† GED_32 and GED_100 cannot be of one model: self-pairs make GED fall by .0213 at most from 32 "
            "to 100 samples."
        )
    notes = "".join(f'<p class="quiet">{escape(caution)}</p>' for caution in cautions)
    return (
        f'<h3>{escape(published.name)}</h3><p class="quiet">{escape(verdict)}</p>'
        f"{table(published.protocol, head, body)}{notes}"
    )


def table(caption: str, head: str, body: Sequence[str]) -> str:
    """A table that scrolls by itself where the page is narrow."""
    return (  # what scrolls has to be reached by the keyboard
        f'<div class="wide" tabindex="0" role="group" aria-label="{escape(caption[:60])}">'
        f"<table><caption>{escape(caption)}</caption>"
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table></div>"
    )
