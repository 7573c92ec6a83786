"""Whether probabilities, spreads and areas of the samples are those of the annotators.

Classes: of one-hot masks the background channel is left out, see `foreground`.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from atfm.errors import InputError
from atfm.metrics.ignore import without
from atfm.metrics.masks import Array, areas, as_masks, as_pair, as_probability, foreground, most_likely, share, votes
from atfm.metrics.overlap import pairwise_dice
from atfm.metrics.weights import as_weights, with_weight

__all__ = [
    "ReliabilityBins",
    "crps",
    "crps_area",
    "crps_of_areas",
    "dice_of_mean",
    "empty_share",
    "ncc_of_votes",
    "variance_ncc",
]


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
    return float(pairwise_dice(foreground(hard[None]), foreground(masks), empty=empty).mean())


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


def crps(draws: np.ndarray, observed: np.ndarray, weights: Array | None = None) -> float:
    """Return the continuous ranked probability score of a sample of numbers, averaged over the observations.

        CRPS = E |x - y| - E |x - x'| / 2      (Gneiting & Raftery 2007, eq. 21; self-pairs counted)

    Args:
        draws: `[S]` numbers drawn from the forecast.
        observed: `[K]` observations.
        weights: of the draws, `[S]` of sum 1; None where all weigh alike.

    Returns:
        A number >= 0 in the unit of the arguments; with one draw the mean absolute error.

    Raises:
        InputError: weights that do not fit, see `as_weights`.
    """
    w = as_weights(weights, len(draws))
    if w is not None:
        return _weighted_crps(draws, observed, w)
    x = np.sort(draws)
    # of sorted numbers, x_i stands i times on the larger side and S - 1 - i times on the smaller one
    spread = 2 * ((2 * np.arange(len(x)) - len(x) + 1) @ x) / len(x) ** 2
    return float(np.abs(x[:, None] - observed).mean() - spread / 2)


def _weighted_crps(draws: np.ndarray, observed: np.ndarray, weights: np.ndarray) -> float:
    order = np.argsort(draws)
    x, w = draws[order], weights[order]
    # as above, with the weight on either side of x_i in place of the number of draws there
    below = np.cumsum(w) - w
    spread = 2 * ((below - (1 - w - below)) * w) @ x
    return float((w @ np.abs(x[:, None] - observed)).mean() - spread / 2)


def crps_area(samples: Array, annotations: Array, weights: Array | None = None) -> float:
    """Return the CRPS of the area, in pixels (voxels in 3-D): do the samples' areas spread as the annotators' do?

    Multiply by the area of a pixel for square millimetres. Classes are averaged.

    Args:
        samples: `[S, C, *spatial]`, values 0 or 1.
        annotations: `[K, C, *spatial]`, values 0 or 1.
        weights: of the samples, `[S]` of sum 1; None where all weigh alike.

    Raises:
        InputError: masks or weights that do not fit, see `as_pair` and `as_weights`.
    """
    s, r = as_pair(samples, annotations)
    return crps_of_areas(areas(foreground(s)), areas(foreground(r)), weights)


def crps_of_areas(samples: np.ndarray, annotations: np.ndarray, weights: Array | None = None) -> float:
    """Return `crps_area` from the areas of the samples `[S, C]` and of the annotations `[K, C]`."""
    channels = zip(samples.T, annotations.T, strict=True)
    return float(np.mean([crps(drawn, observed, weights) for drawn, observed in channels]))


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
        self._sums = np.zeros((3, bins))  # pixels, their probabilities, their shares

    def update(self, probability: Array, annotations: Array, *, ignore: Array | None = None) -> None:
        """Add one case.

        Args:
            probability: `[C, *spatial]` in [0, 1].
            annotations: `[K, C, *spatial]`, values 0 or 1.
            ignore: pixels that do not count, `[*spatial]` or `[K, *spatial]`, see `without`.

        Raises:
            InputError: shapes or values that do not fit.
        """
        masks = as_masks(annotations, "annotations")
        array = as_probability(probability, masks)
        if ignore is not None:
            array, masks = without(ignore, array, masks)
        p = foreground(array[None]).ravel().astype(np.float64)  # [P]
        drawn = share(foreground(masks)).ravel()  # [K, C, *spatial] -> [P]
        bins = len(self.pixels)
        index = np.minimum((p * bins).astype(np.int64), bins - 1)  # p = 1 belongs to the last bin
        self._sums += [np.bincount(index, weights=weights, minlength=bins) for weights in (None, p, drawn)]

    def merge(self, other: "ReliabilityBins") -> None:
        """Add the cases of another one, such as those that another process has scored.

        Raises:
            InputError: another number of bins.
        """
        if len(other.pixels) != len(self.pixels):
            raise InputError(f"reliability: expected {len(self.pixels)} bins as here, got {len(other.pixels)}")
        self._sums += other._sums

    def state_dict(self) -> dict[str, list[list[float]]]:
        """What was gathered, in plain numbers: `sums`, `[3, bins]` of pixels, probabilities and shares drawn."""
        return {"sums": self._sums.tolist()}

    def load_state_dict(self, state: Mapping[str, Sequence[Sequence[float]]]) -> None:
        """Go on from what `state_dict` returned.

        Raises:
            InputError: the state of another number of bins.
        """
        sums = np.array(state["sums"], dtype=np.float64)
        if sums.shape != self._sums.shape:
            raise InputError(f"reliability: expected sums of {list(self._sums.shape)}, got {list(sums.shape)}")
        self._sums = sums

    @property
    def pixels(self) -> np.ndarray:
        """How many pixels fell into each bin, `[bins]`."""
        return self._sums[0]

    @property
    def predicted(self) -> np.ndarray:
        """The mean probability of each bin `[bins]`, its centre where the bin is empty."""
        return self._mean(self._sums[1])

    @property
    def drawn(self) -> np.ndarray:
        """The share of annotators who drew a pixel of the bin `[bins]`, the bin's centre where it is empty."""
        return self._mean(self._sums[2])

    @property
    def ece(self) -> float:
        """The expected calibration error, in [0, 1].

        Raises:
            InputError: no case was added yet.
        """
        total, predicted, drawn = self._sums
        if total.sum() == 0:
            raise InputError("reliability: no case was added yet; call update(probability, annotations) first")
        return float(np.abs(predicted - drawn).sum() / total.sum())

    def _mean(self, sums: np.ndarray) -> np.ndarray:
        centres = (self.edges[:-1] + self.edges[1:]) / 2
        return np.divide(sums, self.pixels, out=centres, where=self.pixels > 0)
