"""The generalised energy distance (GED) between the masks of a model and those of the annotators, always squared.

With `d = 1 - IoU`, samples `s, s'` and annotations `r, r'` (Szekely & Rizzo 2013; Kohl et al. 2018, eq. 6):

    GED = 2 E d(s, r) - E d(s, s') - E d(r, r')

The literature estimates it with self-pairs counted (a V-statistic, `ged_n`), where `d(s, s) = 0` makes both spreads too
small. Without self-pairs (a U-statistic, `ged`) it is unbiased, and may come out below 0. The two differ by

    GED_n = GED + D_s / n + D_r / K

with `D_s`, `D_r` the mean distance of two different samples and of two different annotators. So even `n` further
readers of the same image, whose GED is 0 and whose `D_s = D_r`, have a GED_n of `D_r / n + D_r / K`.

With `D_sr = E d(s, r)` the unbiased GED is `(D_sr - D_s) + (D_sr - D_r)`. Of a model that draws readers' masks exactly
as the image allows, the first bracket is 0. The second is 0 too only where readers are independent given the image;
where they share what it does not show, it is how much they share, and no model can do without: see `floor`.

Samples with weights `w` of sum 1 stand for a draw from them, so that every mean over samples is weighted:

    E d(s, r) = sum_sk w_s d(s, r_k) / K,    E d(s, s') = sum_ss' w_s w_s' d(s, s')    (V, as MoSE's code has it)
    D_s = sum_{s != s'} w_s w_s' d(s, s') / (1 - sum_s w_s^2)                          (U)

For independent samples of one law, with weights that do not depend on where they fell, each of the pairs has the mean
distance, and the weights of all pairs of different samples sum to `1 - sum w^2`: so the U form is unbiased, and `n`
above is the effective number of samples, `1 / sum w^2`. Other weights make it less than that, see `docs/metrics.md`.
"""

import numpy as np

from atfm.errors import InputError
from atfm.metrics.masks import Array
from atfm.metrics.overlap import Pairs
from atfm.metrics.weights import as_weights

__all__ = [
    "annotator_diversity",
    "consistent",
    "floor_ged_n",
    "ged",
    "ged_n",
    "sample_diversity",
    "sample_to_annotator",
    "with_self_pairs",
]


def ged_n(distance: Pairs, weights: Array | None = None) -> float:
    """Return the squared GED of `n` samples as published: self-pairs counted.

    Args:
        distance: distances of `n` samples and `K` annotators, as of `overlaps(...).iou.distance.first(n)`.
        weights: of the samples, `[n]` of sum 1; None where all weigh alike. A sample of weight 2/n is one drawn twice.

    Returns:
        A number in [0, 2]; 0 for a set against itself.

    Raises:
        InputError: weights that do not fit, see `as_weights`.
    """
    w = as_weights(weights, len(distance.samples))
    if w is None:
        return float(2 * distance.across.mean() - distance.samples.mean() - distance.annotators.mean())
    return float(2 * (w @ distance.across).mean() - w @ distance.samples @ w - distance.annotators.mean())


def ged(distance: Pairs, weights: Array | None = None) -> float | None:
    """Return the unbiased squared GED, which does not depend on the number of samples.

    Args:
        distance: distances of `S` samples and `K` annotators.
        weights: of the samples, `[S]` of sum 1; None where all weigh alike.

    Returns:
        A number in [-1, 2], 0 in the mean for further readers of the same image; None with one sample (or one that has
        all the weight) or one annotator, as it then does not exist.

    Raises:
        InputError: weights that do not fit, see `as_weights`.
    """
    d_s, d_r = sample_diversity(distance, weights), annotator_diversity(distance)
    if d_s is None or d_r is None:
        return None
    return 2 * sample_to_annotator(distance, weights) - d_s - d_r


def sample_diversity(distance: Pairs, weights: Array | None = None) -> float | None:
    """Return `D_s`, the mean distance of two different samples, in [0, 1]; None where there is only one.

    Arguments and errors are those of `ged`.
    """
    w = as_weights(weights, len(distance.samples))
    if w is None:
        return _mean_of_different(distance.samples)
    if np.count_nonzero(w) == 1:
        return None
    pairs = np.outer(w, w)
    np.fill_diagonal(pairs, 0)  # their sum is 1 - sum w^2, without the cancelling where one sample has nearly all
    return float((pairs * distance.samples).sum() / pairs.sum())


def sample_to_annotator(distance: Pairs, weights: Array | None = None) -> float:
    """Return `D_sr`, the mean distance of a sample and an annotation, in [0, 1].

    Arguments and errors are those of `ged`.
    """
    w = as_weights(weights, len(distance.samples))
    return float(distance.across.mean() if w is None else (w @ distance.across).mean())


def annotator_diversity(distance: Pairs) -> float | None:
    """Return `D_r`, the mean distance of two different annotators, in [0, 1]; None where there is only one."""
    return _mean_of_different(distance.annotators)


def with_self_pairs(ged: float, d_s: float, d_r: float, n: float, annotators: int) -> float:
    """Return what GED_n is in the mean: `GED_n = GED + D_s / n + D_r / K`.

    Args:
        ged: the unbiased GED.
        d_s: diversity of the samples, in [0, 1].
        d_r: diversity of the annotators, in [0, 1].
        n: number of samples that GED_n is computed from; with weights their effective number, see `weights`.
        annotators: their number `K`.
    """
    return ged + d_s / n + d_r / annotators


def floor_ged_n(d_r: float, n: float, annotators: int) -> float:
    """Return the mean GED_n of `n` further readers of the same image, `D_r / n + D_r / K`.

    A model that sees the image alone need not reach it, see `floor`. With few samples it is no lower bound: a model
    without spread saves `D_s / n` and may come below it by drawing one middling mask `n` times (at `n = 1` it does).
    The unbiased `ged` cannot be had so cheaply.

    Arguments are those of `with_self_pairs`.
    """
    return with_self_pairs(0.0, d_r, d_r, n, annotators)


def consistent(ged_n: float, ged_m: float, *, n: int = 32, m: int = 100, rounding: float = 0.0) -> bool:
    """Tell whether the means GED_n and GED_m of one table can come from the same model.

    With more samples only `D_s / n` falls, and no distance exceeds 1, so `GED_n - GED_m <= 1/n - 1/m` whatever the
    model: from 32 to 100 samples at most 0.02125.

    This holds in the mean over drawings. A mean over few cases scatters round it, and may break the bound by chance. It
    does not hold for samples with weights, whose effective number may grow faster than `n`.

    Args:
        ged_n: mean GED of `n` samples.
        ged_m: mean GED of `m` samples.
        n: the smaller number of samples.
        m: the larger number of samples.
        rounding: the rounding error of each number, .0005 where three decimals are printed.

    Raises:
        InputError: numbers of samples in the wrong order.
    """
    if not 0 < n < m:
        raise InputError(f"n and m: expected 0 < n < m, got {n} and {m}; give the GED of fewer samples first")
    return ged_n - ged_m <= 1 / n - 1 / m + 2 * rounding


def _mean_of_different(distance: np.ndarray) -> float | None:
    """Average a symmetric `[N, N]` matrix off its diagonal."""
    count = len(distance)
    if count == 1:
        return None
    return float((distance.sum() - np.trace(distance)) / (count * (count - 1)))
