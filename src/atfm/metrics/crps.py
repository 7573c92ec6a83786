"""The continuous ranked probability score of a number that was drawn many times, and of the area of masks.

With draws `x`, `x'` of the forecast and observations `y` (Gneiting & Raftery 2007, eq. 21):

    CRPS = E |x - y| - E |x - x'| / 2

`E |x - x'|` is the mean over pairs of *different* draws, so that the score does not depend on how many were drawn (the
fair CRPS of Ferro 2014, eq. 2). Counting each draw against itself, as is usual, adds `E |x - x'| / 2 S` to it.
"""

import numpy as np

from atfm.errors import InputError
from atfm.metrics.masks import Array, areas, as_pair, foreground
from atfm.metrics.weights import as_weights, with_weight

__all__ = ["crps", "crps_area", "crps_of_areas"]


def crps(draws: np.ndarray, observed: np.ndarray, weights: Array | None = None) -> float | None:
    """Return the fair continuous ranked probability score of numbers, averaged over the observations.

    Args:
        draws: `[S]` numbers drawn from the forecast.
        observed: `[K]` observations.
        weights: of the draws, `[S]` of sum 1; None where all weigh alike. Pairs of different draws count by the product
            of theirs, as in `ged`.

    Returns:
        A number in the unit of the arguments, 0 or more in the mean over drawings and by chance below it. None with one
        draw (or one that has all the weight), whose spread does not exist.

    Raises:
        InputError: other axes, numbers that are not finite, or weights that do not fit, see `as_weights`.
    """
    x, y = _numbers(draws, "draws"), _numbers(observed, "observed")
    w = as_weights(weights, len(x))
    if len(with_weight(w, len(x))) == 1:
        return None
    order = np.argsort(x)
    ordered = x[order]
    if w is None:
        # of sorted numbers, x_i stands i times on the larger side of a pair and S - 1 - i times on the smaller one
        spread = 2 * ((2 * np.arange(len(x)) - len(x) + 1) @ ordered) / (len(x) * (len(x) - 1))
        return float(np.abs(x[:, None] - y).mean() - spread / 2)
    share = w[order]
    below = np.cumsum(share) - share  # as above, with the weight on either side in place of the number of draws
    above = 1 - share - below
    pairs = float(share @ (1 - share))  # 1 - sum w^2, the weight of all pairs of different draws
    spread = 2 * ((below - above) * share) @ ordered / pairs
    return float((w @ np.abs(x[:, None] - y)).mean() - spread / 2)


def crps_area(samples: Array, annotations: Array, weights: Array | None = None) -> float | None:
    """Return the CRPS of the area, in pixels (voxels in 3-D): do the samples' areas spread as the annotators' do?

    Multiply by the area of a pixel for square millimetres. Classes are averaged.

    Args:
        samples: `[S, C, *spatial]`, values 0 or 1.
        annotations: `[K, C, *spatial]`, values 0 or 1.
        weights: of the samples, `[S]` of sum 1; None where all weigh alike.

    Returns:
        As `crps`; None with one sample of any weight.

    Raises:
        InputError: masks or weights that do not fit, see `as_pair` and `as_weights`.
    """
    s, r = as_pair(samples, annotations)
    return crps_of_areas(areas(foreground(s)), areas(foreground(r)), weights)


def crps_of_areas(samples: np.ndarray, annotations: np.ndarray, weights: Array | None = None) -> float | None:
    """Return `crps_area` from the areas of the samples `[S, C]` and of the annotations `[K, C]`."""
    found = [crps(drawn, observed, weights) for drawn, observed in zip(samples.T, annotations.T, strict=True)]
    there = [score for score in found if score is not None]
    return float(np.mean(there)) if there else None


def _numbers(values: np.ndarray, name: str) -> np.ndarray:
    """Numbers `[N]` as float64, checked."""
    array = np.asarray(values)
    if array.ndim != 1 or array.size == 0:
        raise InputError(f"{name}: expected [N], one number each, got {list(array.shape)}; flatten what is one set")
    if array.dtype.kind not in "biuf" or not np.isfinite(array).all():
        raise InputError(f"{name}: expected finite numbers, got {array.dtype} with others")
    return array.astype(np.float64)
