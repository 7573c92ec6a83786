r"""The transport between weighted samples and annotations that trains MoSE.

    min_P <P, C>   over   P >= 0,   sum_j P_ji = 1 / N for each annotation i,   sum_i P_ji <= gamma for each sample j

(Gao et al., ICLR 2023: that the samples' shares be the gate's is relaxed to a bound, and the gate learns the shares
that result.) With gamma = 1 each annotation goes to its nearest sample.
"""

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

__all__ = ["Solver", "exact", "greedy", "nearest"]

Solver = Callable[[np.ndarray, float], np.ndarray]

_LARGEST = 64  # units into which a mass is divided at most


def nearest(cost: Tensor, shares: Tensor) -> Tensor:
    """Return `P` for `gamma = 1`: all of an annotation goes to the sample with the least cost.

    Args:
        cost: `[B, S, K]`.
        shares: mass of each annotation, `[B, K]`, 0 for padding; sums to 1.
    """
    chosen = torch.zeros_like(cost).scatter_(1, cost.argmin(1, keepdim=True), 1.0)
    return chosen * shares.unsqueeze(1)


def greedy(cost: np.ndarray, gamma: float) -> np.ndarray:
    """Return a feasible `P [S, K]` for `cost [S, K]`, as published.

    The annotations that have a near sample come first; each fills the samples by rising cost as far as they take it.
    """
    samples, annotations = cost.shape
    plan, room = np.zeros((samples, annotations)), np.full(samples, gamma)
    for annotation in np.argsort(cost.min(0), kind="stable"):
        left = 1 / annotations
        for sample in np.argsort(cost[:, annotation], kind="stable"):
            moved = min(left, room[sample])
            plan[sample, annotation], room[sample], left = moved, room[sample] - moved, left - moved
            if left <= 0:
                break
    return plan


def exact(cost: np.ndarray, gamma: float) -> np.ndarray:
    """Return an optimal `P [S, K]` for `cost [S, K]`, by assignment.

    Masses are cut into equal units, of which an annotation has as many as make the bound of a sample a whole number of
    them: the transport of units is an assignment, whose optimum is one of the programme.

    Raises:
        ValueError: a bound that is no fraction of the annotations with a small denominator.
    """
    samples, annotations = cost.shape
    bound = Fraction(gamma).limit_denominator(_LARGEST) * annotations
    if abs(float(bound) - gamma * annotations) > 1e-9 or bound.denominator > _LARGEST:
        raise ValueError(f"gamma: expected a fraction with a denominator up to {_LARGEST}, got {gamma}")
    units, slots = bound.denominator, bound.numerator
    slots = min(slots, units * annotations)
    rows, columns = linear_sum_assignment(cost.repeat(slots, 0).repeat(units, 1))
    plan = np.zeros((samples, annotations))
    np.add.at(plan, (rows // slots, columns // units), 1 / (units * annotations))
    return plan
