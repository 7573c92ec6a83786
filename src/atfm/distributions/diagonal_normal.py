r"""A normal distribution with independent components: the latent variables of variational autoencoders.

KL(q || p) = sum_i log(s_p / s_q) + ( s_q^2 + (m_q - m_p)^2 ) / (2 s_p^2) - 1/2
"""

from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["DiagonalNormal"]


@dataclass(frozen=True)
class DiagonalNormal:
    """`N(mean, deviation^2)` for each of `N` rows, over components of any shape.

    Args:
        mean: `[N, *event]` float32.
        deviation: `[N, *event]` float32, above 0.
    """

    mean: Tensor
    deviation: Tensor

    def from_noise(self, noise: Tensor) -> Tensor:
        """Return the sample `mean + deviation * noise` of standard normal noise, `[N, *event]`."""
        return self.mean + self.deviation * noise

    def rsample(self) -> Tensor:
        """Draw with torch's own randomness, differentiable in both parameters, `[N, *event]`."""
        # Not `randn_like`, whose numbers would lie as the mean does in memory, channels last or not.
        noise = torch.randn(self.mean.shape, dtype=self.mean.dtype, device=self.mean.device)
        return self.from_noise(noise)

    def divergence(self, other: "DiagonalNormal") -> Tensor:
        """Return `KL(self || other)` in nats, `[N]`: the sum over all components."""
        ratio = self.deviation / other.deviation
        shift = (self.mean - other.mean) / other.deviation
        return (0.5 * (ratio.square() + shift.square() - 1) - ratio.log()).flatten(1).sum(1)

    def __getitem__(self, rows: Tensor | slice) -> "DiagonalNormal":
        return DiagonalNormal(self.mean[rows], self.deviation[rows])
