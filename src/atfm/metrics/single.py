"""One score at a time, gathered case by case and over processes: what a training loop watches.

watched = GED(16)
watched.update(samples, annotations, case_id=...)
watched.compute()                                    the mean, a float
"""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from atfm.errors import InputError
from atfm.metrics.accumulate import CaseScores
from atfm.metrics.counted import counted_masks
from atfm.metrics.ged import ged, ged_n
from atfm.metrics.masks import Array, foreground
from atfm.metrics.matching import best_k_iou_n, d_max_n, hm_iou_n, mdm_n
from atfm.metrics.overlap import Overlaps, overlaps_of
from atfm.metrics.table import Interval
from atfm.metrics.weights import as_weights, first

__all__ = ["GED", "MDM", "BestKIoU", "DMax", "HMIoU", "SingleScore"]


class SingleScore(CaseScores):
    """The mean over cases of one score, of the first `n` samples of each.

    Args:
        n: how many samples; None for all of them.
        empty: the IoU and Dice of empty against empty, as in `overlaps`.
        bootstrap: `seed`, `resamples` and `confidence` of the interval.

    Raises:
        InputError: an `n` below 1.
    """

    higher_is_better: ClassVar[bool] = True
    family: ClassVar[str]

    def __init__(self, n: int | None = None, *, empty: float | None = 1.0, **bootstrap: Any) -> None:
        super().__init__(**bootstrap)
        if n is not None and n < 1:
            raise InputError(f"n: expected at least one sample, got {n}")
        self.n, self.empty = n, empty

    @property
    def name(self) -> str:
        """The column of the table, such as `ged_16`."""
        return f"{self.family}_n" if self.n is None else f"{self.family}_{self.n}"

    @abstractmethod
    def of(self, overlap: Overlaps, weights: Array | None) -> float | None:
        """Return the score of one case, whose samples may have weights; None where it does not exist."""

    def score(
        self,
        samples: Array,
        annotations: Array,
        probability: Array | None,
        ignore: Array | None,
        weights: Array | None,
    ) -> Mapping[str, object]:
        s, r, _ = counted_masks(samples, annotations, None, ignore)
        w = as_weights(weights, len(s))
        if self.n is not None and len(s) < self.n:
            raise InputError(f"samples: expected {self.n} for {self.name}, got {len(s)}; draw more")
        s = s[: self.n]
        if w is not None and not w[: len(s)].any():
            return {"scores": {}}
        value = self.of(overlaps_of(foreground(s), foreground(r), empty=self.empty), first(w, len(s)))
        return {"scores": {} if value is None else {self.name: value}}

    def compute(self) -> float:
        """Return the mean over the cases of all processes that have the score; all of them have to call it.

        Raises:
            InputError: no case has it.
        """
        return self.interval().mean

    def interval(self) -> Interval:
        """Return the mean with its bootstrap interval over patients; all processes have to call it.

        Raises:
            InputError: no case has the score.
        """
        found = self.intervals()
        if self.name not in found:
            raise InputError(f"{self.name}: expected a case that has it, got none; call update first")
        return found[self.name]


class GED(SingleScore):
    """Squared generalised energy distance: unbiased as `GED()`, with self-pairs as `GED(16)`; see `energy`."""

    higher_is_better = False
    family = "ged"

    @property
    def name(self) -> str:
        """`ged`, or `ged_16`."""
        return "ged" if self.n is None else super().name

    def of(self, overlap: Overlaps, weights: Array | None) -> float | None:
        return ged(overlap.iou.distance, weights) if self.n is None else ged_n(overlap.iou.distance, weights)


class HMIoU(SingleScore):
    """Hungarian-matched IoU, see `hm_iou_n`."""

    family = "hm_iou"

    def of(self, overlap: Overlaps, weights: Array | None) -> float:
        return hm_iou_n(overlap.iou.across, weights)


class BestKIoU(SingleScore):
    """IoU of the best `K` samples, see `best_k_iou_n`."""

    family = "best_k_iou"

    def of(self, overlap: Overlaps, weights: Array | None) -> float:
        return best_k_iou_n(overlap.iou.across, weights)


class MDM(SingleScore):
    """Maximum Dice matching, see `mdm_n`."""

    family = "mdm"

    def of(self, overlap: Overlaps, weights: Array | None) -> float:
        return mdm_n(overlap.dice.across, weights)


class DMax(SingleScore):
    """Dice of the best pair, see `d_max_n`."""

    family = "d_max"

    def of(self, overlap: Overlaps, weights: Array | None) -> float:
        return d_max_n(overlap.dice.across, weights)
