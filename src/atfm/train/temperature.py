r"""The temperature of a method that draws from a normal, chosen on validation cases when its weights are trained.

Networks of few cases can be too sure of themselves: on new images their samples lie nearer together than readers do. As
a temperature of the logits mends the calibration of a classifier (Guo et al., ICML 2017), one scale of the noise mends
the spread of samples; it is the one of least GED.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from atfm.data.dataset import CaseDataset
from atfm.methods.method import Method
from atfm.train.choice import ged_of
from atfm.train.processes import Processes
from atfm.train.validate import case_scores

__all__ = ["TRIALS", "Calibrated", "calibrated"]

STEP = 1.2  # from one temperature to the next: far finer than validation cases can tell
TRIALS = 3  # validations that it takes where the temperature stays, and more where it moves
_MOST = 6  # steps to either side


@dataclass(frozen=True)
class Calibrated:
    """What came of it.

    Args:
        temperature: that was chosen.
        before: that the method had.
        scores: the mean GED by temperature, of all that were tried.
        cases: that were scored.
    """

    temperature: float
    before: float
    scores: Mapping[float, float]
    cases: int

    def __str__(self) -> str:
        now, then = self.scores[self.temperature], self.scores[self.before]
        on = f"on {self.cases} validation cases"
        if self.temperature == self.before:
            return f"temperature {self.before:g} stays: no other has a GED below {now:.3f} {on}"
        return f"temperature {self.temperature:g} in place of {self.before:g}: GED {now:.3f}, {then:.3f} before, {on}"


def calibrated(
    method: Method, cases: CaseDataset, samples: int, seed: int, *, processes: Processes | None = None
) -> Calibrated | None:
    """Return the temperature of least GED, found downhill from the one that a method has.

    Every temperature scales the same noise of the same cases, so that small differences count.

    Args:
        method: trained.
        cases: to validate on.
        samples: of each case.
        seed: of the noise.
        processes: those that share the cases; all come to the same.

    Returns:
        None where a method has no temperature, or nothing counts in any case.
    """
    before = method.temperature
    if before is None:
        return None
    counted = 0

    def score(temperature: float) -> float:
        nonlocal counted
        rows = case_scores(method.with_temperature(temperature), cases, samples, seed, processes=processes)
        there = [one for one in ged_of(rows) if one is not None]
        counted = len(there)
        return sum(there) / len(there) if there else float("inf")

    scores = {before: score(before)}
    best = before
    for factor in (STEP, 1 / STEP):
        best = _downhill(before, factor, scores, score)
        if best != before:
            break
    return Calibrated(best, before, scores, counted) if counted else None


def _downhill(start: float, factor: float, scores: dict[float, float], score: Callable[[float], float]) -> float:
    """The last temperature, by steps of a factor, before the score rises."""
    best = start
    for power in range(1, _MOST + 1):
        tried = float(f"{start * factor**power:.3g}")
        scores[tried] = score(tried)
        if scores[tried] >= scores[best]:
            break
        best = tried
    return best
