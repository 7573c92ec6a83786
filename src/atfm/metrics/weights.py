"""Samples that do not all count alike: weights `[S]`, such as a mixture of experts gives (MoSE, Gao et al. 2023).

A set of samples stands for the distribution that draws sample `s` with probability `w_s`; without weights each has
`1 / S`. Every mean over samples becomes a mean over that draw. How many equally weighted samples they are worth is
Kish's effective number, `1 / sum_s w_s^2` (Kish 1965, section 11.7): `S` where all weigh alike, 1 where one has it all.
"""

import numpy as np

from atfm.errors import InputError
from atfm.metrics.masks import Array, as_array

__all__ = ["as_weights", "effective_samples", "first", "with_weight"]

_ROUNDING = 1e-4  # far above what float32 leaves of the sum of a thousand weights, far below any mistake


def as_weights(weights: Array | None, samples: int) -> np.ndarray | None:
    """Give weights as float64 that sum to 1, checked; None where all samples weigh alike.

    Weights that are all the same number are none: their scores are those of samples without weights, bit for bit.

    Args:
        weights: `[S]`, 0 or more, of sum 1.
        samples: `S`.

    Raises:
        InputError: another shape, a weight that is negative or not finite, or another sum.
    """
    if weights is None:
        return None
    array = as_array(weights).astype(np.float64)
    if array.shape != (samples,):
        raise InputError(f"weights: expected [{samples}], one for each sample, got {list(array.shape)}")
    if not np.isfinite(array).all() or array.min() < 0:
        raise InputError("weights: expected numbers of 0 or more, got one that is negative or not finite")
    total = float(array.sum())
    if abs(total - 1) > _ROUNDING:
        raise InputError(f"weights: expected a sum of 1, got {total:.6g}; divide them by their sum")
    return None if (array == array[0]).all() else array / total


def first(weights: np.ndarray | None, n: int) -> np.ndarray | None:
    """Return the weights of the first `n` samples, of sum 1 again; None where all weigh alike.

    Args:
        weights: `[S]` as of `as_weights`, of which the first `n` are not all 0.
        n: at most `S`.
    """
    return None if weights is None else as_weights(weights[:n] / weights[:n].sum(), n)


def with_weight(weights: np.ndarray | None, samples: int) -> np.ndarray:
    """Return the numbers of the samples whose weight is not 0, those that can be drawn at all."""
    return np.arange(samples) if weights is None else np.flatnonzero(weights)


def effective_samples(weights: Array | None, samples: int) -> float:
    """Return Kish's effective number of samples, `1 / sum_s w_s^2`, from 1 to `S`.

    Args:
        weights: `[S]` of sum 1; None where all weigh alike.
        samples: `S`.

    Raises:
        InputError: weights that do not fit, see `as_weights`.
    """
    checked = as_weights(weights, samples)
    return float(samples) if checked is None else float(1 / (checked @ checked))
