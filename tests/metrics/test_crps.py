import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from atfm.errors import InputError
from atfm.metrics.crps import crps, crps_area

DRAWS = arrays(float, st.integers(2, 8), elements=st.integers(0, 20))
NUMBERS = arrays(float, st.integers(1, 8), elements=st.integers(0, 20))


def rows(*masks: list[int]) -> np.ndarray:
    return np.array(masks, bool)[:, None]  # [N, P] -> [N, 1, P]


@given(DRAWS, NUMBERS)
def test_crps_against_a_double_loop(x: np.ndarray, y: np.ndarray) -> None:
    error = np.mean([abs(a - b) for a in x for b in y])
    spread = np.mean([abs(x[i] - x[j]) for i in range(len(x)) for j in range(len(x)) if i != j])
    assert crps(x, y) == pytest.approx(error - spread / 2, abs=1e-9)


def test_crps_is_the_area_between_the_distribution_functions_but_for_self_pairs() -> None:
    x, y = np.array([1.0, 4.0, 4.0, 7.0]), 5.0
    grid = np.arange(0, 10, 1e-3) + 5e-4
    below = (x[:, None] <= grid).mean(0)
    area = ((below - (y <= grid)) ** 2).sum() * 1e-3
    spread = np.mean([abs(x[i] - x[j]) for i in range(4) for j in range(4) if i != j])
    found = crps(x, np.array([y]))
    assert found is not None and found + spread / 8 == pytest.approx(area, abs=1e-6)


def test_crps_does_not_fall_with_the_number_of_draws() -> None:
    """Uniform draws and observations: E |x - y| = E |x - x'| = 1/3, so the score is 1/6 for any number of draws."""
    rng = np.random.default_rng(0)
    for count in (2, 3, 20):
        found = [crps(rng.random(count), rng.random(30)) for _ in range(3000)]
        assert np.mean(found) == pytest.approx(1 / 6, abs=0.01)  # with self-pairs .25, .222 and .175


def test_one_draw_has_no_spread() -> None:
    one = np.array([3.0])
    assert crps(one, np.array([1.0, 2.0])) is None
    assert crps(np.array([3.0, 1.0]), one, np.array([0.0, 1.0])) is None
    assert crps_area(rows([1, 1, 1, 0]), rows([1, 0, 0, 0])) is None


@pytest.mark.parametrize("bad", [np.zeros((3, 2)), np.zeros(0), np.array([1, np.nan]), np.array(["a", "b"])])
def test_what_is_no_list_of_numbers_is_refused(bad: np.ndarray) -> None:
    with pytest.raises(InputError, match="draws: expected"):
        crps(bad, np.ones(2))
    with pytest.raises(InputError, match="observed: expected"):
        crps(np.ones(2), bad)


def test_crps_of_the_area_counts_pixels() -> None:
    same, both = rows([1, 1, 1, 0], [1, 1, 1, 0]), rows([1, 1, 1, 0], [0, 0, 0, 0])
    assert crps_area(same, rows([1, 0, 0, 0], [0, 0, 0, 0])) == 2.5  # |3 - 1| and |3 - 0|
    assert crps_area(both, both) == pytest.approx(1.5 - 3 / 2)


def test_crps_of_the_area_leaves_out_the_background(draw) -> None:
    s, r = draw(5, 4, 3), draw(6, 3, 3)
    assert crps_area(s, r) == pytest.approx((crps_area(s[:, 1:2], r[:, 1:2]) + crps_area(s[:, 2:], r[:, 2:])) / 2)
