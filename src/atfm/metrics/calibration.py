"""Whether the mean probability, the spread and the empty masks of the samples are those of the annotators.

Classes: of one-hot masks the background channel is left out, see `foreground`.
"""

import numpy as np

from atfm.metrics.masks import Array, areas, as_masks, as_pair, as_probability, foreground, most_likely, share, votes
from atfm.metrics.overlap import overlaps_of
from atfm.metrics.weights import as_weights, with_weight

__all__ = ["dice_of_mean", "empty_share", "ncc_of_votes", "share_of", "variance_ncc"]


def dice_of_mean(probability: Array, annotations: Array, *, empty: float | None = 1.0) -> float:
    """Return the Dice score of the mean probability, thresholded at 0.5, against each annotator, averaged over them.

    Args:
        probability: `[C, *spatial]` in [0, 1], the mean over the samples; classes are decided by the largest.
        annotations: `[K, C, *spatial]`, values 0 or 1.
        empty: the Dice score of empty against empty.

    Raises:
        InputError: shapes or values that do not fit.
    """
    masks = as_masks(annotations, "annotations")
    hard = most_likely(as_probability(probability, masks))
    return float(overlaps_of(foreground(hard[None]), foreground(masks), empty=empty).dice.across.mean())


def variance_ncc(samples: Array, annotations: Array, weights: Array | None = None) -> float | None:
    """Return the normalised cross-correlation of two ambiguity maps, the samples' variance and the annotators'.

        v = sum_c p_c (1 - p_c),   NCC = corr(v of the samples, v of the annotators) over the pixels

    with `p_c` the share of masks, by weight, in which a pixel is on. (PHiSeg, Baumgartner et al. 2019, correlates
    cross-entropy maps instead; the variance needs no logarithm of 0.)

    Args:
        samples: `[S, C, *spatial]`, values 0 or 1.
        annotations: `[K, C, *spatial]`, values 0 or 1.
        weights: of the samples, `[S]` of sum 1; None where all weigh alike.

    Returns:
        A number in [-1, 1]. Where a map is constant (all agree everywhere) no correlation exists: 1 if both are, 0 if
        one is. None with one sample (or one that has all the weight) or one annotator, whose variance does not exist.

    Raises:
        InputError: masks or weights that do not fit, see `as_pair` and `as_weights`.
    """
    s, r = as_pair(samples, annotations)
    w = as_weights(weights, len(s))
    if len(with_weight(w, len(s))) == 1 or len(r) == 1:
        return None
    on = votes(foreground(s)) if w is None else share(foreground(s), w)
    return ncc_of_votes(on, len(s) if w is None else 1, votes(foreground(r)), len(r))


def ncc_of_votes(samples: np.ndarray, s: int, annotations: np.ndarray, k: int) -> float:
    """Return `variance_ncc` from the votes of `s` samples and `k` annotators for each pixel, `[C, *spatial]` each.

    Samples with weights give the share of the vote that a pixel has, in [0, 1], and `s` is 1.
    """
    a, b = _variance_map(samples, s), _variance_map(annotations, k)  # [P]
    flat_a, flat_b = bool((a == a[0]).all()), bool((b == b[0]).all())
    if flat_a or flat_b:
        return float(flat_a and flat_b)
    a, b = a - a.mean(), b - b.mean()
    # sums of products rather than `a @ b`: threads of the matrix library cost more than so few pixels
    return float(np.clip((a * b).sum() / np.sqrt((a * a).sum() * (b * b).sum()), -1, 1))


def _variance_map(on: np.ndarray, masks: int) -> np.ndarray:
    """Return `N^2 sum_c p_c (1 - p_c)` of votes `[C, *spatial]`, in which equal pixels stay equal.

    Votes are whole numbers, which are exact; of shares it is rounded to 12 digits.
    """
    variance: np.ndarray = (on * (masks - on)).sum(0).reshape(-1)  # [*spatial] -> [P]
    return variance.round(12) if variance.dtype.kind == "f" else variance.astype(np.float64)


def empty_share(masks: Array, weights: Array | None = None) -> float:
    """Return the share, in [0, 1], of the masks `[N, C, *spatial]` without a single pixel of foreground.

    Args:
        masks: values 0 or 1.
        weights: of the masks, `[N]` of sum 1; None where all weigh alike.

    Raises:
        InputError: masks or weights that do not fit, see `as_masks` and `as_weights`.
    """
    empty = (areas(foreground(as_masks(masks))) == 0).all(1)  # [N]
    return share_of(empty, as_weights(weights, len(empty)))


def share_of(event: np.ndarray, weights: np.ndarray | None) -> float:
    """Return how probable an event is that some samples show, bool `[S]`; weights are those of `as_weights`."""
    return float(event.mean() if weights is None else min(1.0, float(weights @ event)))
