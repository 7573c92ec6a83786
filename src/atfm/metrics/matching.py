"""Scores that match samples with annotators: HM-IoU, which assigns all of them, and best-of-n scores, which do not.

Every function takes the overlaps of the first `n` samples with the `K` annotators, `overlaps(...).iou.across[:n]` or
`.dice.across[:n]`, in [0, 1], and weights of the samples, `[n]` of sum 1 (None where all weigh alike), checked as by
`as_weights`. HM-IoU takes a weight for how much of a sample there is; the best-of-n scores ask what is among the
samples, and only leave out those of weight 0, which are never drawn. Other axes or values raise `InputError`.
"""

from math import lcm
from typing import Any, Literal

import numpy as np

from atfm.errors import InputError
from atfm.metrics.masks import Array
from atfm.metrics.weights import as_weights, with_weight

__all__ = ["best_k_iou_n", "d_max_n", "hm_iou_n", "mdm_n"]

_LARGEST_ASSIGNMENT = 350  # above it the transport problem is the faster form, and never runs out of memory


def hm_iou_n(iou: np.ndarray, weights: Array | None = None) -> float:
    """Return the Hungarian-matched IoU: both sides repeated to the least common multiple, then assigned one to one.

    Every sample and every annotator counts equally often (Kohl et al. 2019; Zbinden et al. 2023), so a sample that
    nobody drew costs as much as an annotation that nobody predicted. With weights a sample is repeated in proportion to
    its own, by fractions too: the assignment becomes a transport of mass (as MoSE's M-IoU, Gao et al. 2023).

    Args:
        iou: `[n, K]`.
        weights: of the samples.

    Returns:
        The mean IoU of the best assignment, in [0, 1]; 1 for a set against itself.
    """
    n, k = _checked(iou).shape
    w = as_weights(weights, n)
    if w is not None:
        return _weighted_transport(iou, w)
    side = lcm(n, k)
    if side > _LARGEST_ASSIGNMENT:
        return _transport(iou)
    repeated = iou.repeat(side // n, 0).repeat(side // k, 1)  # [n, K] -> [lcm, lcm]
    return _assigned_mean(repeated)


def best_k_iou_n(iou: np.ndarray, weights: Array | None = None) -> float:
    """Return the mean IoU of the best `K` of `n` samples, one for each annotator; the others are not looked at.

    Some papers print this as HM-IoU (Flow-SSN, D-Persona). It grows with `n` whatever the rest of the samples is like.

    Args:
        iou: `[n, K]`; with fewer samples than annotators, only the best `n` annotators are matched.
        weights: of the samples; each is matched once at most, however large its own.
    """
    return _assigned_mean(_drawn(iou, weights))


def mdm_n(dice: np.ndarray, weights: Array | None = None) -> float:
    """Return the maximum Dice matching: the best Dice score over the samples `[n, K]`, averaged over the annotators."""
    return float(_drawn(dice, weights).max(0).mean())


def d_max_n(dice: np.ndarray, weights: Array | None = None) -> float:
    """Return the Dice score of the best pair of any sample and any annotator, `[n, K]`."""
    return float(_drawn(dice, weights).max())


def _drawn(score: np.ndarray, weights: Array | None) -> np.ndarray:
    """The rows of the samples that can be drawn at all."""
    _checked(score)
    return score if weights is None else score[with_weight(as_weights(weights, len(score)), len(score))]


def _checked(score: np.ndarray) -> np.ndarray:
    """Overlaps `[n, K]`, each in [0, 1]."""
    if score.ndim != 2 or not score.size:
        got = list(score.shape)
        raise InputError(f"overlaps: expected [n, K] of overlaps(...).iou.across or .dice.across, got {got}")
    if not (score.min() >= 0 and score.max() <= 1 + 1e-9):
        raise InputError(f"overlaps: expected values in [0, 1], got {score.min():.4g} to {score.max():.4g}")
    return score


def _assigned_mean(score: np.ndarray) -> float:
    from scipy.optimize import linear_sum_assignment  # half a second that no other score needs

    return float(score[linear_sum_assignment(score, maximize=True)].mean())


def _transport(score: np.ndarray) -> float:
    """Solve the repeated assignment as what it is, a transport of mass: each sample holds 1/n, each annotator 1/K.

        max sum_sk p_sk score_sk   with   sum_k p_sk = 1/n,  sum_s p_sk = 1/K,  p >= 0

    Its corners are whole numbers of 1/lcm, so that its optimum is that of the assignment.
    """
    n, k = score.shape
    mass = np.concatenate([np.full(n, k), np.full(k, n)])  # in units of 1/(n K)
    return _most_moved(score, "eq", mass) / (n * k)


def _weighted_transport(score: np.ndarray, weights: np.ndarray) -> float:
    """Solve the same where sample `s` holds `w_s`, with `<=` in place of `=`: no score is negative, so all is moved.

    Both sides sum to 1 up to rounding, of which equations could make an impossible problem.
    """
    there = with_weight(weights, len(weights))
    n, k = len(there), score.shape[1]
    mass = np.concatenate([n * weights[there], np.full(k, n / k)])  # in units of 1/n
    return _most_moved(score[there], "ub", mass) / n


def _most_moved(score: np.ndarray, sides: Literal["eq", "ub"], mass: np.ndarray) -> float:
    """Return the largest sum of `plan * score` of a plan `[n, K]` whose row and column sums are (at most) `mass`."""
    from scipy import sparse
    from scipy.optimize import linprog

    n, k = score.shape
    each_sample = sparse.kron(sparse.eye(n), np.ones((1, k)))  # [n, n K]
    each_annotator = sparse.kron(np.ones((1, n)), sparse.eye(k))  # [K, n K]
    moved = sparse.vstack([each_sample, each_annotator])
    limits: dict[str, Any] = {f"A_{sides}": moved, f"b_{sides}": mass}
    plan = linprog(-score.ravel(), method="highs-ds", **limits)
    if plan.fun is None:
        raise ArithmeticError(f"HM-IoU of {n} samples and {k} annotators: {plan.message}")
    return -float(plan.fun)
