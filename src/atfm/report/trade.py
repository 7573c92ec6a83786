"""The chart of what quality costs: a score of each method against its time."""

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
from matplotlib.figure import Figure

from atfm.report.figures import COLOURS, INK, STYLE, to_svg

__all__ = ["Point", "trade_chart"]


@dataclass(frozen=True)
class Point:
    """A method.

    Args:
        label: beside its point.
        x: its time in seconds, above 0.
        y: its score.
        low, high: ends of the score's interval; None where there is none.
    """

    label: str
    x: float
    y: float
    low: float | None = None
    high: float | None = None


def trade_chart(points: Sequence[Point], x: str, y: str, floor: float | None = None) -> str:
    """Draw methods by time, on a logarithmic axis, and score, lower is better; a floor is dashed."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(8.6, 4.2), layout="constrained")
        axes = figure.add_subplot()
        if floor is not None:
            axes.axhline(floor, color=INK, alpha=0.6, linewidth=1, linestyle=(0, (4, 3)))
            axes.annotate("other readers", (1, floor), xycoords=("axes fraction", "data"), fontsize=8, ha="right",
                          xytext=(0, 3), textcoords="offset points")  # fmt: skip
        for number, point in enumerate(points):
            colour = COLOURS[number % len(COLOURS)]
            if point.low is not None and point.high is not None:
                axes.plot([point.x] * 2, [point.low, point.high], color=colour, linewidth=1.2, alpha=0.6)
            axes.plot([point.x], [point.y], color=colour, marker="o", markersize=5)
            # A dollar would begin a formula, and a name is none.
            axes.annotate(point.label.replace("$", r"\$"), (point.x, point.y), xytext=(6, 4), fontsize=8.5,
                          textcoords="offset points")  # fmt: skip
        axes.set_xscale("log")
        axes.margins(x=0.15)
        axes.set(xlabel=x, ylabel=y)
        return to_svg(figure, f"{y} against {x}")
