r"""Noise schedules: how much of a mask is left at each level of noise.

Levels are numbered as in the literature, from `k = 0`, the mask, to `k = T`, noise; a schedule is its table of

    alpha_bar_k = prod_{i <= k} (1 - beta_i),    alpha_bar_0 = 1,

the share of the signal's variance (Gaussian: `x_k = sqrt(alpha_bar_k) x_0 + sqrt(1 - alpha_bar_k) eps`) or the
probability that a pixel has kept its class (categorical). A network is told of a level as `k / T`, in [0, 1].
"""

import math
from collections.abc import Callable, Sequence
from itertools import accumulate
from operator import mul
from typing import cast

import torch
from torch import Tensor, nn

__all__ = ["SCHEDULES", "Schedule", "cosine", "linear", "over"]


class Schedule(nn.Module):
    """The levels of noise of a diffusion; a module, so that its table lies where the method lies.

    Args:
        betas: `beta_1` to `beta_T`, each in (0, 1).

    Raises:
        ValueError: no level, or a `beta` out of its range.
    """

    def __init__(self, betas: Sequence[float]) -> None:
        super().__init__()
        if not betas or not all(0 < beta < 1 for beta in betas):
            raise ValueError("betas: expected at least one, each between 0 and 1")
        self.values = tuple(accumulate((1 - beta for beta in betas), mul, initial=1.0))
        # Float64: 1 - alpha_bar of the first levels would lose its digits. Not persistent: weights do not hold it.
        self.register_buffer("alpha_bar", torch.tensor(self.values, dtype=torch.float64), persistent=False)

    @property
    def levels(self) -> int:
        """The last level, `T`."""
        return len(self.values) - 1

    def at(self, k: Tensor) -> Tensor:
        """Return `alpha_bar_k` of the levels `k [N]` in 0 to T, `[N]` float64."""
        return cast(Tensor, self.alpha_bar)[k]

    def time(self, k: Tensor) -> Tensor:
        """Return what a network is told of the levels `k [N]`: `k / T`, `[N]` float32."""
        return k.float() / self.levels

    def draw(self, count: int, most: int | None = None) -> Tensor:
        """Draw so many levels from 1 to `most` (None: T) evenly, `[count]`, by torch's own generator."""
        device = cast(Tensor, self.alpha_bar).device
        return torch.randint(1, (most or self.levels) + 1, (count,), device=device)

    def strided(self, steps: int, first: int | None = None) -> list[int]:
        """Return the levels that a sampler of so many steps visits, from `first` (None: T) down to 0: `steps + 1`.

        They lie evenly, the nearest whole number each (Nichol and Dhariwal, ICML 2021, section 4).

        Raises:
            ValueError: fewer than one step, or more than there are levels.
        """
        first = self.levels if first is None else first
        if not 1 <= steps <= first:
            raise ValueError(f"steps: expected 1 to {first}, got {steps}")
        return [round(first * (steps - step) / steps) for step in range(steps + 1)]


def linear(levels: int, first: float = 1e-4, last: float = 0.02) -> Schedule:
    """Return betas from `first` to `last` in equal steps (Ho et al., NeurIPS 2020), meant for 1,000 levels.

    Of other numbers of levels they are scaled by `1000 / T`, so that `alpha_bar` falls alike (at most .999).
    """
    scale = 1000 / levels
    spaced = [first + (last - first) * number / max(levels - 1, 1) for number in range(levels)]
    return Schedule([min(beta * scale, 0.999) for beta in spaced])


def cosine(levels: int, offset: float = 0.008, most: float = 0.999) -> Schedule:
    r"""Return `alpha_bar_k = f(k / T) / f(0)`, `f(t) = cos^2((t + s) / (1 + s) pi / 2)` (Nichol and Dhariwal, eq. 17).

    Args:
        levels: `T`.
        offset: `s`.
        most: the largest `beta`.
    """
    f = [math.cos((number / levels + offset) / (1 + offset) * math.pi / 2) ** 2 for number in range(levels + 1)]
    return Schedule([min(1 - f[number + 1] / f[number], most) for number in range(levels)])


SCHEDULES: dict[str, Callable[[int], Schedule]] = {"cosine": cosine, "linear": linear}


def over(value: Tensor | float, x: Tensor) -> Tensor:
    """Return `value [N]` in float64 with as many axes as `x [N, ...]`; a number without axes, wherever `x` lies."""
    known = torch.as_tensor(value, dtype=torch.float64)
    return known.reshape(-1, *[1] * (x.dim() - 1)) if known.dim() else known
