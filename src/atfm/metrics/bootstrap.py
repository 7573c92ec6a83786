r"""Intervals of a mean over cases that come by patients: a studentised bootstrap which draws whole patients.

With the sum `s_i` and the number `c_i` of the cases of patient `i`, of `P` patients,

    m = sum_i s_i / sum_i c_i,    se^2 = P / (P - 1) sum_i (s_i - m c_i)^2 / (sum_i c_i)^2

(the ratio estimator of a cluster sample and its linearised standard error; Cochran 1977, section 6.3). Each resample
draws `P` patients with replacement and has a mean `m*` and an error `se*` of its own; with the quantiles `t_low` and
`t_high` of `t* = (m* - m) / se*` the interval is `[m - t_high se, m - t_low se]` (the bootstrap-t; Efron and Tibshirani
1993, chapter 12). Percentiles of `m*` are too narrow where there are few patients, and BCa (`scipy.stats.bootstrap`) is
no wider: `docs/metrics.md` has the coverage. Below five patients, or where resamples have no spread of their own, the
quantiles are Student's.

Scores of several trainings scatter by training too. With the mean `m_j` of each of `J` trainings that adds

    v = sum_j (m_j - m)^2 / (J (J - 1))

to `se^2`. Both arms grow by `t sqrt(se^2 + v) / (t_P se)`, with Student's `t_P` of `P - 1` degrees of freedom, and `t`
of `(se^2 + v)^2 / (se^4 / (P - 1) + v^2 / (J - 1))` (Satterthwaite 1946).
"""

import math

import numpy as np

__all__ = ["Cloud", "ends", "resampled", "standard_error", "with_trainings"]

_BLOCK = 2**22  # draws of patients held at a time
_FEWEST = 5  # patients of whom a resample tells anything of its own spread
_DEGENERATE = 0.01  # of the resamples may have no spread: fewer than lie beyond either end of a 95 % interval

Cloud = tuple[np.ndarray, np.ndarray]  # means and standard errors of the resamples, `[resamples, scores]` each


def standard_error(sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return `se` of every score from sums and counts of its patients, `[P, scores]` each; NaN below two patients."""
    patients = np.count_nonzero(counts, axis=0)
    total = counts.sum(0)
    square = (np.square(sums - sums.sum(0) / total * counts)).sum(0)
    few = patients < 2
    return np.where(few, np.nan, np.sqrt(_correction(patients) * square) / total)


def resampled(sums: np.ndarray, counts: np.ndarray, seed: int, resamples: int) -> Cloud:
    """Draw the patients anew; NaN marks a draw in which no patient had the score."""
    patients = len(sums)
    correction = _correction(np.count_nonzero(counts, axis=0))
    squares, products, pairs = np.square(sums), sums * counts, np.square(counts)
    generator = np.random.default_rng(seed)
    block = max(1, _BLOCK // patients)
    means, errors = [], []
    for start in range(0, resamples, block):
        size = min(block, resamples - start)
        # how often each patient is drawn: [size, patients]
        times = generator.multinomial(patients, np.full(patients, 1 / patients), size=size).astype(np.float64)
        drawn = times @ counts  # [size, scores]
        mean = np.divide(times @ sums, drawn, out=np.full_like(drawn, np.nan), where=drawn > 0)
        spread = times @ squares - 2 * mean * (times @ products) + np.square(mean) * (times @ pairs)
        error = np.sqrt(correction * np.maximum(spread, 0))
        means.append(mean)
        errors.append(np.divide(error, drawn, out=np.full_like(drawn, np.nan), where=drawn > 0))
    return np.concatenate(means), np.concatenate(errors)


def ends(
    sums: np.ndarray, counts: np.ndarray, cloud: Cloud, confidence: float
) -> list[tuple[float, float, float] | None]:
    """Return of every score both ends of its interval, and its standard error; None below two patients.

    Args:
        sums: `[P, scores]`, of the cases of each patient.
        counts: `[P, scores]`, how many they are.
        cloud: of `resampled`.
        confidence: how often the interval should hold the true mean, in (0, 1).
    """
    errors = standard_error(sums, counts)
    found: list[tuple[float, float, float] | None] = []
    for column, error in enumerate(errors):
        if math.isnan(error):
            found.append(None)
            continue
        mean = float(sums[:, column].sum() / counts[:, column].sum())
        patients = int(np.count_nonzero(counts[:, column]))
        low, high = _quantiles(cloud[0][:, column] - mean, cloud[1][:, column], float(error), patients, confidence)
        found.append((mean - high * error, mean - low * error, float(error)))
    return found


def with_trainings(
    low: float, mean: float, high: float, error: float, patients: int, trainings: np.ndarray, confidence: float
) -> tuple[float, float]:
    """Widen an interval over patients by how far trainings scatter, see the top of the file.

    Args:
        low: lower end of the interval over patients, of all trainings together.
        mean: its middle.
        high: its upper end.
        error: its standard error.
        patients: `P`.
        trainings: `[J]`, the mean of each.
        confidence: as in `ends`.
    """
    j = len(trainings)
    if j < 2:
        return low, high
    scatter = float(trainings.var(ddof=1)) / j
    both = error**2 + scatter
    if both == 0:
        return low, high
    degrees = both**2 / (error**4 / (patients - 1) + scatter**2 / (j - 1))
    arm = _student(degrees, confidence) * math.sqrt(both)
    if error == 0:
        return mean - arm, mean + arm
    grown = arm / (_student(patients - 1, confidence) * error)
    return mean - grown * (mean - low), mean + grown * (high - mean)


def _quantiles(
    shift: np.ndarray, errors: np.ndarray, error: float, patients: int, confidence: float
) -> tuple[float, float]:
    """The quantiles of `t*`, in units of the standard error."""
    there = ~np.isnan(shift)
    shift, errors = shift[there], errors[there]
    spread = errors > 1e-9 * error
    if patients < _FEWEST or error == 0 or np.mean(~spread) > _DEGENERATE:
        student = _student(patients - 1, confidence)
        return -student, student
    low, high = np.quantile(shift[spread] / errors[spread], [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)


def _correction(patients: np.ndarray) -> np.ndarray:
    return patients / np.maximum(patients - 1, 1)


def _student(degrees: float, confidence: float) -> float:
    from scipy.special import stdtrit  # the scores themselves do without

    return float(stdtrit(degrees, (1 + confidence) / 2))
