r"""Categorical diffusion: the forward marginal, its posterior, and the posterior of a prediction.

    q(x_k | x_0)      = Cat( ab_k x_0 + (1 - ab_k) / K )                        (Hoogeboom et al., NeurIPS 2021, eq. 12)
    q(x_j | x_k, x_0) = Cat( u w / sum(u w) ),                                  (eq. 13, any j < k)
                        u = a x_k + (1 - a) / K,  w = ab_j x_0 + (1 - ab_j) / K,  a = ab_k / ab_j
    p(x_j | x_k)      = sum_c q(x_j | x_k, x_0 = c) p_c                         (CCDM, Zbinden et al., ICCV 2023)

with `ab = alpha_bar`, `K` categories, and masks one-hot, `[N, K, *spatial]`. Of the last sum nothing has to be
enumerated: `u` sums to 1, so that of `x_0 = c` the normaliser is `Z_c = ab_j u_c + (1 - ab_j) / K` and

    p(x_j = i | x_k) = u_i ( ab_j p_i / Z_i + (1 - ab_j) / K sum_c p_c / Z_c ).
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from atfm.diffusion.schedule import over
from atfm.nn.precision import in_float32

__all__ = ["categorical_kl", "marginal", "pick", "posterior", "predicted"]


@in_float32
def marginal(x_0: Tensor, alpha_bar: Tensor | float) -> Tensor:
    """Return the probabilities of `q(x_k | x_0)`; a row of equal shares `1 / K`, of which nothing is known, stays one.

    Args:
        x_0: `[N, K, *spatial]`, one-hot or shares that sum to 1.
        alpha_bar: `alpha_bar_k`, a number or `[N]`.
    """
    ab = over(alpha_bar, x_0).to(x_0.dtype)
    return ab * x_0 + (1 - ab) / x_0.shape[1]


@in_float32
def posterior(x_k: Tensor, x_0: Tensor, ab_j: Tensor | float, ab_k: Tensor | float) -> Tensor:
    """Return the probabilities of `q(x_j | x_k, x_0)`, `[N, K, *spatial]`, of one-hot `x_k` and `x_0`."""
    joint = _kept(x_k, ab_j, ab_k) * marginal(x_0, ab_j)
    return joint / joint.sum(1, keepdim=True)


@in_float32
def predicted(x_k: Tensor, p_0: Tensor, ab_j: Tensor | float, ab_k: Tensor | float) -> Tensor:
    """Return the probabilities of `p(x_j | x_k)` for those of `x_0`, `p_0 [N, K, *spatial]`; at `j = 0` it is these."""
    u = _kept(x_k, ab_j, ab_k)
    weighted = p_0 / marginal(u, ab_j)  # p_c / Z_c
    ab = over(ab_j, x_k).to(u.dtype)
    return u * (ab * weighted + (1 - ab) / u.shape[1] * weighted.sum(1, keepdim=True))


def _kept(x_k: Tensor, ab_j: Tensor | float, ab_k: Tensor | float) -> Tensor:
    """`u`, the likelihood of each `x_j` for the given `x_k`."""
    return marginal(x_k, torch.as_tensor(ab_k, dtype=torch.float64) / ab_j)


@in_float32
def categorical_kl(p: Tensor, q: Tensor, least: float = 1e-12) -> Tensor:
    """Return `KL(p || q)` of probabilities `[N, K, *spatial]`, `[N, 1, *spatial]` in nats; 0 log 0 is 0."""
    return (torch.xlogy(p, p) - p * q.clamp_min(least).log()).sum(1, keepdim=True)


@in_float32
def pick(probabilities: Tensor, uniform: Tensor) -> Tensor:
    """Return one-hot samples of probabilities `[N, K, *spatial]` for numbers in [0, 1), `[N, *spatial]`.

    The class is the first whose cumulative probability exceeds the number: one number for each pixel, whatever `K` is.
    """
    passed = uniform.unsqueeze(1) >= probabilities.cumsum(1)[:, :-1]  # [N, K - 1, *spatial]
    chosen = F.one_hot(passed.sum(1), probabilities.shape[1])  # [N, *spatial, K]
    return chosen.movedim(-1, 1).to(probabilities.dtype)
