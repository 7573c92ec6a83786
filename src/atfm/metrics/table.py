"""A table of scores: one row for each case, and the means with their intervals."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from atfm.errors import InputError
from atfm.metrics.bootstrap import ends, resampled, with_trainings

__all__ = ["METRICS", "Interval", "Metric", "describe", "few_patients", "summarise"]

_FEW = 50  # patients, below which intervals are too narrow, see docs/metrics.md


class Metric(NamedTuple):
    """What a score is.

    Args:
        higher_is_better: None: neither is.
        meaning: one sentence for the report.
        least: no case can be below; None: it can be anything.
        most: no case can be above.
    """

    higher_is_better: bool | None
    meaning: str
    least: float | None = None
    most: float | None = None


METRICS: Mapping[str, Metric] = {
    "ged": Metric(False, "Squared generalised energy distance (1 - IoU), unbiased: 0 for further readers."),
    "ged_presence": Metric(
        False, "Its part of whether there is anything: 2 (p - q)^2 of the shares of empty masks, unbiased."
    ),
    "ged_shape": Metric(False, "What is left of ged without that part."),
    "own_ged": Metric(
        None, "The ged if K of the samples were the annotators, against the other samples: 0 on average."
    ),
    "ged_n": Metric(False, "The same of n samples with self-pairs counted, as published: ged + D_s/n + D_r/K.", 0, 2),
    "floor_ged_n": Metric(
        None, "The ged_n of n further readers, D_r/n + D_r/K; at small n a model without spread can fall below.", 0, 2
    ),
    "hm_iou_n": Metric(True, "Hungarian-matched IoU, n samples and K annotators repeated to equal numbers.", 0, 1),
    "mdm_n": Metric(True, "Maximum Dice matching: best Dice over n samples, mean over the annotators.", 0, 1),
    "d_max_n": Metric(True, "Dice of the best pair of any of n samples and any annotator.", 0, 1),
    "best_k_iou_n": Metric(
        True, "IoU of the best K of n samples, one for each annotator; the others are ignored.", 0, 1
    ),
    "d_sr": Metric(
        False, "D_sr, mean distance (1 - IoU) of a sample and an annotation: ged = (D_sr-D_ss) + (D_sr-D_rr).", 0, 1
    ),
    "diversity": Metric(
        None, "D_ss, mean distance (1 - IoU) of two different samples; D_sr - D_ss has to vanish.", 0, 1
    ),
    "annotator_diversity": Metric(
        None, "D_rr, mean distance of two different annotators; D_sr - D_rr is what they share beyond the image.", 0, 1
    ),
    "dice_of_mean": Metric(True, "Dice of the mean probability, cut at 0.5, mean over the annotators.", 0, 1),
    "ncc": Metric(True, "Correlation over the pixels of the samples' variance with the annotators' variance.", -1, 1),
    "ece": Metric(False, "Expected calibration error of the mean probability over all pixels of all cases."),
    "crps_area": Metric(False, "Continuous ranked probability score of the area, in pixels, without self-pairs."),
    "empty_predicted": Metric(
        None, "Share of samples without any foreground; right where it equals empty_drawn.", 0, 1
    ),
    "empty_drawn": Metric(None, "Share of annotations without any foreground.", 0, 1),
    "own_empty": Metric(None, "Share of empty masks among the samples that own_ged takes for annotators.", 0, 1),
    "effective_samples": Metric(
        None, "How many equal samples those with weights are worth, 1 / sum of squared weights."
    ),
}


def describe(name: str) -> Metric:
    """Look up a column of the table: `ged_16`, and `ged_16/2` of class 2, are the `ged_n` of `METRICS`.

    Raises:
        InputError: no score of that name.
    """
    family = _family(name)
    if family not in METRICS:
        raise InputError(f"score: expected one of {', '.join(METRICS)} (n a number), got {name!r}")
    return METRICS[family]


def _family(name: str) -> str:
    """`ged_n` of `ged_16`, and of `ged_16/liver`."""
    return re.sub(r"_\d+$", "_n", name.partition("/")[0])


@dataclass(frozen=True)
class Interval:
    """A mean over cases and its 95 % interval over patients, see `bootstrap`.

    Args:
        mean: over the cases that have the score.
        low: lower end; None where fewer than two patients have the score, as no interval exists.
        high: upper end, likewise.
        cases: how many cases have the score.
    """

    mean: float
    low: float | None
    high: float | None
    cases: int

    def __str__(self) -> str:
        if self.low is None or self.high is None:
            return f"{self.mean:.3f}"
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}]"


def few_patients(patients: int) -> list[str]:
    """Return the warning that belongs to intervals over so few patients, if it does; of one there is no interval."""
    if not 1 < patients < _FEW:
        return []
    return [
        f"{patients} patients are few: 95 % intervals hold the true mean in some 90 of 100 sets with 20 patients, in "
        f"85 with 8; from {_FEW} on they keep their promise."
    ]


def summarise(
    rows: Sequence[Mapping[str, object]],
    *,
    groups: str = "patient",
    trainings: str | None = None,
    seed: int = 0,
    resamples: int = 1000,
    confidence: float = 0.95,
) -> dict[str, Interval]:
    """Average rows over the cases, with intervals of a bootstrap-t that draws whole patients, see `bootstrap`.

    Cases of one patient resemble each other, so that a bootstrap over cases would promise too much.

    Args:
        rows: one for each case: its scores (numbers) and whatever else (text) it is known by. A score that a row lacks,
            or holds as None, does not count there.
        groups: the column that names the patient.
        trainings: the column that names the training (its seed), where the same cases were scored by several: their
            scatter is then part of the interval. None: all rows are of one model.
        seed: of the resampling.
        resamples: how many times the patients are drawn anew.
        confidence: how often an interval should hold the true mean, in (0, 1).

    Returns:
        The interval of every score in the order of its first appearance; nothing for no rows. Where a score cannot lie
        below or above a number, see `METRICS`, no end does.

    Raises:
        InputError: a row without patient or training, a score that is not finite, or a `confidence` out of range.
    """
    if not 0 < confidence < 1 or resamples < 1:
        raise InputError(f"confidence and resamples: expected 0 to 1 and at least 1, got {confidence} and {resamples}")
    apart = (groups,) if trainings is None else (groups, trainings)
    names, sums, counts = _totals(rows, groups, apart)
    if not names:
        return {}
    several = {} if trainings is None else _means_by(rows, trainings, apart)
    intervals = {}
    found = ends(sums, counts, resampled(sums, counts, seed, resamples), confidence)
    for column, (name, interval) in enumerate(zip(names, found, strict=True)):
        total = int(counts[:, column].sum())
        mean = float(sums[:, column].sum() / total)
        if interval is None:
            intervals[name] = Interval(mean, None, None, total)
            continue
        low, high, error = interval
        if name in several:
            patients = int(np.count_nonzero(counts[:, column]))
            low, high = with_trainings(low, mean, high, error, patients, several[name], confidence)
        intervals[name] = Interval(mean, *_within(name, low, high), total)
    return intervals


def _within(name: str, low: float, high: float) -> tuple[float, float]:
    """Both ends, within what the score can be at all; of a column that is no score of `METRICS`, as they are."""
    metric = METRICS.get(_family(name))
    if metric is None:
        return low, high
    least, most = (metric.least, metric.most)
    return low if least is None else max(low, least), high if most is None else min(high, most)


def _means_by(rows: Sequence[Mapping[str, object]], column: str, apart: Sequence[str]) -> dict[str, np.ndarray]:
    """The mean of every score in each group of rows, over the groups that have it."""
    names, sums, counts = _totals(rows, column, apart)
    return {
        name: sums[there, number] / counts[there, number]
        for number, name in enumerate(names)
        for there in [counts[:, number] > 0]
    }


def _totals(
    rows: Sequence[Mapping[str, object]], groups: str, apart: Sequence[str]
) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return the names of the scores, and their sums and counts for each group of rows, `[groups, scores]`.

    Args:
        rows: the cases.
        groups: the column that tells the groups apart.
        apart: the columns that are no scores, though they may be numbers.
    """
    numbers: dict[object, int] = {}
    columns: dict[str, int] = {}
    entries: list[tuple[int, int, float]] = []
    for number, row in enumerate(rows):
        if row.get(groups) is None:
            what = "patient" if groups == apart[0] else "training"
            raise InputError(f"row {number}: expected a column {groups!r} that names the {what}, got {list(row)}")
        group = numbers.setdefault(row[groups], len(numbers))
        for name, value in row.items():
            if name in apart or isinstance(value, bool) or not isinstance(value, int | float | np.number):
                continue
            if not np.isfinite(value):
                raise InputError(f"row {number}: {name}: expected a finite number, got {value}; leave the score out")
            entries.append((group, columns.setdefault(name, len(columns)), float(value)))
    sums = np.zeros((len(numbers), len(columns)))
    counts = np.zeros_like(sums)
    for group, column, value in entries:
        sums[group, column] += value
        counts[group, column] += 1
    return list(columns), sums, counts
