r"""Explicit Runge-Kutta solvers for `dx/dt = g(x, t)` from t = 0 to t = 1.

A solver is its tableau: stage i is evaluated at `t + c_i h` and `x + h sum_j a_ij k_j`; the step is
`x + h sum_i b_i k_i`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

__all__ = ["EULER", "HEUN", "RALSTON", "RK4", "SOLVERS", "Solver", "integrate"]


@dataclass(frozen=True)
class Solver:
    """A tableau with its name and the order of its error: a global error of `O(h^order)`."""

    name: str
    order: int
    a: tuple[tuple[float, ...], ...]
    b: tuple[float, ...]
    c: tuple[float, ...]


EULER = Solver("euler", 1, ((),), (1.0,), (0.0,))
HEUN = Solver("heun", 2, ((), (1.0,)), (0.5, 0.5), (0.0, 1.0))
RALSTON = Solver("ralston", 3, ((), (0.5,), (0.0, 0.75)), (2 / 9, 1 / 3, 4 / 9), (0.0, 0.5, 0.75))
RK4 = Solver("rk4", 4, ((), (0.5,), (0.0, 0.5), (0.0, 0.0, 1.0)), (1 / 6, 1 / 3, 1 / 3, 1 / 6), (0.0, 0.5, 0.5, 1.0))
SOLVERS = {solver.name: solver for solver in (EULER, HEUN, RALSTON, RK4)}


def integrate(
    field: Callable[[Tensor, float], Tensor], x: Tensor, steps: int, solver: Solver = EULER, *, euler_last: bool = False
) -> Tensor:
    """Carry `x` from t = 0 to t = 1 in equal steps.

    Args:
        field: `g(x, t)`, a tensor of the shape of `x`.
        x: the start.
        steps: number of steps, at least 1.
        solver: one of `SOLVERS`.
        euler_last: make the last step an Euler step, for a field that is singular at t = 1 (the endpoint form).

    Raises:
        ValueError: fewer than one step.
    """
    if steps < 1:
        raise ValueError(f"steps: expected at least 1, got {steps}")
    h = 1.0 / steps
    for step in range(steps):
        x = _step(field, x, step * h, h, EULER if euler_last and step == steps - 1 else solver)
    return x


def _step(field: Callable[[Tensor, float], Tensor], x: Tensor, t: float, h: float, solver: Solver) -> Tensor:
    stages: list[Tensor] = []
    for row, c in zip(solver.a, solver.c, strict=True):
        point = x
        for weight, stage in zip(row, stages, strict=True):
            point = point + (h * weight) * stage if weight else point
        stages.append(field(point, t + c * h))
    for weight, stage in zip(solver.b, stages, strict=True):
        x = x + (h * weight) * stage
    return x
