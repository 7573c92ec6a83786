r"""`LowRankNormal`: a normal over whole masks of logits, with a low-rank plus diagonal covariance.

    X ~ N(mu, D D^T + L),    X = mu + D eps_R + sqrt(L) eps_N,    eps_R ~ N(0, I_R),  eps_N ~ N(0, I_N)

(ATFM, eq. 4; the form is that of Monteiro et al., "Stochastic Segmentation Networks", 2020.) With N = C * prod(spatial)
logits and R << N a sample costs O(N R) and needs neither a covariance nor a Cholesky factor. Densities do, but only
of the small capacitance K = I + D^T L^-1 D, built when first asked for:

    log det(D D^T + L) = log det K + log det L                  (matrix determinant lemma)
    (D D^T + L)^-1     = L^-1 - L^-1 D K^-1 D^T L^-1            (Woodbury identity)
"""

import math
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.distributions.kl import register_kl

__all__ = ["LowRankNormal"]


class LowRankNormal(Distribution):
    """The normal `N(mean, factor factor^T + diag(diagonal))` over events of shape `[C, *spatial]`.

    Args:
        mean: `[*batch, C, *spatial]`.
        factor: `[*batch, R, C, *spatial]`, the columns of `D`.
        diagonal: `[*batch, C, *spatial]`, variances, all > 0.
        event_dims: number of event axes, `1 + spatial_dims`.

    Raises:
        ValueError: shapes that do not belong together, or (with validation) a diagonal that is not positive.
    """

    arg_constraints: dict[str, constraints.Constraint] = {}  # noqa: RUF012 (torch's own contract)
    has_rsample = True

    def __init__(
        self, mean: Tensor, factor: Tensor, diagonal: Tensor, *, event_dims: int = 3, validate_args: bool = False
    ) -> None:
        split = mean.dim() - event_dims
        batch, event = mean.shape[:split], mean.shape[split:]
        if diagonal.shape != mean.shape:
            raise ValueError(f"diagonal: expected the shape of mean {list(mean.shape)}, got {list(diagonal.shape)}")
        if factor.dim() != mean.dim() + 1 or factor.shape[:split] != batch or factor.shape[split + 1 :] != event:
            raise ValueError(f"factor: expected [*{list(batch)}, R, *{list(event)}], got {list(factor.shape)}")
        if validate_args and not bool((diagonal > 0).all()):
            raise ValueError(f"diagonal: expected variances > 0, got a smallest value of {diagonal.min().item():.4g}")
        self.mean_, self.factor, self.diagonal = mean, factor, diagonal
        super().__init__(batch, event, validate_args=False)

    @property
    def support(self) -> constraints.Constraint:
        return constraints.independent(constraints.real, len(self.event_shape))

    @property
    def rank(self) -> int:
        """The rank `R` of the factor."""
        return self.factor.shape[len(self.batch_shape)]

    @property
    def mean(self) -> Tensor:
        return self.mean_

    @property
    def mode(self) -> Tensor:
        return self.mean_

    @property
    def variance(self) -> Tensor:
        return self.factor.square().sum(len(self.batch_shape)) + self.diagonal

    def expand(self, batch_shape: Sequence[int], _instance: Any = None) -> "LowRankNormal":
        shape, event = torch.Size(batch_shape), self.event_shape
        return LowRankNormal(
            self.mean_.expand(shape + event),
            self.factor.expand((*shape, self.rank, *event)),
            self.diagonal.expand(shape + event),
            event_dims=len(event),
        )

    # Sampling: one product of [S, R] with [R, N] for each element of the batch.

    def from_noise(self, low_rank: Tensor, pixel: Tensor) -> Tensor:
        """Return `mu + D eps_R + sqrt(L) eps_N` for given noise.

        Args:
            low_rank: `eps_R`, `[*batch, S, R]`.
            pixel: `eps_N`, `[*batch, S, C, *spatial]`.

        Returns:
            `[*batch, S, C, *spatial]`.
        """
        axis = len(self.batch_shape)
        correlated = torch.matmul(low_rank, self.factor.flatten(axis + 1))  # [*batch, S, N]
        correlated = correlated.unflatten(-1, self.event_shape)  # [*batch, S, C, *spatial]
        return torch.addcmul(correlated + self.mean_.unsqueeze(axis), pixel, self.diagonal.sqrt().unsqueeze(axis))

    def from_fields(self, fields: Iterable[Tensor], pixel: Tensor) -> Tensor:
        """Return `mu + sum_r D_r eps_r + sqrt(L) eps_N` where the noise of a column differs from place to place.

        Where `eps_r` is standard normal at every place, each logit is distributed as by `from_noise`; how two of them
        go together is the fields' to say.

        Args:
            fields: `eps_r` of the R columns in turn, `[*batch, S, *spatial]` each; no two of them are held at a time.
            pixel: `eps_N`, `[*batch, S, C, *spatial]`.

        Returns:
            `[*batch, S, C, *spatial]`.

        Raises:
            ValueError: more or fewer fields than columns.
        """
        axis = len(self.batch_shape)
        logits = torch.addcmul(self.mean_.unsqueeze(axis), pixel, self.diagonal.sqrt().unsqueeze(axis))
        for column, field in zip(self.factor.unbind(axis), fields, strict=True):  # [*batch, C, *spatial]
            logits = torch.addcmul(logits, column.unsqueeze(axis), field.unsqueeze(axis + 1))
        return logits

    def _draw(self, n: int, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
        options: dict[str, Any] = {"dtype": self.mean_.dtype, "device": self.mean_.device, "generator": generator}
        low_rank = torch.randn(*self.batch_shape, n, self.rank, **options)
        return low_rank, torch.randn(*self.batch_shape, n, *self.event_shape, **options)

    def rsample(self, sample_shape: Sequence[int] = (), *, generator: torch.Generator | None = None) -> Tensor:
        """Draw `[*sample_shape, *batch, C, *spatial]`, differentiable in all three parameters."""
        drawn = self.from_noise(*self._draw(math.prod(sample_shape), generator))
        axis = len(self.batch_shape)
        return drawn.movedim(axis, 0).unflatten(0, tuple(sample_shape)) if sample_shape else drawn.squeeze(axis)

    def antithetic(self, n: int, *, generator: torch.Generator | None = None) -> Tensor:
        """Draw `n` samples `[*batch, n, C, *spatial]` in pairs `mu + e, mu - e` (their mean is exactly `mu`).

        Raises:
            ValueError: an odd `n`.
        """
        if n % 2:
            raise ValueError(f"n: antithetic samples come in pairs, expected an even number, got {n}")
        low_rank, pixel = self._draw(n // 2, generator)
        axis = len(self.batch_shape)
        return self.from_noise(torch.cat([low_rank, -low_rank], axis), torch.cat([pixel, -pixel], axis))

    # Densities, through the capacitance.

    @cached_property
    def _scaled_factor(self) -> Tensor:
        """`L^-1/2 D` as rows, `[*batch, R, N]`."""
        axis = len(self.batch_shape)
        return (self.factor / self.diagonal.sqrt().unsqueeze(axis)).flatten(axis + 1)

    @cached_property
    def _capacitance_root(self) -> Tensor:
        """The Cholesky factor of `K = I + D^T L^-1 D`, `[*batch, R, R]`."""
        gram = self._scaled_factor @ self._scaled_factor.mT
        return torch.linalg.cholesky(gram + torch.eye(self.rank, dtype=gram.dtype, device=gram.device))

    def _log_det(self) -> Tensor:
        roots = self._capacitance_root.diagonal(dim1=-2, dim2=-1).log().sum(-1)
        return 2 * roots + self.diagonal.flatten(len(self.batch_shape)).log().sum(-1)

    def _mahalanobis(self, difference: Tensor) -> Tensor:
        scaled = (difference / self.diagonal.sqrt()).flatten(-len(self.event_shape))  # [..., N]
        projected = (self._scaled_factor @ scaled.unsqueeze(-1)).squeeze(-1)  # [..., R]
        solved = torch.linalg.solve_triangular(self._capacitance_root, projected.unsqueeze(-1), upper=False)
        return scaled.square().sum(-1) - solved.squeeze(-1).square().sum(-1)

    def log_prob(self, value: Tensor) -> Tensor:
        size = self.event_shape.numel()
        return -0.5 * (size * math.log(2 * math.pi) + self._log_det() + self._mahalanobis(value - self.mean_))

    def entropy(self) -> Tensor:
        return 0.5 * (self.event_shape.numel() * (1 + math.log(2 * math.pi)) + self._log_det())


@register_kl(LowRankNormal, LowRankNormal)
def _kl(p: LowRankNormal, q: LowRankNormal) -> Tensor:
    """`KL(p || q) = (tr(S_q^-1 S_p) + d^T S_q^-1 d - N + log det S_q - log det S_p) / 2`, in O(N R^2)."""
    axis = len(q.batch_shape)
    root = torch.linalg.solve_triangular(q._capacitance_root, q._scaled_factor, upper=False)  # [*batch, R_q, N]
    scaled = (p.factor / q.diagonal.sqrt().unsqueeze(axis)).flatten(axis + 1)  # [*batch, R_p, N]
    ratio = (p.diagonal / q.diagonal).flatten(axis)  # [*batch, N]
    trace = ratio.sum(-1) + scaled.square().sum((-2, -1))
    trace = trace - (root.square() * ratio.unsqueeze(-2)).sum((-2, -1)) - (root @ scaled.mT).square().sum((-2, -1))
    distance = q._mahalanobis(p.mean_ - q.mean_)
    return 0.5 * (trace + distance - q.event_shape.numel() + q._log_det() - p._log_det())
