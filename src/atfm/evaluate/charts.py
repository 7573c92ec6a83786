"""The charts of an evaluation: scores against n, reliability, diversity."""

from collections.abc import Mapping, Sequence

from atfm.evaluate.evaluation import Result
from atfm.metrics.empty_calibration import EmptyCalibration
from atfm.report.figures import Curve, diversity_chart, empty_mask_chart, reliability_chart, score_chart
from atfm.report.page import Chart

__all__ = ["charts"]


def charts(methods: Sequence[Result], shares: Mapping[str, EmptyCalibration]) -> list[Chart]:
    """Score against n, reliability (of pixels, and of empty masks) and diversity of methods, which go by their titles.

    Args:
        methods: with samples.
        shares: of their empty masks, by the names of the methods; none where no annotation is empty.
    """
    empty = [of_empty_masks(methods, shares)] if shares else []
    return [score_against_n(methods), reliability(methods), *empty, diversity(methods)]


def score_against_n(methods: Sequence[Result]) -> Chart:
    """GED_n with that of further readers, and HM-IoU_n."""
    ged = [curve(result, "ged_", result.title) for result in methods]
    readers = curve(methods[0], "floor_ged_", "as many further readers", reference=True)
    hm_iou = [curve(result, "hm_iou_", result.title) for result in methods]
    return Chart(
        "Scores against the number of samples",
        "GED falls with n by itself, since a sample is compared with itself too; the dashed line, which further "
        "readers of the same images would have, falls likewise, and what lies between is the unbiased GED. Bands are "
        "95 % intervals over patients.",
        score_chart({"GED, lower is better": [*ged, readers], "HM-IoU, higher is better": hm_iou}),
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
        curves.append(Curve(result.title, result.bins.predicted[there].tolist(), result.bins.drawn[there].tolist()))
    return Chart(
        "Is the mean probability right?",
        "Pixels in bins of the share of samples that hold them. On the diagonal the share of annotators who mark "
        "these pixels is the same. Empty bins are left out; nearly all pixels are background, in the first bin.",
        reliability_chart(curves, counts[0]),
    )


def of_empty_masks(methods: Sequence[Result], shares: Mapping[str, EmptyCalibration]) -> Chart:
    """Predicted against observed share of empty masks, by images."""
    bins = {result.title: shares[result.name].bins for result in methods if result.name in shares}
    curves = [Curve(name, [p for _, p, _ in found], [q for _, _, q in found]) for name, found in bins.items()]
    return Chart(
        "Is the share of empty masks right?",
        "Images in bins of the share of a method's masks that are empty. On the diagonal readers leave as many empty. "
        "Each point stands for as many images as the bars say (of the first method), and few patients move it far.",
        empty_mask_chart(curves, next(iter(bins.values()))),
    )


def diversity(methods: Sequence[Result]) -> Chart:
    """A point for each case and method."""
    points = {}
    for result in methods:
        scored = [row.scores for row in result.rows if {"diversity", "annotator_diversity"} <= row.scores.keys()]
        x, y = ([scores[name] for scores in scored] for name in ("annotator_diversity", "diversity"))
        points[result.title] = (x, y)
    return Chart(
        "Are samples as diverse as annotators?",
        "A point is a case: the mean distance (1 - IoU) of two of its samples against that of two of its annotators. "
        "Few annotators make the horizontal axis coarse; on average the points should lie on the diagonal.",
        diversity_chart(points),
    )
