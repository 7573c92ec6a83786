"""The charts of a report as inline SVG: score against number of samples, reliability, and diversity.

Text and axes take the colour of the page around them, so a chart is as legible on dark paper as on light.
"""

import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

__all__ = ["Curve", "diversity_chart", "empty_mask_chart", "reliability_chart", "score_chart", "to_svg"]

INK = "#010203"  # stands for the colour of the page's text, which only the page knows
COLOURS = (  # legible on white and on near-black
    *("#3b7dd8", "#d9792b", "#2f9e6e", "#a35cc2", "#d64f5f"),
    *("#8a8f2a", "#2aa3b8", "#8d6e63", "#7f7f7f"),
)
STYLE: dict[Any, Any] = {
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.7,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "font.family": "sans-serif",
    "font.size": 9,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "svg.fonttype": "none",  # text stays text, in the page's own font
    "svg.hashsalt": "atfm",  # the same report twice is the same file
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}


@dataclass(frozen=True)
class Curve:
    """A line with its interval.

    Args:
        label: for the legend.
        x, y: the points.
        low, high: ends of the interval at each point, or None.
        reference: drawn dashed and grey: a bound, not a method.
    """

    label: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] | None = None
    high: Sequence[float] | None = None
    reference: bool = False


def score_chart(panels: Mapping[str, Sequence[Curve]], x: str = "samples drawn, n") -> str:
    """Scores against `x`, in general the number `n` of samples drawn, one panel for each score."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(8.6, 3.1), layout="constrained")
        for axes, (title, curves) in zip(panel_row(figure, len(panels)), panels.items(), strict=True):
            for number, curve in enumerate(curves):
                draw(axes, curve, COLOURS[number % len(COLOURS)])
            axes.set_xscale("log", base=2)
            ticks = sorted({x for curve in curves for x in curve.x})
            axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
            axes.minorticks_off()
            axes.set_title(title)
            axes.set_xlabel(x)
            if all(len(curves) <= 4 for curves in panels.values()):
                axes.legend()
        if axes.get_legend() is None:  # so many that they would lie on the curves
            axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
        return to_svg(figure, f"score against {x.split(',')[0]}")


def reliability_chart(curves: Sequence[Curve], counts: Sequence[float]) -> str:
    """How often annotators mark a pixel against the probability that the model gives it.

    Args:
        curves: mean probability (x) and observed share (y) of each bin, one curve for each method.
        counts: pixels of the first method's bins, shown on a logarithmic axis beside it.
    """
    with matplotlib.rc_context(STYLE):
        figure, right = against_diagonal(curves, "mean probability of the samples", "share of annotators")
        edges = np.linspace(0, 1, len(counts) + 1)
        right.bar(edges[:-1], np.maximum(counts, 0.5), width=np.diff(edges) * 0.92, align="edge", color=COLOURS[0])
        right.set(yscale="log", ylabel="pixels", title="Pixels in each bin")
        return to_svg(figure, "reliability of the mean probability")


def empty_mask_chart(curves: Sequence[Curve], bins: Sequence[tuple[int, float, float]]) -> str:
    """The share of annotators who leave an image empty against the share of the samples that are.

    Args:
        curves: share of empty samples (x) and of empty annotations (y) of each bin, one curve for each method.
        bins: of the first method: images, and both shares.
    """
    with matplotlib.rc_context(STYLE):
        figure, right = against_diagonal(curves, "empty samples", "empty annotations")
        right.bar([p for _, p, _ in bins], [images for images, _, _ in bins], width=0.05, color=COLOURS[0])
        right.set(ylabel="images", title="Images in each bin")
        return to_svg(figure, "reliability of the share of empty masks")


def against_diagonal(curves: Sequence[Curve], x: str, y: str) -> tuple[Figure, Axes]:
    """Curves of shares over the line on which `x` and `y` are the same, and beside them axes for how many there are."""
    figure = Figure(figsize=(8.6, 3.1), layout="constrained")
    left, right = panel_row(figure, 2)
    left.plot([0, 1], [0, 1], color=INK, linestyle=(0, (4, 3)), linewidth=0.8, alpha=0.5)
    for number, curve in enumerate(curves):
        draw(left, curve, COLOURS[number % len(COLOURS)])
    left.set(xlabel=x, ylabel=y, xlim=(0, 1), ylim=(0, 1), title="Reliability")
    left.legend(loc="upper left")
    right.set(xlabel=x, xlim=(0, 1))
    return figure, right


def diversity_chart(groups: Mapping[str, tuple[Sequence[float], Sequence[float]]]) -> str:
    """Diversity of the samples against diversity of the annotators, a point for each case.

    Args:
        groups: annotator diversity (x) and sample diversity (y) of every case, one panel for each method.
    """
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(4.1 * len(groups), 3.7), layout="constrained")
        for number, (axes, (label, (x, y))) in enumerate(
            zip(panel_row(figure, len(groups)), groups.items(), strict=True)
        ):
            axes.plot([0, 1], [0, 1], color=INK, linestyle=(0, (4, 3)), linewidth=0.8, alpha=0.5)
            # Thousands of points are a picture inside the drawing: as vectors they would be most of the page.
            alpha = min(0.8, max(0.25, 100 / (len(x) + 1)))
            axes.scatter(x, y, s=11, alpha=alpha, linewidths=0, color=COLOURS[number % len(COLOURS)], rasterized=True)
            axes.set(xlabel="annotators: mean distance of two", ylabel="samples: mean distance of two")
            axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), aspect="equal")
            axes.set_title(label)
        return to_svg(figure, "diversity of samples against diversity of annotators")


def panel_row(figure: Figure, count: int) -> list[Axes]:
    """So many axes side by side."""
    return [figure.add_subplot(1, count, number + 1) for number in range(count)]


def draw(axes: Axes, curve: Curve, colour: str) -> None:
    """One line and its interval."""
    if curve.reference:
        axes.plot(curve.x, curve.y, color=INK, alpha=0.6, linewidth=1, linestyle=(0, (4, 3)), label=curve.label)
        return
    axes.plot(curve.x, curve.y, color=colour, linewidth=1.6, marker="o", markersize=3.2, label=curve.label)
    if curve.low is not None and curve.high is not None:
        axes.fill_between(curve.x, curve.low, curve.high, color=colour, alpha=0.15, linewidth=0)


def to_svg(figure: Figure, label: str) -> str:
    """A figure as an `<svg>` element that can stand in a page beside others."""
    buffer = io.StringIO()
    nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
    figure.savefig(buffer, format="svg", transparent=True, dpi=200, metadata=nothing)
    text = buffer.getvalue()
    text = text[text.index("<svg") :].replace(INK, "currentColor")
    # A style sheet inside an SVG would rule the whole page, and the page has a font of its own.
    text = re.sub(r"<(metadata|style)\b.*?</\1>", "", text, flags=re.DOTALL)
    text = re.sub(r"font-family: [^;\"]*;? ?", "", text)
    # Names inside an SVG are global to the page, so each chart's carry a prefix.
    prefix = re.sub(r"\W+", "-", label) + "-"
    text = re.sub(r'\bid="', f'id="{prefix}', text)
    text = re.sub(r'(href="#|url\(#)', rf"\g<1>{prefix}", text)
    return text.replace("<svg ", f'<svg class="chart" role="img" aria-label="{label}" ', 1)
