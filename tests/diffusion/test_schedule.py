"""Tables of noise, and the levels that a sampler visits."""

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from atfm.diffusion.schedule import SCHEDULES, Schedule, cosine, linear


def test_alpha_bar_is_the_product_of_what_each_level_keeps() -> None:
    betas = [0.1, 0.3, 0.25]
    schedule = Schedule(betas)
    assert schedule.levels == 3
    assert schedule.values == pytest.approx((1, 0.9, 0.9 * 0.7, 0.9 * 0.7 * 0.75))
    assert schedule.at(torch.tensor([3, 0])).tolist() == [schedule.values[3], 1.0]
    assert schedule.time(torch.tensor([0, 3])).tolist() == [0.0, 1.0]


def test_linear_is_that_of_ddpm() -> None:
    betas = torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64)
    expected = torch.cumprod(1 - betas, 0)
    torch.testing.assert_close(torch.tensor(linear(1000).values[1:], dtype=torch.float64), expected)
    assert linear(100).values[-1] == pytest.approx(linear(1000).values[-1], abs=1e-4)


@pytest.mark.parametrize("k", [1, 100, 249])
def test_cosine_is_its_formula_where_no_beta_is_cut_off(k: int) -> None:
    def f(t: float) -> float:
        return math.cos((t + 0.008) / 1.008 * math.pi / 2) ** 2

    assert cosine(250).values[k] == pytest.approx(f(k / 250) / f(0))


@pytest.mark.parametrize("name", SCHEDULES)
def test_every_schedule_ends_in_noise(name: str) -> None:
    values = SCHEDULES[name](250).values
    assert all(a > b > 0 for a, b in pairwise(values)) and values[-1] < 1e-3


@given(st.integers(1, 300), st.data())
def test_a_stride_goes_down_to_0_in_so_many_steps(first: int, data: st.DataObject) -> None:
    steps = data.draw(st.integers(1, first))
    levels = linear(300).strided(steps, first)
    assert (levels[0], levels[-1], len(levels)) == (first, 0, steps + 1)
    gaps = [a - b for a, b in pairwise(levels)]
    assert min(gaps) >= 1 and max(gaps) - min(gaps) <= 1 + (first % steps > 0)


def test_what_is_no_schedule_is_refused() -> None:
    for betas in ([], [0.0], [0.5, 1.0]):
        with pytest.raises(ValueError, match="betas"):
            Schedule(betas)
    for steps in (0, 11):
        with pytest.raises(ValueError, match="expected 1 to 10"):
            cosine(10).strided(steps)


def test_levels_are_drawn_evenly_from_1_on() -> None:
    torch.manual_seed(0)
    drawn = cosine(20).draw(4000, 5).bincount(minlength=21)
    assert drawn[0] == 0 and drawn[6:].sum() == 0 and (drawn[1:6] - 800).abs().max() < 100
    assert int(cosine(20).draw(4000).max()) == 20
