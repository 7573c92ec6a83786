"""Score against time: what first stages draw alone, then the whole in one step, two, four, eight; and the figure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import matplotlib
import torch
from matplotlib.figure import Figure

from atfm.bench.contender import Contender
from atfm.bench.gauge import alternate
from atfm.bench.operations import count_operations
from atfm.data.store import Store
from atfm.errors import InputError
from atfm.evaluate.score import evaluate
from atfm.io.atomic import atomic_write
from atfm.methods.method import Method
from atfm.report.figures import COLOURS, INK, STYLE
from atfm.seeding import Noise

__all__ = ["Scoring", "curve", "write_pareto"]

_SUFFIXES = (".svg", ".png", ".pdf")
_DARK = "#222222"  # a picture that stands alone brings its paper along


@dataclass(frozen=True)
class Scoring:
    """On what the points are scored; as for `atfm.evaluate.score.evaluate`."""

    store: Store
    split: str = "val"
    limit: int | None = None
    seed: int = 0


def curve(
    contender: Contender,
    steps: Sequence[int],
    image: torch.Tensor,
    samples: int,
    *,
    repeats: int,
    scoring: Scoring | None = None,
    tell: Callable[[str], object] = lambda text: None,
) -> list[dict[str, Any]]:
    """Time, count and score `samples` masks by what each stage can draw and by the whole in each number of steps.

    Returns:
        Of each: `name`, `steps`, `gflop` and `seconds`; with `scoring` also `cases`, `patients` and `scores`.

    Raises:
        ConfigError: fewer than one step.
        LeakError, StoreError, InputError: as `evaluate`.
    """
    methods = _methods(contender.method, steps)
    noise = Noise.unnamed(0, len(image))
    calls = {name: partial(method.sample, image, samples, noise=noise) for name, method in methods.items()}
    times = alternate(calls, image.device, repeats=repeats)
    points = []
    for name, method in methods.items():
        gflop = count_operations(method).total(samples) / 1e9
        point: dict[str, Any] = {"name": name, "steps": method.steps, "gflop": gflop, "seconds": times[name]}
        if scoring is not None:
            tell(f"scoring {name}")
            found = evaluate(
                replace(contender, method=method),
                scoring.store,
                split=scoring.split,
                samples=samples,
                limit=scoring.limit,
                seed=scoring.seed,
                device=image.device,
                references=False,
            )
            point |= {"cases": found.cases, "patients": found.patients, "scores": found.result.as_json()}
        points.append(point)
    return points


def _methods(method: Method, steps: Sequence[int]) -> dict[str, Method]:
    """What can be sampled after a stage that is not the last, then the method in each number of steps."""
    alone = {id(stage.method): stage for stage in method.stages() if stage.method is not method}  # the last of each
    kept = {f"{stage.name} alone": stage.method for stage in alone.values()}
    if method.steps is None:
        return kept | {"as it is": method}
    return kept | {f"{n} step" + "s" * (n > 1): method.with_steps(n) for n in sorted(set(steps))}


def write_pareto(path: Path, points: Sequence[Mapping[str, Any]], samples: int, *, about: str) -> None:
    """Draw the points of `curve`: seconds for all samples (x) against two scores (y).

    Args:
        path: SVG, PNG or PDF, by its suffix.
        points: each with `name`, `seconds` and `scores`.
        samples: drawn of each image.
        about: what was measured where, the line above the panels.

    Raises:
        InputError: another suffix.
        DiskError: the file cannot be written.
    """
    if path.suffix.lower() not in _SUFFIXES:
        raise InputError(f"{path}: expected a name that ends in {', '.join(_SUFFIXES)}")
    style = {key: _DARK if value == INK else value for key, value in STYLE.items()}
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(8.6, 3.4), layout="constrained")
        figure.suptitle(about, x=0.01, ha="left", fontsize=9)
        for number, metric in enumerate(("ged", f"ged_{samples}")):
            _panel(figure, number, metric, points, samples)
        with atomic_write(path) as temporary:
            figure.savefig(temporary, dpi=160, metadata={"Date": None} if path.suffix.lower() == ".svg" else None)


def _panel(figure: Figure, number: int, metric: str, points: Sequence[Mapping[str, Any]], samples: int) -> None:
    axes = figure.add_subplot(1, 2, number + 1)
    scored = [
        (point["seconds"], point["name"], point["scores"][metric]) for point in points if metric in point["scores"]
    ]
    axes.plot(
        [x for x, _, _ in scored],
        [score["mean"] for _, _, score in scored],
        linewidth=1.2,
        marker="o",
        color=COLOURS[0],
    )
    for x, name, score in scored:
        if score["low"] is not None:
            axes.plot([x, x], [score["low"], score["high"]], color=COLOURS[0], alpha=0.4)
        axes.annotate(name, (x, score["mean"]), (5, 5), textcoords="offset points", fontsize=8)
    floor = points[0]["scores"].get(f"floor_{metric}")
    if floor is not None:
        axes.axhline(floor["mean"], color=_DARK, alpha=0.6, linewidth=1, linestyle=(0, (4, 3)))
        axes.annotate("a perfect model", (1, floor["mean"]), (-3, 4), xycoords=("axes fraction", "data"),
                      textcoords="offset points", ha="right", fontsize=8)  # fmt: skip
    axes.set_xscale("log")
    axes.set_xlabel(f"seconds for {samples} samples of one image")
    axes.set_title("GED, unbiased" if metric == "ged" else f"GED$_{{{samples}}}$, self-pairs counted")
