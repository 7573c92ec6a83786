"""Scores that match samples with annotators: HM-IoU, which assigns all of them, and best-of-n scores, which do not.

Every function takes the overlaps of the first `n` samples with the `K` annotators, `overlaps(...).iou.across[:n]` or
`.dice.across[:n]`, in [0, 1].
"""

from math import lcm

import numpy as np

__all__ = ["best_k_iou_n", "d_max_n", "hm_iou_n", "mdm_n"]

_LARGEST_ASSIGNMENT = 350  # above it the transport problem is the faster form, and never runs out of memory


def hm_iou_n(iou: np.ndarray) -> float:
    """Return the Hungarian-matched IoU: both sides repeated to the least common multiple, then assigned one to one.

    Every sample and every annotator counts equally often (Kohl et al. 2019; Zbinden et al. 2023), so a sample that
    nobody drew costs as much as an annotation that nobody predicted.

    Args:
        iou: `[n, K]`.

    Returns:
        The mean IoU of the best assignment, in [0, 1]; 1 for a set against itself.
    """
    n, k = iou.shape
    side = lcm(n, k)
    if side > _LARGEST_ASSIGNMENT:
        return _transport(iou)
    repeated = iou.repeat(side // n, 0).repeat(side // k, 1)  # [n, K] -> [lcm, lcm]
    return _assigned_mean(repeated)


def best_k_iou_n(iou: np.ndarray) -> float:
    """Return the mean IoU of the best `K` of `n` samples, one for each annotator; the others are not looked at.

    Some papers print this as HM-IoU (Flow-SSN, D-Persona). It grows with `n` whatever the rest of the samples is like.

    Args:
        iou: `[n, K]`; with fewer samples than annotators, only the best `n` annotators are matched.
    """
    return _assigned_mean(iou)


def mdm_n(dice: np.ndarray) -> float:
    """Return the maximum Dice matching: the best Dice score over the samples `[n, K]`, averaged over the annotators."""
    return float(dice.max(0).mean())


def d_max_n(dice: np.ndarray) -> float:
    """Return the Dice score of the best pair of any sample and any annotator, `[n, K]`."""
    return float(dice.max())


def _assigned_mean(score: np.ndarray) -> float:
    from scipy.optimize import linear_sum_assignment  # half a second that no other score needs

    return float(score[linear_sum_assignment(score, maximize=True)].mean())


def _transport(score: np.ndarray) -> float:
    """Solve the repeated assignment as what it is, a transport of mass: each sample holds 1/n, each annotator 1/K.

        max sum_sk p_sk score_sk   with   sum_k p_sk = 1/n,  sum_s p_sk = 1/K,  p >= 0

    Its corners are whole numbers of 1/lcm, so that its optimum is that of the assignment.
    """
    from scipy import sparse
    from scipy.optimize import linprog

    n, k = score.shape
    each_sample = sparse.kron(sparse.eye(n), np.ones((1, k)))  # [n, n K]
    each_annotator = sparse.kron(np.ones((1, n)), sparse.eye(k))  # [K, n K]
    mass = np.concatenate([np.full(n, k), np.full(k, n)])  # in units of 1/(n K)
    moved = sparse.vstack([each_sample, each_annotator])
    # the stubs of scipy forget that A_eq may be sparse
    plan = linprog(-score.ravel(), A_eq=moved, b_eq=mass, method="highs-ds")  # type: ignore[call-overload]
    return float(-plan.fun / (n * k))
