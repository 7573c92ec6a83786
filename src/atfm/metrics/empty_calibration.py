r"""Whether the share of empty masks is right: of the images of which a model says `p`, do readers leave `p` empty?

With the share `p_i` of a model's empty masks of image `i`, the readers' `q_i`, and the images in bins `b` of `p`,

    ECE = sum_b | sum_{i in b} (p_i - q_i) | / N      (Naeini et al. 2015)

It is never negative, so that chance alone makes it positive: few patients, each with images that go wrong together,
miss in every bin. How far a model would miss whose bins are right is found by drawing the patients anew, each with its
differences less the mean of their bin; what lies within that says nothing against the model.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from atfm.errors import InputError
from atfm.metrics.reliability import bin_of
from atfm.metrics.table import Interval, summarise

__all__ = ["EmptyCalibration", "empty_calibration"]


@dataclass(frozen=True)
class EmptyCalibration:
    """How right the share of empty masks is, see the top of the file.

    Args:
        ece: the expected calibration error, in [0, 1].
        by_chance: the error of a model whose bins are right, on as many patients: its median and what 95 in 100 stay
            below. None with fewer than two patients.
        predicted: the mean share of empty masks that the model draws.
        drawn: the mean share of empty annotations.
        excess: `predicted - drawn` with its interval over patients.
        bins: of each bin that has images: how many, their mean `p` and their mean `q`.
    """

    ece: float
    by_chance: tuple[float, float] | None
    predicted: float
    drawn: float
    excess: Interval
    bins: Sequence[tuple[int, float, float]]

    def as_json(self) -> dict[str, Any]:
        """For a summary."""
        excess = {"mean": self.excess.mean, "low": self.excess.low, "high": self.excess.high}
        chance = None if self.by_chance is None else dict(zip(("median", "most"), self.by_chance, strict=True))
        return {
            "ece": self.ece,
            "by_chance": chance,
            "predicted": self.predicted,
            "drawn": self.drawn,
            "excess": excess,
            "bins": [{"images": images, "predicted": p, "drawn": q} for images, p, q in self.bins],
        }


def empty_calibration(
    rows: Sequence[Mapping[str, Any]],
    *,
    groups: str = "patient",
    bins: int = 10,
    seed: int = 0,
    resamples: int = 1000,
) -> EmptyCalibration | None:
    """Compare the shares of empty masks of a model's samples and of the annotations, in equal bins of the former.

    Args:
        rows: of one model: `empty_predicted` and `empty_drawn`, see `score_case`, and whose they are.
        groups: the column that names the patient.
        bins: how many of [0, 1].
        seed: of the resampling.
        resamples: how often the patients are drawn anew.

    Returns:
        None where neither the model nor an annotator has an empty mask, or there are no rows.

    Raises:
        InputError: fewer than one bin or one resample.
    """
    if bins < 1 or resamples < 1:
        raise InputError(f"bins and resamples: expected at least 1 of each, got {bins} and {resamples}")
    p, q = (np.array([row[name] for row in rows], dtype=np.float64) for name in ("empty_predicted", "empty_drawn"))
    if not (p.any() or q.any()):
        return None
    number = bin_of(p, bins)
    _, patient = np.unique([str(row[groups]) for row in rows], return_inverse=True)
    images, off = _sums(patient, number, bins, np.ones_like(p)), _sums(patient, number, bins, p - q)  # [P, bins]
    excess = summarise(
        [{"patient": row[groups], "excess": gap} for row, gap in zip(rows, (p - q).tolist(), strict=True)], seed=seed
    )
    there = [number == one for one in range(bins) if (number == one).any()]
    return EmptyCalibration(
        ece=float(np.abs(off.sum(0)).sum() / len(p)),
        by_chance=_by_chance(images, off, seed, resamples),
        predicted=float(p.mean()),
        drawn=float(q.mean()),
        excess=excess["excess"],
        bins=[(int(one.sum()), float(p[one].mean()), float(q[one].mean())) for one in there],
    )


def _sums(patient: np.ndarray, number: np.ndarray, bins: int, values: np.ndarray) -> np.ndarray:
    """The sums of values by patient and bin, `[P, bins]`."""
    flat = np.bincount(patient * bins + number, weights=values, minlength=(int(patient.max()) + 1) * bins)
    return flat.reshape(-1, bins)


def _by_chance(images: np.ndarray, off: np.ndarray, seed: int, resamples: int) -> tuple[float, float] | None:
    """The median and the 95 % quantile of the error of a model whose bins are right."""
    patients = len(images)
    if patients < 2:
        return None
    total = images.sum(0)
    right = off - images * np.divide(off.sum(0), total, out=np.zeros_like(total), where=total > 0)
    right *= np.sqrt(patients / (patients - 1))  # a residual is smaller than the error that it stands for
    times = np.random.default_rng(seed).multinomial(patients, np.full(patients, 1 / patients), size=resamples)
    errors = np.abs(times @ right).sum(1) / (times @ images).sum(1)
    median, most = np.quantile(errors, [0.5, 0.95])
    return float(median), float(most)
