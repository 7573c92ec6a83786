"""A table of scores: one row for each case, the reference rows beneath, and the means with their intervals."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from atfm.errors import InputError

__all__ = ["METRICS", "Interval", "Metric", "describe", "summarise"]

_BLOCK = 2**22  # draws of patients held at a time


class Metric(NamedTuple):
    """What a score is: whether more is better (None: neither is) and one sentence for the report."""

    higher_is_better: bool | None
    meaning: str


METRICS: Mapping[str, Metric] = {
    "ged": Metric(False, "Squared generalised energy distance (1 - IoU), unbiased: 0 for further readers."),
    "ged_presence": Metric(
        False, "Its part of whether there is anything: 2 (p - q)^2 of the shares of empty masks, unbiased."
    ),
    "ged_shape": Metric(False, "What is left of ged without that part."),
    "own_ged": Metric(
        None, "The ged if K of the samples were the annotators, against the other samples: 0 on average."
    ),
    "ged_n": Metric(False, "The same of n samples with self-pairs counted, as published: ged + D_s/n + D_r/K."),
    "floor_ged_n": Metric(
        None, "The ged_n of n further readers, D_r/n + D_r/K; at small n a model without spread can fall below."
    ),
    "hm_iou_n": Metric(True, "Hungarian-matched IoU, n samples and K annotators repeated to equal numbers."),
    "mdm_n": Metric(True, "Maximum Dice matching: best Dice over n samples, mean over the annotators."),
    "d_max_n": Metric(True, "Dice of the best pair of any of n samples and any annotator."),
    "best_k_iou_n": Metric(True, "IoU of the best K of n samples, one for each annotator; the others are ignored."),
    "d_sr": Metric(
        False, "D_sr, mean distance (1 - IoU) of a sample and an annotation: ged = (D_sr-D_ss) + (D_sr-D_rr)."
    ),
    "diversity": Metric(None, "D_ss, mean distance (1 - IoU) of two different samples; D_sr - D_ss has to vanish."),
    "annotator_diversity": Metric(
        None, "D_rr, mean distance of two different annotators; D_sr - D_rr is what they share beyond the image."
    ),
    "dice_of_mean": Metric(True, "Dice of the mean probability, cut at 0.5, mean over the annotators."),
    "ncc": Metric(True, "Correlation over the pixels of the samples' variance with the annotators' variance."),
    "ece": Metric(False, "Expected calibration error of the mean probability over all pixels of all cases."),
    "crps_area": Metric(False, "Continuous ranked probability score of the area, in pixels, without self-pairs."),
    "empty_predicted": Metric(None, "Share of samples without any foreground; right where it equals empty_drawn."),
    "empty_drawn": Metric(None, "Share of annotations without any foreground."),
    "own_empty": Metric(None, "Share of empty masks among the samples that own_ged takes for annotators."),
    "effective_samples": Metric(
        None, "How many equal samples those with weights are worth, 1 / sum of squared weights."
    ),
}


def describe(name: str) -> Metric:
    """Look up a column of the table: `ged_16`, and `ged_16/2` of class 2, are the `ged_n` of `METRICS`.

    Raises:
        InputError: no score of that name.
    """
    family = re.sub(r"_\d+$", "_n", name.partition("/")[0])
    if family not in METRICS:
        raise InputError(f"score: expected one of {', '.join(METRICS)} (n a number), got {name!r}")
    return METRICS[family]


@dataclass(frozen=True)
class Interval:
    """A mean over cases and its bootstrap interval over patients.

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


def summarise(
    rows: Sequence[Mapping[str, object]],
    *,
    groups: str = "patient",
    seed: int = 0,
    resamples: int = 1000,
    confidence: float = 0.95,
) -> dict[str, Interval]:
    """Average rows over the cases, with percentile intervals of a bootstrap that draws whole patients.

    Cases of one patient resemble each other, so that a bootstrap over cases would promise too much.

    Args:
        rows: one for each case: its scores (numbers) and whatever else (text) it is known by. A score that a row lacks,
            or holds as None, does not count there.
        groups: the column that names the patient.
        seed: of the resampling.
        resamples: how many times the patients are drawn anew.
        confidence: share of the bootstrap means within the interval, in (0, 1).

    Returns:
        The interval of every score in the order of its first appearance; nothing for no rows.

    Raises:
        InputError: a row without patient, a score that is not finite, or a `confidence` out of range.
    """
    if not 0 < confidence < 1 or resamples < 1:
        raise InputError(f"confidence and resamples: expected 0 to 1 and at least 1, got {confidence} and {resamples}")
    names, sums, counts = _totals(rows, groups)
    if not names:
        return {}
    means = _resampled_means(sums, counts, seed, resamples)
    intervals = {}
    for column, name in enumerate(names):
        total = int(counts[:, column].sum())
        mean = float(sums[:, column].sum() / total)
        low, high = None, None
        if np.count_nonzero(counts[:, column]) > 1:
            drawn = means[~np.isnan(means[:, column]), column]
            low, high = map(float, np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2]))
        intervals[name] = Interval(mean, low, high, total)
    return intervals


def _totals(rows: Sequence[Mapping[str, object]], groups: str) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return the names of the scores, and their sums and counts for each patient, `[patients, scores]`."""
    patients: dict[object, int] = {}
    columns: dict[str, int] = {}
    entries: list[tuple[int, int, float]] = []
    for number, row in enumerate(rows):
        if row.get(groups) is None:
            raise InputError(f"row {number}: expected a column {groups!r} that names the patient, got {list(row)}")
        patient = patients.setdefault(row[groups], len(patients))
        for name, value in row.items():
            if name == groups or isinstance(value, bool) or not isinstance(value, int | float | np.number):
                continue
            if not np.isfinite(value):
                raise InputError(f"row {number}: {name}: expected a finite number, got {value}; leave the score out")
            entries.append((patient, columns.setdefault(name, len(columns)), float(value)))
    sums = np.zeros((len(patients), len(columns)))
    counts = np.zeros_like(sums)
    for patient, column, value in entries:
        sums[patient, column] += value
        counts[patient, column] += 1
    return list(columns), sums, counts


def _resampled_means(sums: np.ndarray, counts: np.ndarray, seed: int, resamples: int) -> np.ndarray:
    """Return `[resamples, scores]` bootstrap means; NaN marks a draw in which no patient had the score."""
    patients = len(sums)
    generator = np.random.default_rng(seed)
    block = max(1, _BLOCK // patients)
    means = []
    for start in range(0, resamples, block):
        size = min(block, resamples - start)
        # how often each patient is drawn: [size, patients]
        times = generator.multinomial(patients, np.full(patients, 1 / patients), size=size).astype(np.float64)
        drawn = times @ counts  # [size, scores]
        means.append(np.divide(times @ sums, drawn, out=np.full_like(drawn, np.nan), where=drawn > 0))
    return np.concatenate(means)
