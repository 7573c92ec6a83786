"""The field's scores for many masks against many annotators, each defined in one place.

They stand alone: this room needs numpy (and scipy where masks are matched), and takes arrays and tensors alike.
"""

from atfm.metrics.accumulate import CaseScores
from atfm.metrics.calibration import dice_of_mean, empty_share, variance_ncc
from atfm.metrics.crps import crps, crps_area
from atfm.metrics.distribution import DistributionScores
from atfm.metrics.empty_calibration import EmptyCalibration, empty_calibration
from atfm.metrics.floor import Floor, floor_of
from atfm.metrics.ged import (
    annotator_diversity,
    consistent,
    floor_ged_n,
    ged,
    ged_n,
    sample_diversity,
    sample_to_annotator,
    with_self_pairs,
)
from atfm.metrics.ignore import from_labels, without
from atfm.metrics.masks import Array, most_likely
from atfm.metrics.matching import best_k_iou_n, d_max_n, hm_iou_n, mdm_n
from atfm.metrics.overlap import Overlaps, Pairs, overlaps, pairwise_dice, pairwise_iou
from atfm.metrics.references import always_empty, majority
from atfm.metrics.reliability import ReliabilityBins
from atfm.metrics.scores import score_case
from atfm.metrics.single import GED, MDM, BestKIoU, DMax, HMIoU, SingleScore
from atfm.metrics.table import METRICS, Interval, Metric, describe, summarise
from atfm.metrics.weights import effective_samples

__all__ = [
    "GED",
    "MDM",
    "METRICS",
    "Array",
    "BestKIoU",
    "CaseScores",
    "DMax",
    "DistributionScores",
    "EmptyCalibration",
    "Floor",
    "HMIoU",
    "Interval",
    "Metric",
    "Overlaps",
    "Pairs",
    "ReliabilityBins",
    "SingleScore",
    "always_empty",
    "annotator_diversity",
    "best_k_iou_n",
    "consistent",
    "crps",
    "crps_area",
    "d_max_n",
    "describe",
    "dice_of_mean",
    "effective_samples",
    "empty_calibration",
    "empty_share",
    "floor_ged_n",
    "floor_of",
    "from_labels",
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
    "sample_to_annotator",
    "score_case",
    "summarise",
    "variance_ncc",
    "with_self_pairs",
    "without",
]
