r"""GECO: the smallest KL divergence with which masks are still reconstructed well enough (Rezende and Viola, 2018).

    min KL( q || p )    such that    C = E[ cross-entropy of a pixel ] - kappa <= 0

By a multiplier that grows while the constraint is broken and shrinks while it is kept (algorithm 1):

    L = KL + lambda n C_t,    C_t = a C_{t - 1} + (1 - a) C,    log lambda <- log lambda + rate C_t

with `n` pixels of an image that count, so that the value is that of sums over pixels, and gradient through `C` alone,
in place of its moving average `C_t`. The multiplier moves by nats of a pixel, whatever the size of the image.
"""

from typing import cast

import torch
from torch import Tensor

from atfm.nn.precision import in_float32
from atfm.nn.running import Running

__all__ = ["GECO"]

_LOG = 10.0  # largest logarithm of the multiplier, either way


class GECO(Running):
    """A constraint with its moving average and its multiplier, which both move once a training step.

    Args:
        kappa: largest mean cross-entropy of a pixel that counts, in nats.
        decay: `a`, of the moving average.
        rate: of the multiplier.
    """

    def __init__(self, kappa: float = 0.05, decay: float = 0.99, rate: float = 0.01) -> None:
        super().__init__()
        self.kappa, self.decay, self.rate = kappa, decay, rate
        self.register_buffer("log_multiplier", torch.zeros(()))
        self.register_buffer("average", torch.zeros(()))  # (1 - a) sum_s a^(t - s) C_s
        self.register_buffer("steps", torch.zeros((), dtype=torch.long))

    @in_float32
    def forward(self, reconstruction: Tensor, pixels: Tensor | float) -> Tensor:
        """Return `lambda n C_t`, a scalar whose gradient is that of `lambda n C`.

        Args:
            reconstruction: mean cross-entropy of the pixels that count, a scalar in nats.
            pixels: `n`, how many of an image count, on average.
        """
        constraint = reconstruction - self.kappa
        average, steps = cast(Tensor, self.average), cast(Tensor, self.steps)
        with torch.no_grad():
            after = self.decay * average + (1 - self.decay) * constraint
            following = after / (1 - self.decay ** (steps + 1))  # of the first steps it is their mean, as Adam has it
            multiplier = cast(Tensor, self.log_multiplier).exp()
        value = multiplier * pixels * (constraint + (following - constraint).detach())
        if self.training:
            self._move(after, following)
        return value

    @torch.no_grad()
    def _move(self, after: Tensor, following: Tensor) -> None:
        log_multiplier = cast(Tensor, self.log_multiplier)
        log_multiplier.add_(self.rate * following).clamp_(-_LOG, _LOG)
        cast(Tensor, self.average).copy_(after)
        cast(Tensor, self.steps).add_(1)
