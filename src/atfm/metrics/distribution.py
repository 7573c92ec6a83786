"""`DistributionScores`: every score of `score_case` and the calibration error, over many cases."""

from collections.abc import Mapping, Sequence
from typing import Any

from atfm.errors import InputError
from atfm.metrics.accumulate import CaseScores
from atfm.metrics.masks import Array, as_masks, share
from atfm.metrics.reliability import ReliabilityBins
from atfm.metrics.scores import score_case
from atfm.metrics.table import Interval, summarise
from atfm.metrics.weights import as_weights

__all__ = ["DistributionScores"]


class DistributionScores(CaseScores):
    """Every score of `score_case`, with bootstrap intervals over patients, and the calibration error.

    Args:
        ns: numbers of samples to score.
        empty: the IoU and Dice of empty against empty, as in `overlaps`.
        per_class: as in `score_case`.
        bins: of the probability, for ECE; 0 leaves it out.
        bootstrap: `seed`, `resamples` and `confidence` of the intervals.
    """

    def __init__(
        self,
        *,
        ns: Sequence[int] = (1, 2, 4, 8, 16, 32, 50, 100),
        empty: float | None = 1.0,
        per_class: bool | Sequence[str] = False,
        bins: int = 20,
        **bootstrap: Any,
    ) -> None:
        super().__init__(**bootstrap)
        self.ns, self.empty, self.per_class, self.bins = tuple(ns), empty, per_class, bins

    def score(
        self,
        samples: Array,
        annotations: Array,
        probability: Array | None,
        ignore: Array | None,
        weights: Array | None,
    ) -> Mapping[str, object]:
        scores = score_case(
            samples,
            annotations,
            probability,
            weights=weights,
            ns=self.ns,
            empty=self.empty,
            ignore=ignore,
            per_class=self.per_class,
        )
        if not self.bins:
            return {"scores": scores}
        bins = ReliabilityBins(self.bins)
        if probability is None:
            masks = as_masks(samples, "samples")
            probability = share(masks, as_weights(weights, len(masks)))
        bins.update(probability, annotations, ignore=ignore)
        return {"scores": scores, "bins": bins.state_dict()}

    def compute(self) -> dict[str, Interval]:
        """Return the interval of every score, `ece` last and without ends, over the cases of all processes.

        All processes have to call it. No case, no scores.

        Raises:
            InputError: a `confidence` out of range.
        """
        whole = self.gather()
        intervals = summarise(whole.rows(), **self.bootstrap)
        if self.bins and len(whole):
            intervals["ece"] = Interval(whole.reliability().ece, None, None, len(whole))
        return intervals

    def reliability(self) -> ReliabilityBins:
        """Return the bins of the cases of this process, for the figure.

        Raises:
            InputError: `bins` is 0, or cases that were scored with another number of bins.
        """
        total, one = ReliabilityBins(self.bins), ReliabilityBins(self.bins)
        for name, entry in sorted(self._entries.items()):
            if "bins" not in entry:
                raise InputError(f"case {name}: expected {self.bins} bins, got none; score it again, or set bins=0")
            one.load_state_dict(entry["bins"])
            total.merge(one)
        return total
