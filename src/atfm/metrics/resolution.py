r"""What so many patients can show: the least difference of two methods in GED that is more than noise.

Of the same cases with the same noise the mean difference of two methods has the error `s / sqrt(P)`, `s` being its
spread over `P` patients, so that below

    d(P) = t_{P-1, .975} s / sqrt(P)

nothing can be told from chance. Before anything is scored `s` is not known: `SPREAD` is what it was between methods of
equal training on small sets (docs/metrics.md, What so many cases can show). Afterwards it is taken from how far the
scores of one method scatter, which two methods differ by about as much.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from scipy.stats import t as student

from atfm.metrics.significance import mean_and_error

__all__ = ["FEW", "SPREAD", "least_difference", "resolution_line", "spread_of"]

SPREAD = 0.2
FEW = 50  # patients, below which a training says so


def least_difference(patients: int, spread: float = SPREAD) -> float | None:
    """Return the difference in GED below which so many patients show nothing; None of fewer than two.

    Args:
        patients: that are scored.
        spread: of the difference over patients.
    """
    if patients < 2:
        return None
    return float(student.ppf(0.975, patients - 1)) * spread / math.sqrt(patients)


def spread_of(rows: Sequence[Mapping[str, object]], metric: str = "ged") -> float | None:
    """Return how far a score scatters over patients, `sqrt(P)` times its standard error; None of fewer than two.

    Args:
        rows: of each case `patient` and the score; rows without it do not count.
        metric: the score.
    """
    there = [(float(row[metric]), row["patient"]) for row in rows if row.get(metric) is not None]  # type: ignore[arg-type]
    if not there:
        return None
    error = mean_and_error([value for value, _ in there], [who for _, who in there])[1]
    patients = len({who for _, who in there})
    return None if np.isnan(error) else error * math.sqrt(patients)


def resolution_line(cases: str, patients: int, spread: float | None = None) -> str:
    """Return the line that says what so many cases can show.

    Args:
        cases: what they are, as a sentence begins: `22 training cases`.
        patients: that are scored.
        spread: of `spread_of`; None: not known yet.
    """
    least = least_difference(patients, SPREAD if spread is None else spread)
    if least is None:
        return f"{cases}: one patient shows no difference at all"
    about = f"{float(f'{least:.1g}'):g}".removeprefix("0")
    return f"{cases}: differences below {about} in GED are noise"
