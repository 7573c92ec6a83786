"""What so many patients can show: against a simulation of comparisons in which there is nothing to find."""

import numpy as np
import pytest
from scipy import stats

from atfm.metrics.resolution import SPREAD, least_difference, resolution_line, spread_of


def test_chance_alone_stays_below_it_in_19_of_20_comparisons() -> None:
    rng = np.random.default_rng(0)
    for patients in (7, 22):
        means = rng.normal(0, SPREAD, (20_000, patients)).mean(1)
        least = least_difference(patients)
        assert least is not None and np.mean(np.abs(means) < least) > 0.95  # Student's width, for a spread to be found
        normal = 1.96 * SPREAD / np.sqrt(patients)
        assert least == pytest.approx(normal * stats.t.ppf(0.975, patients - 1) / 1.96)


def test_the_spread_is_that_of_patients_and_not_of_cases() -> None:
    values = {"a": [0.1, 0.1, 0.1], "b": [0.5, 0.5, 0.5], "c": [0.3, 0.3, 0.3]}
    rows = [{"patient": name, "ged": value} for name, own in values.items() for value in own]
    assert spread_of(rows) == pytest.approx(np.std([0.1, 0.5, 0.3], ddof=1))
    assert spread_of([*rows, {"patient": "d", "ged": None}]) == spread_of(rows)
    assert spread_of(rows[:3]) is None and spread_of([]) is None


def test_the_line_says_it_in_one_digit() -> None:
    assert resolution_line("22 training cases", 22) == "22 training cases: differences below .09 in GED are noise"
    assert resolution_line("7 patients", 7, 0.11) == "7 patients: differences below .1 in GED are noise"
    assert resolution_line("1 patient", 1) == "1 patient: one patient shows no difference at all"
    assert least_difference(1) is None
