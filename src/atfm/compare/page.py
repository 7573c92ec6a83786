"""A comparison as a page, as Markdown, and as the files that are written of it."""

from collections.abc import Sequence
from html import escape

from atfm.compare.comparison import Comparison
from atfm.compare.lines import Line
from atfm.compare.table import grid, numbers
from atfm.evaluate.present import plural
from atfm.report.browse import script, style
from atfm.report.document import document
from atfm.report.side_by_side import side_by_side
from atfm.report.trade import Point, trade_chart

__all__ = ["FIGURE", "TABLE", "caption", "files_of", "floor_sentence", "markdown"]

TABLE, FIGURE = "table", "quality-time.svg"
READING = (
    "GED_n counts self-pairs, as papers do; GED does not. D_sr is the mean distance (1 - IoU) of a sample and an "
    "annotation, D_ss that of two samples; D_sr - D_ss has to vanish. Other readers would have the GED_n of n further "
    "readers of the same images, which a model of the image alone need not reach.",
    "Brackets are 95 % intervals of a bootstrap-t over patients, and over trainings where there are several. "
    "Differences are of the same cases with the same noise; p is corrected for all differences of the table (Holm).",
    "Operations and seconds are for the stated number of samples of one image: a multiply-add is 2 operations. Image "
    "views are steps x batch of all stages.",
)


def caption(found: Comparison) -> str:
    """On what all were scored, in a sentence."""
    summary = found.summary
    return (
        f"{summary['store']}, {summary['split']}: {summary['cases']:,} cases of {summary['patients']:,} patients, "
        f"{summary['samples']} samples each, seed {summary['seed']}."
    )


def files_of(found: Comparison, command: str) -> dict[str, str]:
    """The files of a comparison by name: the table in four forms, the page, and the figure if there are times.

    Args:
        found: the comparison.
        command: the command line that makes it again.
    """
    table = grid(found.lines, found.against, int(found.summary["samples"]), caption(found))
    figure = chart(found)
    return {
        f"{TABLE}.md": markdown(found),
        f"{TABLE}.csv": numbers(found.lines),
        f"{TABLE}.tex": table.latex(),
        f"{TABLE}.html": page(found, figure, command),
    } | ({FIGURE: figure} if figure else {})


def markdown(found: Comparison) -> str:
    """The table with what its rows and columns mean under it, then published rows."""
    table = grid(found.lines, found.against, int(found.summary["samples"]), caption(found))
    titles = [f"- {line.label}: {line.title}" for line in found.lines]
    parts = [table.caption, table.markdown().rstrip(), "\n".join(titles), *_sentences(found)]
    for name, published, cautions in found.published:
        parts += [f"### Published: {name}", published.caption, published.markdown().rstrip(), *cautions]
    return "\n\n".join(parts) + "\n"


def chart(found: Comparison) -> str:
    """Score against time as SVG; empty where no time was measured or no GED exists."""
    points = [
        Point(line.label, line.cost.seconds, line.scores["ged"].mean, line.scores["ged"].low, line.scores["ged"].high)
        for line in found.methods
        if "ged" in line.scores and line.cost is not None and line.cost.seconds
    ]
    samples = found.summary["samples"]
    return trade_chart(points, f"seconds for {samples} samples of one image", "GED, unbiased", 0.0) if points else ""


def page(found: Comparison, figure: str, command: str) -> str:
    """All of it as one HTML file."""
    table = grid(found.lines, found.against, int(found.summary["samples"]), "Scores with 95 % intervals.")
    labels = ", ".join(line.label for line in found.methods)
    body = [
        f"<header><h1>{escape(labels)}</h1><p>{escape(caption(found))}</p></header>",
        *(f'<p class="alarm">{escape(line.label)}: {escape(note)}</p>' for line, note in _alarms(found)),
        f"<h2>Scores</h2>{table.html()}",
        "<dl class=facts>"
        + "".join(f"<dt>{escape(line.label)}</dt><dd>{escape(line.title)}</dd>" for line in found.lines)
        + "</dl>",
        *(f"<p>{escape(sentence)}</p>" for sentence in _sentences(found)),
    ]
    if figure:
        told = "Lower is better, and so is further left. Bars are 95 % intervals."
        body.append(f'<h2>Quality and time</h2><figure class="plot">{figure}<figcaption>{told}</figcaption></figure>')
    if found.drawn:
        told = (
            "Outlines have one colour for each annotator, and rose for samples: the very ones that were scored. The "
            "mean probability is that of all."
        )
        cases = "".join(side_by_side(case, f"case-{number}") for number, case in enumerate(found.drawn, 1))
        body.append(f"<h2>The same cases by each method</h2><p>{told}</p>{cases}")
    run = {}
    if found.cases is not None:
        body.append(found.cases.html())
        run = {"style": style(), "script": script()}
    for name, published, cautions in found.published:
        notes = "".join(f'<p class="quiet">{escape(caution)}</p>' for caution in cautions)
        body.append(f"<h2>Published: {escape(name)}</h2>{published.html()}{notes}")
    body.append(f"<h2>Again</h2><pre><code>{escape(command)}</code></pre>")
    return document(f"{labels} on {found.summary['store']}", "\n".join(body), **run)


def floor_sentence(found: Comparison) -> str:
    """What is known of the least GED that a model of the image alone can have."""
    if found.floor is None:
        return ""
    return (
        f"The least GED that a model of the image alone can have: at most {found.floor.above}, which {found.best} has, "
        f"and at least about {found.floor.below}."
    )


def _sentences(found: Comparison) -> list[str]:
    """What to know of the table: the floor, notes, how to read it, and where it was timed."""
    where, timed = found.where, ""
    if where:
        timed = f"Timed on {where['device_name']}, {plural(where['threads'], 'thread')}, torch {where['torch']}."
    rough = [line.label for line in found.methods if line.cost is not None and line.cost.multiplied]
    if rough:
        timed += f" About: multiplied from two samples in one step and two ({', '.join(rough)})."
    return [text for text in (floor_sentence(found), *found.notes, *READING, timed) if text]


def _alarms(found: Comparison) -> Sequence[tuple[Line, str]]:
    return [(line, note) for line in found.methods for note in line.notes if note.startswith("LEAKY")]
