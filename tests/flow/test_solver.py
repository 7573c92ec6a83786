"""The order of every solver, by regression against a closed form."""

import math

import numpy as np
import pytest
import torch

from atfm.flow.solver import EULER, HEUN, SOLVERS, Solver, integrate


@pytest.mark.parametrize("solver", SOLVERS.values(), ids=lambda solver: solver.name)
def test_order_by_the_slope_of_the_error(solver: Solver) -> None:
    # The logistic equation dx/dt = 5 x (1 - x), x(0) = 0.1.
    exact = 1 / (1 + 9 * math.exp(-5))
    steps, x = np.array([16, 32, 64, 128]), torch.full((1,), 0.1, dtype=torch.float64)
    errors = [abs(integrate(lambda x, t: 5 * x * (1 - x), x, int(n), solver).item() - exact) for n in steps]
    slope = -np.polyfit(np.log(steps), np.log(errors), 1)[0]
    assert slope == pytest.approx(solver.order, abs=0.35)


@pytest.mark.parametrize("solver", SOLVERS.values(), ids=lambda solver: solver.name)
def test_tableau_is_consistent(solver: Solver) -> None:
    assert sum(solver.b) == pytest.approx(1)
    assert [sum(row) for row in solver.a] == pytest.approx(list(solver.c))


@pytest.mark.parametrize("steps", [1, 7, 50])
def test_a_constant_field_is_exact(steps: int) -> None:
    x = integrate(lambda x, t: torch.full_like(x, 2.0), torch.zeros(3, dtype=torch.float64), steps)
    torch.testing.assert_close(x, torch.full((3,), 2.0, dtype=torch.float64))


def test_an_end_that_is_singular_is_met_by_an_euler_step() -> None:
    # g = (1 - x) / (1 - t) carries every x to 1 and cannot be evaluated at t = 1.
    times = []

    def field(x: torch.Tensor, t: float) -> torch.Tensor:
        times.append(t)
        return (1 - x) / (1 - t)

    end = integrate(field, torch.zeros(2), 4, HEUN, euler_last=True)
    torch.testing.assert_close(end, torch.ones(2))
    assert max(times) < 1


def test_no_steps_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 1, got 0"):
        integrate(lambda x, t: x, torch.ones(1), 0, EULER)


def test_against_torchdiffeq() -> None:
    torchdiffeq = pytest.importorskip("torchdiffeq")
    x = torch.linspace(-1, 1, 5, dtype=torch.float64)
    times = torch.linspace(0, 1, 11, dtype=torch.float64)
    theirs = torchdiffeq.odeint(lambda t, y: torch.sin(t) * y, x, times, method="euler")[-1]
    torch.testing.assert_close(integrate(lambda y, t: math.sin(t) * y, x, 10, EULER), theirs)
