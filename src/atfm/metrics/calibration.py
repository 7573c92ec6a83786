"""Whether probabilities, spreads and areas of the samples are those of the annotators.

Classes: of one-hot masks the background channel is left out, see `foreground`.
"""

import numpy as np

from atfm.errors import InputError
from atfm.metrics.masks import Array, areas, as_masks, as_pair, as_probability, foreground, most_likely, share, votes
from atfm.metrics.overlap import pairwise_dice

__all__ = ["ReliabilityBins", "crps", "crps_area", "dice_of_mean", "variance_ncc"]


def dice_of_mean(probability: Array, annotations: Array, *, empty: float = 1.0) -> float:
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
    return float(pairwise_dice(foreground(hard[None]), foreground(masks), empty=empty).mean())


def variance_ncc(samples: Array, annotations: Array) -> float | None:
    """Return the normalised cross-correlation of two ambiguity maps, the samples' variance and the annotators'.

        v = sum_c p_c (1 - p_c),   NCC = corr(v of the samples, v of the annotators) over the pixels

    with `p_c` the share of masks in which a pixel is on. (PHiSeg, Baumgartner et al. 2019, correlates cross-entropy
    maps instead; the variance needs no logarithm of 0.)

    Args:
        samples: `[S, C, *spatial]`, values 0 or 1.
        annotations: `[K, C, *spatial]`, values 0 or 1.

    Returns:
        A number in [-1, 1]. Where a map is constant (all agree everywhere) no correlation exists: 1 if both are, 0 if
        one is. None with one sample or one annotator, whose variance does not exist.

    Raises:
        InputError: masks that do not fit, see `as_pair`.
    """
    s, r = as_pair(samples, annotations)
    if len(s) == 1 or len(r) == 1:
        return None
    a, b = _variance_map(s), _variance_map(r)  # [P]
    flat_a, flat_b = bool((a == a[0]).all()), bool((b == b[0]).all())
    if flat_a or flat_b:
        return float(flat_a and flat_b)
    a, b = a - a.mean(), b - b.mean()
    return float(np.clip(a @ b / np.sqrt((a @ a) * (b @ b)), -1, 1))


def _variance_map(masks: np.ndarray) -> np.ndarray:
    """Return `N^2 sum_c p_c (1 - p_c)` of `[N, C, *spatial]` masks: whole numbers, so that equal pixels stay equal."""
    on = votes(foreground(masks)).astype(np.float64)  # [C, *spatial]
    return (on * (len(masks) - on)).sum(0).reshape(-1)  # [*spatial] -> [P]


def crps(draws: np.ndarray, observed: np.ndarray) -> float:
    """Return the continuous ranked probability score of a sample of numbers, averaged over the observations.

        CRPS = E |x - y| - E |x - x'| / 2      (Gneiting & Raftery 2007, eq. 21; self-pairs counted)

    Args:
        draws: `[S]` numbers drawn from the forecast.
        observed: `[K]` observations.

    Returns:
        A number >= 0 in the unit of the arguments; with one draw the mean absolute error.
    """
    x = np.sort(draws)
    # of sorted numbers, x_i stands i times on the larger side and S - 1 - i times on the smaller one
    spread = 2 * ((2 * np.arange(len(x)) - len(x) + 1) @ x) / len(x) ** 2
    return float(np.abs(x[:, None] - observed).mean() - spread / 2)


def crps_area(samples: Array, annotations: Array) -> float:
    """Return the CRPS of the area, in pixels (voxels in 3-D): do the samples' areas spread as the annotators' do?

    Multiply by the area of a pixel for square millimetres. Classes are averaged.

    Args:
        samples: `[S, C, *spatial]`, values 0 or 1.
        annotations: `[K, C, *spatial]`, values 0 or 1.

    Raises:
        InputError: masks that do not fit, see `as_pair`.
    """
    s, r = as_pair(samples, annotations)
    channels = zip(areas(foreground(s)).T, areas(foreground(r)).T, strict=True)
    return float(np.mean([crps(drawn, observed) for drawn, observed in channels]))


class ReliabilityBins:
    """How often a pixel of probability `p` was drawn by an annotator, gathered over cases in equal bins of `p`.

        ECE = sum_b (n_b / N) | mean p in b - share drawn in b |      (Naeini et al. 2015)

    A pixel counts once however many annotators its image has. All pixels count, so that ECE of small objects in large
    images is small: read it beside the figure.

    Args:
        bins: how many bins of [0, 1].

    Raises:
        InputError: fewer than one bin.
    """

    def __init__(self, bins: int = 20) -> None:
        if bins < 1:
            raise InputError(f"bins: expected at least 1, got {bins}")
        self.edges = np.linspace(0, 1, bins + 1)
        self.pixels = np.zeros(bins)
        self._predicted = np.zeros(bins)
        self._drawn = np.zeros(bins)

    def update(self, probability: Array, annotations: Array) -> None:
        """Add one case.

        Args:
            probability: `[C, *spatial]` in [0, 1].
            annotations: `[K, C, *spatial]`, values 0 or 1.

        Raises:
            InputError: shapes or values that do not fit.
        """
        masks = as_masks(annotations, "annotations")
        p = foreground(as_probability(probability, masks)[None]).ravel().astype(np.float64)  # [P]
        drawn = share(foreground(masks)).ravel()  # [K, C, *spatial] -> [P]
        bins = len(self.pixels)
        index = np.minimum((p * bins).astype(np.int64), bins - 1)  # p = 1 belongs to the last bin
        self.pixels += np.bincount(index, minlength=bins)
        self._predicted += np.bincount(index, weights=p, minlength=bins)
        self._drawn += np.bincount(index, weights=drawn, minlength=bins)

    @property
    def predicted(self) -> np.ndarray:
        """The mean probability of each bin `[bins]`, its centre where the bin is empty."""
        return self._mean(self._predicted)

    @property
    def drawn(self) -> np.ndarray:
        """The share of annotators who drew a pixel of the bin `[bins]`, the bin's centre where it is empty."""
        return self._mean(self._drawn)

    @property
    def ece(self) -> float:
        """The expected calibration error, in [0, 1].

        Raises:
            InputError: no case was added yet.
        """
        total = self.pixels.sum()
        if total == 0:
            raise InputError("reliability: no case was added yet; call update(probability, annotations) first")
        return float(np.abs(self._predicted - self._drawn).sum() / total)

    def _mean(self, sums: np.ndarray) -> np.ndarray:
        centres = (self.edges[:-1] + self.edges[1:]) / 2
        return np.divide(sums, self.pixels, out=centres, where=self.pixels > 0)
