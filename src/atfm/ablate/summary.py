"""The table and the figures of a study."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from atfm.ablate.limits import CURVES
from atfm.ablate.paper import ALPHA
from atfm.ablate.rows import Row
from atfm.ablate.study import Outcome
from atfm.metrics.table import Interval, few_patients, summarise
from atfm.report.figures import Curve, score_chart

__all__ = ["Line", "figures", "notes", "summary", "table"]

SHOWN = ("ged", "ged_16", "ged_32", "hm_iou_32", "diversity")


@dataclass(frozen=True)
class Line:
    """A row of the table: means over seeds and cases, intervals over patients and seeds, how far the seeds lie apart.

    Args:
        row, about, section: of the `Row`.
        way, steps: how it was sampled, see `Outcome`.
        seeds: how many; with one its interval is over patients alone, and says nothing of other trainings.
        patients: how many.
        seconds: of training the stages of its own, mean over the seeds.
        scores: by metric.
        spread: the largest less the smallest mean GED of a seed.
        gain: GED less that of the first line, case by case and seed by seed: all rows see the same cases and noise, so
            that this tells far smaller differences than the intervals of two rows.
    """

    row: str
    about: str
    section: str
    way: str
    steps: int | None
    seeds: int
    patients: int
    seconds: float
    scores: Mapping[str, Interval]
    spread: float
    gain: Interval | None

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return asdict(self)


def summary(outcomes: Sequence[Outcome], rows: Sequence[Row]) -> list[Line]:
    """Bring the seeds of each row together; the intervals are over patients and over trainings, see `summarise`."""
    about = {row.name: row for row in rows}
    groups: dict[tuple[str, str, int | None], list[Outcome]] = {}
    for outcome in outcomes:
        groups.setdefault((outcome.row, outcome.way, outcome.steps), []).append(outcome)
    lines: list[Line] = []
    first = _by_case(next(iter(groups.values()), []))
    for (name, way, steps), group in groups.items():
        cases = [{"seed": outcome.seed, **case} for outcome in group for case in outcome.cases]
        scores = summarise(cases, trainings="seed")
        means = [summarise(outcome.cases)["ged"].mean for outcome in group]
        seconds = sum(outcome.seconds for outcome in group) / len(group)
        row, spread = about[name], max(means) - min(means)
        gain = _difference(_by_case(group), first) if lines else None
        patients = len({case["patient"] for case in cases})
        lines.append(
            Line(name, row.about, row.section, way, steps, len(group), patients, seconds, scores, spread, gain)
        )
    return lines


def _by_case(group: Sequence[Outcome]) -> dict[tuple[int, str], dict[str, Any]]:
    return {(outcome.seed, case["case"]): case for outcome in group for case in outcome.cases}


def _difference(ours: Mapping[tuple[int, str], Any], first: Mapping[tuple[int, str], Any]) -> Interval | None:
    rows = [
        {"seed": key[0], "patient": ours[key]["patient"], "gain": ours[key]["ged"] - first[key]["ged"]}
        for key in sorted(ours.keys() & first.keys())
        if ours[key].get("ged") is not None and first[key].get("ged") is not None
    ]
    return summarise(rows, trainings="seed")["gain"] if rows else None


def table(lines: Sequence[Line]) -> str:
    """The table in Markdown, with what its intervals leave out under it."""
    head = ["row", "", "sampled with", "steps", *SHOWN, "GED less the first", "seeds apart", "training"]
    rows = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for line in lines:
        scores = [_text(line.scores[name]) if name in line.scores else "" for name in SHOWN]
        steps = {None: "", 0: "first stage alone"}.get(line.steps, str(line.steps))
        gain = "" if line.gain is None else _text(line.gain)
        cells = [
            f"`{line.row}`",
            line.about,
            line.way,
            steps,
            *scores,
            gain,
            f"{line.spread:.3f}"[1:],
            f"{line.seconds:.0f} s",
        ]
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join([*rows, *(f"\n{note}" for note in notes(lines))])


def notes(lines: Sequence[Line]) -> list[str]:
    """What a reader of the intervals has to know."""
    found = ["Brackets: 95 % intervals over patients and, with two seeds or more, over trainings."]
    if any(line.seeds == 1 for line in lines):
        found.append("One seed: how far another training would land is not in the interval.")
    fewest = min((line.patients for line in lines), default=0)
    return found + few_patients(fewest)


def _text(score: Interval) -> str:
    def short(value: float) -> str:
        return f"{value:.3f}".replace("0.", ".", 1)

    if score.low is None or score.high is None:
        return short(score.mean)
    return f"{short(score.mean)} [{short(score.low)}, {short(score.high)}]"


def figures(lines: Sequence[Line]) -> dict[str, str]:
    """SVG by name: `steps`, scores against solver steps (the paper's figure 6b), `alpha` (6c), `limits`; if scored."""
    if any(line.section == "limits" for line in lines):
        return _limits(lines)
    ways: dict[str, list[tuple[float, Line]]] = {}
    for line in lines:
        if line.steps and not line.way:
            ways.setdefault(line.row, []).append((line.steps, line))
    many = {name: points for name, points in ways.items() if len(points) > 1}
    drawn = {"steps": _chart(many, "solver steps")} if many else {}
    weights = [(ALPHA[line.row], line) for line in lines if line.row in ALPHA and line.steps == 25]
    if len(weights) > 1:
        # The axis is logarithmic, so alpha = 0 stands a decade below the smallest other.
        drawn["alpha"] = _chart({"ATFM": [(1e3 * alpha or 0.01, line) for alpha, line in weights]}, "1,000 alpha")
    return drawn


def _limits(lines: Sequence[Line]) -> dict[str, str]:
    """Learning curves: GED of the first stage and of all against patients, widths and time; of two rows on."""
    panels = {}
    for title, shares in CURVES.items():
        stages: dict[str, list[tuple[float, Interval]]] = {"first stage": [], "all stages": []}
        for line in lines:
            if line.row in shares and "ged" in line.scores:
                stages["first stage" if line.steps == 0 else "all stages"].append(
                    (shares[line.row], line.scores["ged"])
                )
        curves = [_curve(label, points) for label, points in stages.items() if len(points) > 1]
        if curves:
            panels[f"GED, unbiased: {title}"] = curves
    return {"limits": score_chart(panels, "share of the reference")} if panels else {}


def _curve(label: str, points: Sequence[tuple[float, Interval]]) -> Curve:
    points = sorted(points, key=lambda point: point[0])
    x, y = [at for at, _ in points], [score.mean for _, score in points]
    low = [score.mean if score.low is None else score.low for _, score in points]
    high = [score.mean if score.high is None else score.high for _, score in points]
    return Curve(label, x, y, low, high)


def _chart(ways: Mapping[str, Sequence[tuple[float, Line]]], x: str) -> str:
    panels = {}
    for title, metric in (("GED, unbiased", "ged"), ("HM-IoU_32", "hm_iou_32")):
        curves = []
        for name, points in ways.items():
            there = [
                (at, line.scores[metric].mean)
                for at, line in sorted(points, key=lambda p: p[0])
                if metric in line.scores
            ]
            curves.append(Curve(name, [at for at, _ in there], [mean for _, mean in there]))
        panels[title] = curves
    return score_chart(panels, x)
