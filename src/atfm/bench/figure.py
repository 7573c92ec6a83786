"""The Pareto figure: GED against the seconds of 100 samples, as a picture that stands alone."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from atfm.errors import InputError
from atfm.io.atomic import atomic_write
from atfm.report.figures import COLOURS, INK, STYLE

__all__ = ["write_pareto"]

SUFFIXES = (".svg", ".png", ".pdf")
DARK = "#222222"  # a picture that stands alone brings its paper along
TITLES = {"ged": "GED, unbiased", "hm_iou": "HM-IoU"}


def write_pareto(path: Path, points: Sequence[Mapping[str, Any]], samples: int, *, about: str) -> None:
    """Draw the points of `atfm.bench.pareto.scored`: seconds for all samples (x) against two scores (y).

    Args:
        path: SVG, PNG or PDF, by its suffix.
        points: each with `name`, `seconds` and `scores`.
        samples: drawn of each image.
        about: what was measured where, the line above the panels.

    Raises:
        InputError: another suffix.
        DiskError: the file cannot be written.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path}: expected a name that ends in {', '.join(SUFFIXES)}")
    style = {key: DARK if value == INK else value for key, value in STYLE.items()}
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(8.6, 3.4), layout="constrained")
        figure.suptitle(about, x=0.01, ha="left", fontsize=9)
        for number, metric in enumerate(("ged", f"ged_{samples}")):
            _panel(figure, number, metric, points, samples)
        with atomic_write(path) as temporary:
            figure.savefig(temporary, dpi=160, metadata={"Date": None} if path.suffix.lower() == ".svg" else None)


def _panel(figure: Figure, number: int, metric: str, points: Sequence[Mapping[str, Any]], samples: int) -> None:
    axes = figure.add_subplot(1, 2, number + 1)
    with_score = [point for point in points if metric in point["scores"]]
    x = [point["seconds"] for point in with_score]
    scores = [point["scores"][metric] for point in with_score]
    axes.plot(x, [score["mean"] for score in scores], color=COLOURS[0], linewidth=1.2, marker="o", markersize=4)
    for point, score in zip(with_score, scores, strict=True):
        if score["low"] is not None:
            axes.plot([point["seconds"]] * 2, [score["low"], score["high"]], color=COLOURS[0], alpha=0.4)
        label = point["name"]
        axes.annotate(label, (point["seconds"], score["mean"]), (5, 5), textcoords="offset points", fontsize=8)
    floor = points[0]["scores"].get(f"floor_{metric}")
    if floor is not None:
        axes.axhline(floor["mean"], color=DARK, alpha=0.6, linewidth=1, linestyle=(0, (4, 3)))
        axes.annotate("a perfect model", (1, floor["mean"]), (-3, 4), xycoords=("axes fraction", "data"),
                      textcoords="offset points", ha="right", fontsize=8)  # fmt: skip
    axes.set_xscale("log")
    axes.set_xlabel(f"seconds for {samples} samples of one image")
    axes.set_title(TITLES.get(metric, f"GED$_{{{samples}}}$, self-pairs counted"))
