"""What the scores of this package mean, in so many words that two tables can be told to mean the same."""

from collections.abc import Mapping

__all__ = ["CONVENTIONS"]

# An evaluation keeps these beside its scores: whoever changes what a score means changes its line here, and scores that
# were made before are then no longer held against new ones.
CONVENTIONS: Mapping[str, str] = {
    "distance": "1 - IoU; empty against empty is 0",
    "classes": "mean of the classes but the background; a class that neither mask has counts as agreement",
    "ignored": "a pixel that any annotator leaves open counts for none",
    "ged": "squared, without self-pairs",
    "ged_n": "squared, self-pairs counted",
    "hm_iou_n": "both sides repeated to their least common multiple",
    "mdm_n": "mean over the annotators of the best Dice",
    "d_max_n": "Dice of the best pair",
    "best_k_iou_n": "the best K of n samples, one for each annotator",
    "weights": "of samples: in every mean over samples; blind in mdm_n, d_max_n and best_k_iou_n",
    "crps_area": "pixels, without self-pairs",
    "ece": "20 equal bins",
}
