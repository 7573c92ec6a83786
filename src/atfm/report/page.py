"""The page of an evaluation: one HTML file that loads nothing from anywhere else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape

from atfm.report.browse import script, style
from atfm.report.case_table import CaseTable
from atfm.report.document import document
from atfm.report.panels import Illustration, join_panels
from atfm.report.published import PublishedTable
from atfm.report.tables import (
    PARTS,
    ScoreRow,
    class_table,
    full_table,
    interval,
    label,
    number,
    published_section,
    score_table,
)

__all__ = ["Chart", "Report", "render"]

HEADLINE = ("ged", "ged_16", "ged_100", "hm_iou_32", "mdm_32")

CONVENTIONS = (
    "Distance is 1 - IoU, and an empty mask against an empty mask has IoU = Dice = 1.",
    "GED_n is squared and a V-statistic: samples are also compared with themselves, as in the literature. So it "
    "falls with n even for one and the same model: GED_n = GED + D_s/n + D_r/K, with D_s and D_r the mean distance of "
    "two different samples and two different annotators. GED without a number is unbiased (a U-statistic): further "
    "readers of the same images have GED 0, by chance a little less or more. With one annotator it does not exist.",
    "GED is (D_sr - D_ss) + (D_sr - D_rr), with D_sr the mean distance of a sample and an annotation. Of a model that "
    "draws as readers do the first bracket is 0; the second is what readers share beyond the image, and no model can "
    "do without. GED is also the sum of its presence part, 2 (p - q)^2 of the shares of empty masks, and of its shape.",
    "Other readers would have the GED_n D_r/n + D_r/K on these cases. They share what the image does not show.",
    "HM-IoU_n repeats both sides to their least common multiple and matches them optimally. MDM_n is the mean over "
    "annotators of the best Dice among n samples. D_max_n is the best pair of an image, an easier score under its own "
    "name, and so is the IoU of the best K samples, which some papers print as HM-IoU.",
    "Intervals are 95 % bootstrap intervals over patients. The noise of a sample depends on the seed, the case and the "
    "number of the sample alone: all methods here saw the same cases, and GED_n is that of the first n samples.",
)

PARTS_CAPTION = "GED = (D_sr - D_ss) + (D_sr - D_rr), of which the first has to vanish; and presence + shape."
EMPTY_CAPTION = (
    "The model's GED by how many annotations are empty. To choose images by their outcome makes even a perfect model's "
    "GED differ from 0: beside it stands what the model would score if its annotators were drawn from itself."
)


@dataclass(frozen=True)
class Chart:
    """A chart and what to see in it."""

    title: str
    caption: str
    svg: str


@dataclass(frozen=True)
class Report:
    """All that the page says.

    Args:
        title: of the page.
        lead: one sentence under it.
        facts: name and value of what was scored, in order.
        alarms: what makes the scores dishonest, such as a leak.
        notes: what a reader has to know, such as a subset.
        rows: of the score table; the first is the model.
        classes: the same rows of each class alone, by its name; empty for binary masks.
        cases: the scored cases in words, for captions.
        floor: sentences of the least GED that a model can have.
        by_empty: images by the number of their empty annotations.
        empty_calibration: sentences of how right the shares of empty masks are.
        table: all cases; None where they are not shown.
        charts, illustrations: in the order of the page.
        published: tables of the literature, and `slices`, the cases of the whole store.
        command: how to get this page again.
    """

    title: str
    lead: str
    facts: Mapping[str, str]
    rows: Sequence[ScoreRow]
    cases: str
    command: str
    alarms: Sequence[str] = ()
    notes: Sequence[str] = ()
    charts: Sequence[Chart] = ()
    illustrations: Sequence[Illustration] = ()
    published: Sequence[PublishedTable] = field(default=())
    slices: int = 0
    classes: Mapping[str, Sequence[ScoreRow]] = field(default_factory=dict)
    floor: Sequence[str] = ()
    by_empty: Sequence[ScoreRow] = ()
    empty_calibration: Sequence[str] = ()
    table: CaseTable | None = None


def render(report: Report) -> str:
    """The page as HTML text, everything within it."""
    table = report.table.html() if report.table is not None else ""
    parts = (head(report), scores(report), classes(report), figures(report), cases(report), table, literature(report))
    body = "\n".join(filter(None, parts))
    run = {"style": style(), "script": script()} if table else {}
    return document(report.title, f"{body}\n{footer(report)}", **run)


def head(report: Report) -> str:
    """Title, warnings, the scores in large, and what was scored."""
    alarms = "".join(f'<p class="alarm">{escape(text)}</p>' for text in report.alarms)
    notes = "".join(f'<p class="note">{escape(text)}</p>' for text in report.notes)
    facts = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in report.facts.items())
    return (
        f"<header><h1>{escape(report.title)}</h1><p>{escape(report.lead)}</p></header>{alarms}{notes}"
        f'<div class="headline">{"".join(headline(report.rows[0], metric) for metric in HEADLINE)}</div>'
        f'<dl class="facts">{facts}</dl>'
    )


def headline(row: ScoreRow, metric: str) -> str:
    """One score in large, over its interval."""
    score = row.scores.get(metric)
    if score is None:
        return ""
    floor = row.scores.get(f"floor_{metric}")
    under = "; ".join(filter(None, (interval(score), f"other readers {number(floor.mean)}" if floor else "")))
    return (
        f'<div><div class="name">{label(metric)}</div><div class="value">{number(score.mean)}</div>'
        f'<div class="under">{under}</div></div>'
    )


def scores(report: Report) -> str:
    """The main table and, folded, every score."""
    return (
        f"<h2>Scores</h2>{score_table(report.rows, f'Mean over {report.cases}, with 95 % intervals over patients.')}"
        f"<details><summary>Every score</summary>{full_table(report.rows, 'As above.')}</details>"
        f"<h2>GED by its parts</h2>{score_table(report.rows, PARTS_CAPTION, shown=PARTS)}"
        f"{''.join(f'<p>{escape(sentence)}</p>' for sentence in report.floor)}{empty(report)}"
    )


def empty(report: Report) -> str:
    """GED by the number of empty annotations beside that of the model's own readers, and how right the shares are."""
    columns = ("ged", "own_ged", "empty_predicted")
    table = score_table(report.by_empty, EMPTY_CAPTION, "empty annotations", columns) if report.by_empty else ""
    return table + "".join(f"<p>{escape(sentence)}</p>" for sentence in report.empty_calibration)


def classes(report: Report) -> str:
    """The model's scores of each class and, folded, every score of each."""
    if not report.classes:
        return ""
    caption = (
        f"{report.rows[0].name}: each class as a binary mask of its own, mean over {report.cases}. Two masks without "
        "the class agree, so that a rare one scores well; the share of empty annotations is among its scores below."
    )
    folded = "".join(
        f"<details><summary>Every score of class {escape(name)}</summary>{full_table(rows, 'As above.')}</details>"
        for name, rows in report.classes.items()
    )
    return f"<h2>Classes</h2>{class_table(report.classes, caption)}{folded}"


def figures(report: Report) -> str:
    """The charts, each with its caption."""
    plots = "".join(
        f'<figure class="plot"><h3>{escape(chart.title)}</h3>{chart.svg}'
        f"<figcaption>{escape(chart.caption)}</figcaption></figure>"
        for chart in report.charts
    )
    return f"<h2>Figures</h2>{plots}" if plots else ""


def cases(report: Report) -> str:
    """Single cases, with how to read the maps."""
    if not report.illustrations:
        return ""
    legend = (
        "<p>The dashed square of the whole image is what the other pictures show. Outlines have one colour for each "
        "annotator, and rose for samples. Maps run from 0"
        '<span class="scale"></span>1: the share of annotators, the share of samples, and its entropy in bits.</p>'
    )
    return f"<h2>Three cases</h2>{legend}{join_panels(report.illustrations)}"


def literature(report: Report) -> str:
    """Published rows, in tables of their own."""
    if not report.published:
        return ""
    return f"<h2>Published, for orientation</h2>{published_section(report.published, report.slices)}"


def footer(report: Report) -> str:
    """How everything is computed, and the command."""
    sentences = "".join(f"<p>{escape(text)}</p>" for text in CONVENTIONS)
    return f"<h2>Conventions</h2>{sentences}<h2>Again</h2><pre><code>{escape(report.command)}</code></pre>"
