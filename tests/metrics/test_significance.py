import numpy as np
import pytest

from atfm.errors import InputError
from atfm.metrics.significance import difference, holm
from atfm.metrics.table import summarise


def rows(values: np.ndarray, per_patient: int = 1, **more: object) -> list[dict[str, object]]:
    return [{"patient": f"p{i // per_patient}", "difference": float(v), **more} for i, v in enumerate(values)]


def test_the_interval_is_that_of_the_tables() -> None:
    values = rows(np.random.default_rng(0).normal(0.1, 1, 120), per_patient=2)
    found = difference(values, resamples=1000)
    wanted = summarise(values)["difference"]
    assert (found.interval.mean, found.interval.low, found.interval.high) == pytest.approx(
        (wanted.mean, wanted.low, wanted.high)
    )


@pytest.mark.parametrize("shift", [0.15, 0.22, 0.3])
def test_p_and_the_interval_never_contradict_each_other(shift: float) -> None:
    for seed in range(5):
        found = difference(rows(np.random.default_rng(seed).exponential(1, 80) - 1 + shift), resamples=1000)
        outside = not found.interval.low <= 0 <= found.interval.high
        assert outside == (found.p < 0.05)


def test_of_many_normal_patients_p_is_that_of_the_t_test() -> None:
    from scipy.stats import ttest_1samp

    values = np.random.default_rng(1).normal(0.12, 1, 400)
    found = difference(rows(values))
    assert found.p == pytest.approx(ttest_1samp(values, 0).pvalue, abs=0.01)


def test_under_no_difference_one_in_twenty_is_below_a_twentieth() -> None:
    generator = np.random.default_rng(2)
    below = [difference(rows(generator.normal(0, 1, 60)), resamples=400, seed=i).p < 0.05 for i in range(400)]
    assert 0.02 < np.mean(below) < 0.09


def test_trainings_that_scatter_make_it_less_sure() -> None:
    noise = np.random.default_rng(3).normal(0, 0.1, 60)
    alone = rows(noise + 0.05)
    several = [row for j, off in enumerate((-0.1, 0.0, 0.25)) for row in rows(noise + off, training=j)]
    assert difference(alone).p < 0.01 < difference(several, trainings="training").p


def test_equal_scores_are_no_difference_and_one_patient_tells_nothing() -> None:
    assert difference(rows(np.zeros(10))).p == 1
    assert difference(rows(np.ones(4), per_patient=4)).p is None
    assert difference([]) is None
    with pytest.raises(InputError, match="finite"):
        difference(rows(np.array([np.nan, 1.0])))


def test_a_constant_difference_is_as_sure_as_can_be() -> None:
    assert difference(rows(np.full(20, 0.1))).p == 2 / 10_000


def test_holm_by_hand() -> None:
    # 4 x .01, 3 x .02, then 2 x .03 = .06 is not less than what is before it, and 1 x .04 is raised to it
    assert holm([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0] and holm([]) == [] and holm([0.03]) == [0.03]
    with pytest.raises(InputError, match="probabilities"):
        holm([1.5])
