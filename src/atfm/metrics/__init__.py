"""The field's scores for many masks against many annotators, each defined in one place."""

from atfm.metrics.calibration import ReliabilityBins, crps, crps_area, dice_of_mean, variance_ncc
from atfm.metrics.energy import (
    annotator_diversity,
    consistent,
    floor_ged_n,
    ged,
    ged_n,
    sample_diversity,
    with_self_pairs,
)
from atfm.metrics.masks import Array, empty_share, most_likely
from atfm.metrics.matching import best_k_iou_n, d_max_n, hm_iou_n, mdm_n
from atfm.metrics.overlap import Overlaps, Pairs, overlaps, pairwise_dice, pairwise_iou
from atfm.metrics.table import METRICS, Interval, Metric, always_empty, describe, majority, score_case, summarise

__all__ = [
    "METRICS",
    "Array",
    "Interval",
    "Metric",
    "Overlaps",
    "Pairs",
    "ReliabilityBins",
    "always_empty",
    "annotator_diversity",
    "best_k_iou_n",
    "consistent",
    "crps",
    "crps_area",
    "d_max_n",
    "describe",
    "dice_of_mean",
    "empty_share",
    "floor_ged_n",
    "ged",
    "ged_n",
    "hm_iou_n",
    "majority",
    "mdm_n",
    "most_likely",
    "overlaps",
    "pairwise_dice",
    "pairwise_iou",
    "sample_diversity",
    "score_case",
    "summarise",
    "variance_ncc",
    "with_self_pairs",
]
