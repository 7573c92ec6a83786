"""Intervals of a study are over patients and over trainings."""

import numpy as np
import pytest

from atfm.ablate.rows import Row
from atfm.ablate.study import Outcome
from atfm.ablate.summary import Line, summary, table

ROWS = [Row("first", "where it starts"), Row("other", "the same")]


def study(seeds: int, *, moved: float, patients: int = 60, seed: int = 0) -> list[Outcome]:
    """Two rows that are alike but for the luck of each training, which moves all of its cases."""
    rng = np.random.default_rng(seed)
    own = rng.normal(0.2, 0.1, patients)
    outcomes = []
    for row in ROWS:
        for number in range(seeds):
            luck = rng.normal(0, moved)
            cases = [
                {"patient": f"p{p}", "case": f"c{p}", "ged": own[p] + luck + rng.normal(0, 0.02)}
                for p in range(patients)
            ]
            outcomes.append(Outcome(row.name, number, "", 1, 1.0, cases))
    return outcomes


def lines(*args, **options) -> list[Line]:
    return summary(study(*args, **options), ROWS)


def test_a_difference_of_two_equal_rows_is_no_finding() -> None:
    """Over patients alone most pairs of trainings differ; with the trainings 0 is inside nearly as often as it says."""
    inside = []
    for seed in range(60):
        gain = lines(3, moved=0.02, seed=seed)[1].gain
        assert gain is not None
        inside.append(gain.low <= 0 <= gain.high)
    assert np.mean(inside) >= 0.85
    alone = [lines(1, moved=0.02, seed=seed)[1].gain for seed in range(60)]
    assert np.mean([one.low <= 0 <= one.high for one in alone]) < 0.5


def test_trainings_that_agree_widen_little() -> None:
    calm, wild = lines(3, moved=0.0)[0].scores["ged"], lines(3, moved=0.2)[0].scores["ged"]
    assert wild.high - wild.low > 3 * (calm.high - calm.low)
    se = 0.1 / np.sqrt(60)
    assert calm.high - calm.low == pytest.approx(2 * 1.96 * se, rel=0.3)


def test_the_seed_is_no_score() -> None:
    assert set(lines(2, moved=0.01)[0].scores) == {"ged"}


def test_the_table_says_what_its_intervals_leave_out() -> None:
    several, one = table(lines(2, moved=0.01)), table(lines(1, moved=0.01, patients=8))
    assert "over patients and, with two seeds or more, over trainings" in several
    assert "One seed: how far another training would land" in one and "One seed" not in several
    assert "8 patients are few" in one and "are few" not in several
