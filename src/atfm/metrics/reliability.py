"""`ReliabilityBins`: how often a pixel of probability `p` is drawn, and the calibration error that follows."""

from collections.abc import Mapping, Sequence

import numpy as np

from atfm.errors import InputError
from atfm.metrics.counted import counted_map
from atfm.metrics.masks import Array, foreground, share

__all__ = ["ReliabilityBins", "bin_of"]


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
        array, masks = counted_map(probability, annotations, ignore)
        p = foreground(array[None]).ravel().astype(np.float64)  # [P]
        drawn = share(foreground(masks)).ravel()  # [K, C, *spatial] -> [P]
        bins = len(self.pixels)
        index = bin_of(p, bins)
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


def bin_of(p: np.ndarray, bins: int) -> np.ndarray:
    """The number of the bin, of equal ones of [0, 1], that each probability falls into; 1 belongs to the last."""
    return np.minimum((p * bins).astype(np.int64), bins - 1)
