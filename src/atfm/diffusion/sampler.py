r"""The way back from noise to a mask along levels `T = k_0 > k_1 > ... > 0` of `Schedule.strided`.

A sampler asks `predict` what `x_0` is, at each level, and moves on to the next one; at the last it returns what was
predicted. Its noise is given, a slice for each step but the last, so that it is a pure function of tensors.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Protocol

from torch import Tensor

from atfm.diffusion.gaussian import diffuse, posterior, to_noise
from atfm.diffusion.multinomial import pick, predicted
from atfm.diffusion.schedule import Schedule

__all__ = ["Predict", "ancestral", "categorical", "ddim"]


class Predict(Protocol):
    """What `x_0` seems to be from `x [N, C, *spatial]` at level `k`, on the way to level `j`."""

    def __call__(self, x: Tensor, k: int, j: int) -> tuple[Tensor, Tensor | None]:
        """Return `x_0` and the variance of the step to `x_j`; None: the posterior's own."""


def ancestral(predict: Predict, x: Tensor, schedule: Schedule, levels: Sequence[int], noise: Tensor) -> Tensor:
    """Draw each level from `p(x_j | x_k) = q(x_j | x_k, x_0 = predicted)` (DDPM; Ho et al. 2020, algorithm 2).

    Args:
        predict: see `Predict`.
        x: the start, at level `levels[0]`, `[N, C, *spatial]`.
        schedule: of the noise.
        levels: from the start to 0.
        noise: standard normal, `[N, len(levels) - 2, C, *spatial]`.

    Returns:
        The `x_0` that is predicted at the last level above 0.
    """
    for step, (k, j) in enumerate(pairwise(levels)):
        x_0, variance = predict(x, k, j)
        if j == 0:
            return x_0
        mean, own = posterior(x, x_0, schedule.values[j], schedule.values[k])
        x = mean + (own if variance is None else variance).sqrt() * noise[:, step]
    return x


def ddim(
    predict: Callable[[Tensor, int, Tensor | None], Tensor], x: Tensor, schedule: Schedule, levels: Sequence[int]
) -> tuple[Tensor, Tensor | None]:
    """Follow the deterministic path `x_j = sqrt(ab_j) x_0 + sqrt(1 - ab_j) eps` (Song et al., ICLR 2021, eq. 12).

    Args:
        predict: `x_0` from `x`, its level, and what was predicted at the level before (None at the first).
        x: the start, `[N, C, *spatial]`.
        schedule: of the noise.
        levels: from the start down.

    Returns:
        The state at the last level, at 0 the mask, and the `x_0` that was predicted on the way there; None of no step.
    """
    x_0: Tensor | None = None
    for k, j in pairwise(levels):
        x_0 = predict(x, k, x_0)
        x = diffuse(x_0, to_noise(x, x_0, schedule.values[k]), schedule.values[j])
    return x, x_0


def categorical(
    predict: Callable[[Tensor, int], Tensor], x: Tensor, schedule: Schedule, levels: Sequence[int], uniform: Tensor
) -> Tensor:
    """Draw each level from `p(x_j | x_k) = sum_c q(x_j | x_k, c) p_c` (CCDM, Zbinden et al., ICCV 2023).

    Args:
        predict: probabilities `p` of `x_0`, `[N, K, *spatial]`, from a one-hot state and its level.
        x: the start, one-hot, `[N, K, *spatial]`.
        schedule: of the noise.
        levels: from the start to 0.
        uniform: in [0, 1), `[N, len(levels) - 2, *spatial]`.

    Returns:
        The probabilities of `x_0` that are predicted at the last level above 0.
    """
    for step, (k, j) in enumerate(pairwise(levels)):
        p_0 = predict(x, k)
        if j == 0:
            return p_0
        probabilities = predicted(x, p_0, schedule.values[j], schedule.values[k])
        x = pick(probabilities, uniform[:, step])
    return x
