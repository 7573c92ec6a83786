r"""Gaussian diffusion: the forward marginal, its posterior, and the losses.

    q(x_k | x_0)      = N( sqrt(ab_k) x_0, 1 - ab_k )                                            (Ho et al. 2020, eq. 4)
    q(x_j | x_k, x_0) = N( sqrt(ab_j) (1 - a) / (1 - ab_k) x_0 + sqrt(a) (1 - ab_j) / (1 - ab_k) x_k,
                           (1 - ab_j) (1 - a) / (1 - ab_k) ),      a = ab_k / ab_j,  j < k        (eq. 6 and 7, any j)

with `ab = alpha_bar`. Levels `j` that are not `k - 1` make a strided chain. Numbers of the schedule are float64, and
tensors keep their own type.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from atfm.diffusion.schedule import over
from atfm.nn.precision import in_float32

__all__ = ["Normal", "diffuse", "from_noise", "learned_variance", "masked_mean", "normal_kl", "posterior", "to_noise"]


class Normal(NamedTuple):
    """A normal distribution of independent numbers; `variance` broadcasts against `mean [N, ...]`."""

    mean: Tensor
    variance: Tensor


def diffuse(x_0: Tensor, noise: Tensor, alpha_bar: Tensor | float) -> Tensor:
    """Return `x_k` of `x_0 [N, ...]` for standard normal noise of its shape and `alpha_bar_k`, one number or `[N]`."""
    ab = over(alpha_bar, x_0)
    return ab.sqrt().to(x_0.dtype) * x_0 + (1 - ab).sqrt().to(x_0.dtype) * noise


def from_noise(x_k: Tensor, noise: Tensor, alpha_bar: Tensor | float) -> Tensor:
    """Return the `x_0` that gives `x_k` with this noise; not clipped."""
    ab = over(alpha_bar, x_k)
    return (x_k - (1 - ab).sqrt().to(x_k.dtype) * noise) / ab.sqrt().to(x_k.dtype)


def to_noise(x_k: Tensor, x_0: Tensor, alpha_bar: Tensor | float) -> Tensor:
    """Return the noise that makes `x_k` of `x_0`, at a level `k >= 1`."""
    ab = over(alpha_bar, x_k)
    return (x_k - ab.sqrt().to(x_k.dtype) * x_0) / (1 - ab).sqrt().to(x_k.dtype)


def posterior(x_k: Tensor, x_0: Tensor, ab_j: Tensor | float, ab_k: Tensor | float) -> Normal:
    """Return `q(x_j | x_k, x_0)`; at `j = 0` all of it lies at `x_0`.

    Args:
        x_k: the state, `[N, ...]`.
        x_0: likewise.
        ab_j: `alpha_bar` of the level `j < k`, a number or `[N]`.
        ab_k: of the level `k`, likewise.
    """
    ab_j, ab_k = over(ab_j, x_k), over(ab_k, x_k)
    a = ab_k / ab_j
    of_x_0, of_x_k = ab_j.sqrt() * (1 - a) / (1 - ab_k), a.sqrt() * (1 - ab_j) / (1 - ab_k)
    variance = (1 - ab_j) * (1 - a) / (1 - ab_k)
    mean = of_x_0.to(x_k.dtype) * x_0 + of_x_k.to(x_k.dtype) * x_k
    return Normal(mean, variance.to(x_k.dtype))


def learned_variance(share: Tensor, ab_j: Tensor | float, ab_k: Tensor | float) -> Tensor:
    r"""Return `exp( v log beta + (1 - v) log beta~ )` (Nichol and Dhariwal, eq. 15) for `v = (share + 1) / 2`.

    `beta = 1 - ab_k / ab_j` and `beta~`, the posterior's variance, are the largest and the least that are sensible. At
    `j = 0`, where the least is 0, the largest takes its place.
    """
    ab_j, ab_k = over(ab_j, share), over(ab_k, share)
    most = 1 - ab_k / ab_j
    least = torch.where(ab_j < 1, (1 - ab_j) * most / (1 - ab_k), most)
    v = (share + 1) / 2
    return torch.exp(v * most.log().to(share.dtype) + (1 - v) * least.log().to(share.dtype))


def normal_kl(p: Normal, q: Normal) -> Tensor:
    """Return `KL(p || q)` number by number, in nats, of the shape of the means."""
    ratio = p.variance / q.variance
    return 0.5 * (ratio - 1 - ratio.log() + (p.mean - q.mean).square() / q.variance)


def negative_log_density(x: Tensor, normal: Normal) -> Tensor:
    """Return `-log N(x)` number by number, in nats."""
    away = (x - normal.mean).square() / normal.variance
    return 0.5 * (math.log(2 * math.pi) + normal.variance.log() + away)


@in_float32
def masked_mean(values: Tensor, said: Tensor | None = None) -> Tensor:
    """Return the mean of `values [N, C, *spatial]`, a scalar.

    Args:
        values: a loss of each number.
        said: `[N, *spatial]` bool, the pixels that count; None: all. Where none does the mean is 0.
    """
    if said is None:
        return values.mean()
    return torch.where(said, values.mean(1), 0.0).sum() / said.sum().clamp_min(1)
