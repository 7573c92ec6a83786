"""From an `Evaluation` to the `Report` that is rendered of it."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from atfm.evaluate.by_empty import Line, by_empty
from atfm.evaluate.case_table import case_table
from atfm.evaluate.charts import charts
from atfm.evaluate.empty_shares import empty_shares
from atfm.evaluate.empty_shares import in_sentences as calibration_sentences
from atfm.evaluate.evaluation import Evaluation, Result, of_class, of_wholes
from atfm.evaluate.floor import best_floor, in_sentences
from atfm.metrics.table import Interval
from atfm.report.page import Report
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
    floor, shares = best_floor(evaluation), empty_shares(evaluation)
    return Report(
        title=f"{Path(evaluation.model).name} on {evaluation.store.info.name}, {evaluation.split}",
        lead=f"{evaluation.samples} masks of each of {in_words(evaluation)}, compared with all their annotators.",
        facts=facts(evaluation),
        rows=score_rows(evaluation, of_wholes),
        classes={name: score_rows(evaluation, partial(of_class, name=name)) for name in evaluation.classes},
        cases=in_words(evaluation),
        floor=[] if floor is None else in_sentences(floor),
        by_empty=[empty_row(line) for line in by_empty(evaluation.result, evaluation.seed)],
        empty_calibration=calibration_sentences(shares, {result.name: title(result) for result in methods}),
        command=command,
        alarms=alarms(evaluation),
        notes=notes(evaluation),
        charts=charts(methods, shares),
        illustrations=evaluation.illustrations,
        published=published_tables(evaluation.store.info.name, evaluation.store.info.source),
        slices=len(evaluation.store),
        table=case_table(evaluation),
    )


def title(result: Result) -> str:
    """The name of a method or reference as a reader knows it."""
    return REFERENCES[result.name][0] if result.bins is None else result.title


def described(result: Result) -> str:
    """What a method or reference is, with its note."""
    note = result.note if result.bins is not None else REFERENCES[result.name][1]
    return f"{title(result)}: {note}" if note else title(result)


def in_words(evaluation: Evaluation) -> str:
    """`2,303 cases of 134 patients`."""
    return f"{plural(evaluation.cases, 'case')} of {plural(evaluation.patients, 'patient')}"


def plural(count: int, noun: str) -> str:
    """A number and its noun."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


def facts(evaluation: Evaluation) -> dict[str, str]:
    """What was scored, on what, with which randomness."""
    read = {} if evaluation.convention is None else evaluation.convention.facts
    model = read or {"Model": f"{evaluation.model} ({title(evaluation.result)})"}
    drawn = f"seed {evaluation.seed}" if not read else "read, not drawn"
    return {
        **model,
        "Store": f"{evaluation.store.info.name}, SHA-256 {evaluation.store.digest[:16]}",
        "Split": f"{evaluation.split}: {in_words(evaluation)} scored of {evaluation.split_cases:,} cases in it",
        "Samples": f"{evaluation.samples} of each case, {drawn}",
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
            "Samples carry weights: every mean over samples is weighted, and further readers are as many as equal "
            "samples they are worth, 1 / sum of squared weights. The unbiased GED takes them for independent draws."
        ]
    return [*subset, *weights, *evaluation.warnings]


def score_rows(evaluation: Evaluation, part: Part) -> list[ScoreRow]:
    """The model, what stands beside it, the references, and what further readers of the same images would score.

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
    readers = {"ged": Interval(0.0, None, None, evaluation.cases)} if "ged" in scores else {}
    readers |= {name.removeprefix("floor_"): score for name, score in scores.items() if name.startswith("floor_")}
    if "annotator_diversity" in scores:
        d_rr = scores["annotator_diversity"]
        readers |= {"diversity": d_rr, "d_sr": d_rr, "annotator_diversity": d_rr}
    note = "n further ones of the same images, on average; a model need not reach them"
    return [*rows, ScoreRow("Other readers", readers, "reference", note)]


def empty_row(line: Line) -> ScoreRow:
    """Images with as many empty annotations, as a row of their table."""
    scores = {"ged": line.ged, "empty_predicted": line.predicted, "own_ged": line.own_ged}
    there = {name: score for name, score in scores.items() if score is not None}
    return ScoreRow(line.name, there, "model", f"{line.cases:,} images; of its own readers {line.own_cases:,}")


def groups(evaluation: Evaluation) -> list[tuple[Kind, Sequence[Result]]]:
    """The results by the part they play in the table."""
    return [("model", [evaluation.result]), ("method", evaluation.beside), ("reference", evaluation.references)]
