r"""Differences of two methods on the same cases: the mean, its interval, and how sure it is that there is one.

Both see the same cases with the same noise, so what is easy or hard about a case falls out of the difference, which is
then told far more exactly than two intervals tell it. The probability `p` belongs to the interval of `bootstrap`: it is
the smallest `1 - confidence` at which that interval leaves 0 out (a test by inversion; Efron and Tibshirani 1993,
section 15.4), so that the two never contradict each other. `holm` holds it against having looked more than once: of the
ascending `p_(1) <= ... <= p_(m)`

    p'_(i) = max_{j <= i} min(1, (m - j + 1) p_(j))

(Holm 1979) bounds the probability of a single false alarm among all `m`, whatever their dependence.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from atfm.errors import InputError
from atfm.metrics.bootstrap import ends, resampled, standard_error, with_trainings
from atfm.metrics.table import Interval

__all__ = ["RESAMPLES", "Difference", "difference", "holm", "mean_and_error"]

RESAMPLES = 10_000  # p is known to two of these; with 1,000 twenty comparisons could never be told from chance
_HALVINGS = 20


@dataclass(frozen=True)
class Difference:
    """A score of one method less that of another, case by case.

    Args:
        interval: mean and 95 % interval.
        p: two-sided, not corrected, at least 2 / resamples; None where no interval exists.
    """

    interval: Interval
    p: float | None


def difference(
    rows: Sequence[Mapping[str, object]], *, trainings: str | None = None, seed: int = 0, resamples: int = RESAMPLES
) -> Difference | None:
    """Return the mean of the differences of cases, with the interval over patients and `p`.

    Args:
        rows: of each case `patient` and `difference`.
        trainings: the column that names the training, where the same cases were scored by several.
        seed: of the resampling.
        resamples: how many times the patients are drawn anew.

    Returns:
        None for no rows.

    Raises:
        InputError: a difference that is not finite.
    """
    if not rows:
        return None
    values = np.array([row["difference"] for row in rows], dtype=np.float64)
    if not np.isfinite(values).all():
        raise InputError("difference: expected finite numbers; leave cases without the score out")
    sums, counts = _by(values, [row["patient"] for row in rows])
    means = np.empty(0)
    if trainings is not None:
        totals, cases = _by(values, [row[trainings] for row in rows])
        means = (totals / cases)[:, 0]
    cloud = resampled(sums, counts, seed, resamples)
    mean, patients = float(values.mean()), len(sums)

    def interval(confidence: float) -> tuple[float, float] | None:
        (found,) = ends(sums, counts, cloud, confidence)
        if found is None:
            return None
        low, high, error = found
        return with_trainings(low, mean, high, error, patients, means, confidence)

    usual = interval(0.95)
    if usual is None:
        return Difference(Interval(mean, None, None, len(rows)), None)
    inside, outside = 2 / resamples, 1.0  # p lies between: at the first 0 is within, at 1 it never is
    if usual[0] == usual[1] == 0:
        return Difference(Interval(0.0, 0.0, 0.0, len(rows)), 1.0)
    if not _holds(interval(1 - inside)):
        return Difference(Interval(mean, *usual, len(rows)), inside)
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        if _holds(interval(1 - middle)):
            inside = middle
        else:
            outside = middle
    return Difference(Interval(mean, *usual, len(rows)), outside)


def mean_and_error(values: Sequence[float], patients: Sequence[object]) -> tuple[float, float]:
    """Return the mean of the values of cases and its standard error over their patients, see `bootstrap`.

    Args:
        values: of each case, finite.
        patients: whose it is; NaN is the error of one patient alone.

    Raises:
        InputError: no value, or not as many patients.
    """
    if not len(values) or len(values) != len(patients):
        raise InputError(f"values: expected some, and a patient for each, got {len(values)} and {len(patients)}")
    sums, counts = _by(np.asarray(values, dtype=np.float64), patients)
    return float(np.mean(values)), float(standard_error(sums, counts)[0])


def holm(values: Sequence[float]) -> list[float]:
    """Return the probabilities of several tests, each held against all of them, in the order they came in.

    Raises:
        InputError: one that is no probability.
    """
    if any(not 0 <= value <= 1 for value in values):
        raise InputError(f"p: expected probabilities from 0 to 1, got {list(values)}")
    order = sorted(range(len(values)), key=lambda number: values[number])
    corrected, above = [0.0] * len(values), 0.0
    for place, number in enumerate(order):
        above = max(above, min(1.0, (len(values) - place) * values[number]))
        corrected[number] = above
    return corrected


def _holds(interval: tuple[float, float] | None) -> bool:
    return interval is not None and interval[0] <= 0 <= interval[1]


def _by(values: np.ndarray, names: Sequence[object]) -> tuple[np.ndarray, np.ndarray]:
    """Sums and numbers of the values of each name, `[groups, 1]`, in the order of `summarise`: of first appearance."""
    numbers = {name: number for number, name in enumerate(dict.fromkeys(names))}
    group = np.array([numbers[name] for name in names])
    sums = np.bincount(group, weights=values)[:, None]
    return sums, np.bincount(group).astype(np.float64)[:, None]
