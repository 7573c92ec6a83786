"""Intervals hold the truth as often as they say, also with few patients and few trainings."""

import numpy as np
import pytest
from scipy import stats

from atfm.metrics.table import summarise


def patients(rng: np.random.Generator, count: int) -> list[dict[str, object]]:
    """Cases of patients who differ by a skewed amount of mean 0, as GED does; patients have 1 to many slices."""
    rows: list[dict[str, object]] = []
    for patient in range(count):
        own = rng.exponential(1) - 1
        rows += [{"patient": patient, "gain": own + rng.normal()} for _ in range(rng.geometric(0.25))]
    return rows


def covered(count: int, *, draws: int = 400) -> tuple[float, float]:
    """How often the 95 % interval of so many patients holds the true mean, 0; and so percentiles of a bootstrap."""
    ours, percentiles = [], []
    for draw in range(draws):
        rng = np.random.default_rng([count, draw])
        rows = patients(rng, count)
        interval = summarise(rows, seed=draw, resamples=400)["gain"]
        ours.append(interval.low <= 0 <= interval.high)
        sums = np.bincount([row["patient"] for row in rows], [row["gain"] for row in rows])
        counts = np.bincount([row["patient"] for row in rows])
        times = rng.multinomial(count, np.full(count, 1 / count), size=400)
        low, high = np.quantile(times @ sums / (times @ counts), [0.025, 0.975])
        percentiles.append(low <= 0 <= high)
    return float(np.mean(ours)), float(np.mean(percentiles))


def test_with_eight_patients_the_interval_is_not_much_too_narrow() -> None:
    """As measured on LIDC: percentiles hold .78 to .87 of 95 %, the bootstrap-t .85 to .95."""
    ours, percentiles = covered(8)
    assert ours >= 0.9 and percentiles < 0.88 and ours > percentiles + 0.03


def test_with_fifty_patients_it_is_right() -> None:
    assert covered(50, draws=300)[0] >= 0.92


def test_of_equal_patients_it_is_students() -> None:
    """Few patients have no quantiles of their own; the closed form of four equal clusters."""
    values = np.array([0.3, -0.1, 0.4, 0.8])
    rows = [{"patient": number, "gain": value} for number, value in enumerate(values) for _ in range(3)]
    interval = summarise(rows)["gain"]
    want = stats.t.interval(0.95, 3, values.mean(), stats.sem(values))
    assert (interval.low, interval.high) == pytest.approx(want)


def test_where_most_patients_are_alike_no_end_runs_away() -> None:
    """Nine of ten have the best score: a third of the resamples have no spread, and say nothing of a quantile."""
    rows = [{"patient": number, "d_max_16": 1.0 if number else 0.5} for number in range(10)]
    interval = summarise(rows)["d_max_16"]
    assert interval.low == pytest.approx(0.95 - stats.t.ppf(0.975, 9) * 0.05) and interval.high == 1  # no Dice above 1
    same = summarise([{"patient": number, "d_max_16": 1.0} for number in range(10)])["d_max_16"]
    assert (same.low, same.mean, same.high) == (1, 1, 1)


def test_a_score_stays_within_what_it_can_be() -> None:
    rows = [{"patient": number, name: value} for number, value in enumerate((0.1, 1.0, 1.0)) for name in ("mdm_4", "x")]
    table = summarise(rows)
    assert table["mdm_4"].high == 1 and table["x"].high > 1 and table["mdm_4"].low >= 0 > table["x"].low


@pytest.mark.parametrize("trainings", [2, 3])
def test_trainings_scatter_too(trainings: int) -> None:
    """A seed moves all cases by as much as patients leave open: over patients alone the interval is too narrow."""
    both, alone = [], []
    for draw in range(300):
        rng = np.random.default_rng([trainings, draw])
        own = rng.normal(0, 1, 50)
        rows = [
            {"patient": patient, "seed": seed, "gain": own[patient] + moved + rng.normal(0, 0.3)}
            for seed, moved in enumerate(rng.normal(0, 1.5 / np.sqrt(50), trainings))
            for patient in range(50)
        ]
        wide = summarise(rows, trainings="seed", resamples=200)
        narrow = summarise([{**row, "seed": "any"} for row in rows], resamples=200)
        assert set(wide) == {"gain"} and wide["gain"].mean == pytest.approx(narrow["gain"].mean)
        both.append(wide["gain"].low <= 0 <= wide["gain"].high)
        alone.append(narrow["gain"].low <= 0 <= narrow["gain"].high)
    assert np.mean(both) >= 0.92 and np.mean(alone) < 0.9


def test_one_training_adds_nothing() -> None:
    rows = [{"patient": number % 7, "seed": 3, "gain": float(number)} for number in range(21)]
    assert summarise(rows, trainings="seed") == summarise([{**row, "seed": "3"} for row in rows])
