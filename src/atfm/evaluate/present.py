"""From an `Evaluation` to the `Report` that is rendered of it."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from atfm.evaluate.evaluation import Evaluation, Result, of_class, of_wholes
from atfm.metrics.table import Interval
from atfm.report.figures import Curve, diversity_chart, reliability_chart, score_chart
from atfm.report.page import Chart, Report
from atfm.report.published import published_tables
from atfm.report.tables import Kind, ScoreRow

__all__ = ["report_of"]

Part = Callable[[Mapping[str, Interval]], dict[str, Interval]]

REFERENCES = {
    "always_empty": ("Always empty", "a reference, not a method"),
    "majority": ("Annotators' majority", "an oracle: it has seen them"),
}


def report_of(evaluation: Evaluation, command: str) -> Report:
    """Everything the page says, in words and pictures.

    Args:
        evaluation: what was measured.
        command: the command line that makes it again.
    """
    methods = [result for result in evaluation.results if result.bins is not None]
    return Report(
        title=f"{Path(evaluation.model).name} on {evaluation.store.info.name}, {evaluation.split}",
        lead=f"{evaluation.samples} masks of each of {in_words(evaluation)}, compared with all their annotators.",
        facts=facts(evaluation),
        rows=score_rows(evaluation, of_wholes),
        classes={name: score_rows(evaluation, partial(of_class, name=name)) for name in evaluation.classes},
        cases=in_words(evaluation),
        command=command,
        alarms=alarms(evaluation),
        notes=notes(evaluation),
        charts=charts(methods),
        illustrations=evaluation.illustrations,
        published=published_tables(evaluation.store.info.name, evaluation.store.info.source),
        slices=len(evaluation.store),
    )


def title(result: Result) -> str:
    """The name of a method or reference as a reader knows it."""
    return REFERENCES[result.name][0] if result.bins is None else result.title


def in_words(evaluation: Evaluation) -> str:
    """`2,303 cases of 134 patients`."""
    return f"{plural(evaluation.cases, 'case')} of {plural(evaluation.patients, 'patient')}"


def plural(count: int, noun: str) -> str:
    """A number and its noun."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def facts(evaluation: Evaluation) -> dict[str, str]:
    """What was scored, on what, with which randomness."""
    return {
        "Model": f"{evaluation.model} ({title(evaluation.result)})",
        "Store": f"{evaluation.store.info.name}, SHA-256 {evaluation.store.digest[:16]}",
        "Split": f"{evaluation.split}: {in_words(evaluation)} scored of {evaluation.split_cases:,} cases in it",
        "Samples": f"{evaluation.samples} of each case, seed {evaluation.seed}",
        "Training against test": evaluation.leak.line,
    }


def alarms(evaluation: Evaluation) -> list[str]:
    """What makes the scores dishonest."""
    leak = evaluation.leak
    if not leak.found:
        return []
    return [f"Leaky: the model was trained on {leak.told}. These scores say nothing about new patients."]


def notes(evaluation: Evaluation) -> list[str]:
    """The subset, weights, and every warning."""
    subset, weights = [], []
    chosen = evaluation.cases + evaluation.silent
    if chosen < evaluation.split_cases:
        subset = [
            f"A subset: {chosen:,} of the {evaluation.split_cases:,} cases of the split, the same ones each "
            "time. Scores of the whole split differ."
        ]
    if evaluation.weighted:
        weights = [
            "Samples carry weights: every mean over samples is weighted, and the floor that of as many equal samples "
            "as they are worth, 1 / sum of squared weights. The unbiased GED takes them for independent draws."
        ]
    return [*subset, *weights, *evaluation.warnings]


def score_rows(evaluation: Evaluation, part: Part) -> list[ScoreRow]:
    """The model, what stands beside it, the references, and what a perfect model would score.

    Args:
        evaluation: what was measured.
        part: takes the scores that the rows are of: those of the masks as wholes, or of one class.
    """
    rows = [
        ScoreRow(
            title(result),
            part(result.scores),
            kind,
            result.note if result.bins is not None else REFERENCES[result.name][1],
        )
        for kind, results in groups(evaluation)
        for result in results
    ]
    scores = part(evaluation.result.scores)
    floor = {"ged": Interval(0.0, None, None, evaluation.cases)} if "ged" in scores else {}
    floor |= {name.removeprefix("floor_"): score for name, score in scores.items() if name.startswith("floor_")}
    if "annotator_diversity" in scores:
        floor["diversity"] = scores["annotator_diversity"]
    return [*rows, ScoreRow("A perfect model", floor, "reference", "the floor, on average")]


def groups(evaluation: Evaluation) -> list[tuple[Kind, Sequence[Result]]]:
    """The results by the part they play in the table."""
    return [("model", [evaluation.result]), ("method", evaluation.beside), ("reference", evaluation.references)]


def charts(methods: Sequence[Result]) -> list[Chart]:
    """Score against n, reliability, diversity."""
    return [score_against_n(methods), reliability(methods), diversity(methods)]


def score_against_n(methods: Sequence[Result]) -> Chart:
    """GED_n with its floor, and HM-IoU_n."""
    ged = [curve(result, "ged_", title(result)) for result in methods]
    floor = curve(methods[0], "floor_ged_", "floor: a perfect model", reference=True)
    hm_iou = [curve(result, "hm_iou_", title(result)) for result in methods]
    return Chart(
        "Scores against the number of samples",
        "GED falls with n by itself, since a sample is compared with itself too; the dashed floor falls likewise, and "
        "what lies between a line and the floor is the model's. Bands are 95 % intervals over patients.",
        score_chart({"GED, lower is better": [*ged, floor], "HM-IoU, higher is better": hm_iou}),
    )


def curve(result: Result, prefix: str, name: str, *, reference: bool = False) -> Curve:
    """The scores `<prefix><n>` of a method against n."""
    points = {
        int(metric.removeprefix(prefix)): score
        for metric, score in result.scores.items()
        if metric.startswith(prefix) and metric.removeprefix(prefix).isdigit()
    }
    ordered = sorted(points)
    scores = [points[n] for n in ordered]
    return Curve(
        name,
        ordered,
        [score.mean for score in scores],
        # A band needs its ends everywhere: with fewer than two patients there are none.
        [score.mean if score.low is None else score.low for score in scores],
        [score.mean if score.high is None else score.high for score in scores],
        reference,
    )


def reliability(methods: Sequence[Result]) -> Chart:
    """Predicted against observed share."""
    curves, counts = [], []
    for result in methods:
        if result.bins is None:
            continue
        there = result.bins.pixels > 0
        counts.append(result.bins.pixels.tolist())
        curves.append(Curve(title(result), result.bins.predicted[there].tolist(), result.bins.drawn[there].tolist()))
    return Chart(
        "Is the mean probability right?",
        "Pixels in bins of the share of samples that hold them. On the diagonal the share of annotators who mark "
        "these pixels is the same. Empty bins are left out; nearly all pixels are background, in the first bin.",
        reliability_chart(curves, counts[0]),
    )


def diversity(methods: Sequence[Result]) -> Chart:
    """A point for each case and method."""
    points = {}
    for result in methods:
        scored = [row.scores for row in result.rows if {"diversity", "annotator_diversity"} <= row.scores.keys()]
        x, y = ([scores[name] for scores in scored] for name in ("annotator_diversity", "diversity"))
        points[title(result)] = (x, y)
    return Chart(
        "Are samples as diverse as annotators?",
        "A point is a case: the mean distance (1 - IoU) of two of its samples against that of two of its annotators. "
        "Few annotators make the horizontal axis coarse; on average the points should lie on the diagonal.",
        diversity_chart(points),
    )
