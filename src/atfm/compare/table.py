"""The lines of a comparison as a table of text, and all their numbers as CSV."""

from collections.abc import Callable, Sequence

from atfm.compare.lines import Line, Paired
from atfm.metrics.table import METRICS, Interval, describe
from atfm.report.grid import Column, Grid, csv_text

__all__ = ["NAMES", "grid", "name_of", "number", "numbers", "short", "shown"]

# Columns of the table, those that any line has; CSV and JSON have all scores.
SHOWN = {"ged": (16, 32, 100), "hm_iou": (16, 32), "mdm": (32,)}
NAMES = {
    "ged": "GED",
    "hm_iou": "HM-IoU",
    "mdm": "MDM",
    "d_sr": "D_sr",
    "diversity": "D_ss",
    "best_k_iou": "best K IoU",
}


def grid(lines: Sequence[Line], against: str, samples: int, caption: str) -> Grid:
    """Methods as rows with scores, differences and cost as columns, references at the foot.

    Args:
        lines: methods, then references.
        against: the label that methods are held against.
        samples: of an image, which operations and seconds are for.
        caption: one sentence.
    """
    scores = [name for name in shown(samples) if any(name in line.scores for line in lines)]
    tested = list(dict.fromkeys(name for line in lines for name in line.pairs))
    columns = [Column("method", text=True), *(Column(name_of(name), better(name)) for name in scores)]
    columns += [Column(f"{name_of(name)} less {against}") for name in tested]
    costs = costs_of(samples)
    there = {name: tell for name, tell in costs.items() if any(tell(line) for line in lines)}
    columns += [Column(name) for name in there]
    rows = [
        [
            _name(line),
            *(_interval(line.scores.get(name)) for name in scores),
            *(_pair(line.pairs.get(name)) for name in tested),
            *(tell(line) for tell in there.values()),
        ]
        for line in lines
    ]
    first = next((number for number, line in enumerate(lines) if line.kind == "reference"), None)
    return Grid(columns, rows, caption, () if first is None else (first,))


def shown(samples: int) -> list[str]:
    """The scores that are columns: of the numbers that papers print, and of all samples where these are others."""
    found = ["ged"]
    for family, usual in SHOWN.items():
        numbers = {n for n in usual if n <= samples} | ({samples} if family == "ged" else {min(samples, usual[-1])})
        found += [f"{family}_{n}" for n in sorted(numbers)]
    return [*found, "d_sr", "diversity"]


def costs_of(samples: int) -> dict[str, Callable[[Line], str]]:
    """The columns of cost, each with what tells it of a line; nothing where it is not known."""
    return {
        "steps": lambda line: "" if line.cost is None or line.cost.steps is None else str(line.cost.steps),
        "parameters": lambda line: "" if line.cost is None else short(line.cost.parameters),
        f"GFLOP ({samples})": lambda line: "" if line.cost is None else short(line.cost.gflop),
        f"seconds ({samples})": _seconds,
        "image views": lambda line: "" if line.cost is None or line.cost.views is None else short(line.cost.views),
    }


def numbers(lines: Sequence[Line]) -> str:
    """All numbers of all lines as CSV: of each score the mean and both ends of its interval."""
    scores = sorted({name for line in lines for name in line.scores}, key=_place)
    tested = list(dict.fromkeys(name for line in lines for name in line.pairs))
    head = ["method", "kind", "what", "trainings"]
    head += [f"{name}{end}" for name in scores for end in ("", "_low", "_high")]
    head += [f"{name}_difference{end}" for name in tested for end in ("", "_low", "_high", "_p_alone", "_p_holm")]
    head += ["steps", "parameters", "gflop", "seconds", "seconds_multiplied", "image_views", "notes"]
    rows = []
    for line in lines:
        row: list[object] = [line.label, line.kind, line.title, line.trainings]
        for name in scores:
            row += _ends(line.scores.get(name))
        for name in tested:
            pair = line.pairs.get(name)
            row += [None] * 5 if pair is None else [*_ends(pair.found.interval), pair.found.p, pair.p]
        cost = line.cost
        row += (
            [None] * 6
            if cost is None
            else [cost.steps, cost.parameters, cost.gflop, cost.seconds, cost.multiplied, cost.views]
        )
        rows.append([*row, "; ".join(line.notes)])
    return csv_text(head, rows)


def name_of(metric: str) -> str:
    """`hm_iou_16` -> `HM-IoU_16`."""
    base, _, count = metric.rpartition("_")
    return f"{NAMES.get(base, base)}_{count}" if count.isdigit() else NAMES.get(metric, metric)


def better(metric: str) -> str:
    """Which side of a score is the better one."""
    higher = describe(metric).higher_is_better
    return "" if higher is None else "higher" if higher else "lower"


def number(value: float) -> str:
    """Three digits, as the field prints them: .203, -.010, 1.250."""
    text = f"{value:.3f}"
    return "0.000".replace("0.", ".") if text == "-0.000" else text.replace("0.", ".", 1) if abs(value) < 1 else text


def short(value: float) -> str:
    """Three digits with a unit: 850, 2.03 M, 14.3 k, .219."""
    for unit, size, least in (("G", 1e9, 1e9), ("M", 1e6, 1e6), ("k", 1e3, 1e4)):
        if value >= least:
            return f"{value / size:.3g} {unit}"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}".removeprefix("0") or "0"


def _name(line: Line) -> str:
    several = f" ({line.trainings} trainings)" if line.trainings > 1 else ""
    leaky = " LEAKY" if any(note.startswith("LEAKY") for note in line.notes) else ""
    return f"{line.label}{several}{leaky}"


def _interval(score: Interval | None) -> str:
    if score is None:
        return ""
    if score.low is None or score.high is None:
        return number(score.mean)
    return f"{number(score.mean)}\n[{number(score.low)}, {number(score.high)}]"


def _pair(pair: Paired | None) -> str:
    if pair is None:
        return ""
    p = "" if pair.p is None else f" p {'<' if pair.p < 0.001 else ''}{number(max(pair.p, 0.001))}"
    return _interval(pair.found.interval) + p


def _seconds(line: Line) -> str:
    if line.cost is None or line.cost.seconds is None:
        return ""
    return ("about " if line.cost.multiplied else "") + short(line.cost.seconds)


def _ends(score: Interval | None) -> list[object]:
    return [None] * 3 if score is None else [score.mean, score.low, score.high]


def _place(metric: str) -> tuple[int, int]:
    base, _, count = metric.rpartition("_")
    family = f"{base}_n" if count.isdigit() else metric
    return list(METRICS).index(family), int(count) if count.isdigit() else 0
