"""The exponential moving average of weights."""

import torch
from torch import Tensor, nn

__all__ = ["Average"]


class Average:
    """`w <- d w + (1 - d) v` after every step, with `d = min(decay, (1 + step) / (10 + step))` an early start.

    Args:
        module: the weights `v` that are trained.
        decay: `d`, 0 keeps the last weights themselves.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay = decay
        self.weights = {name: value.detach().clone() for name, value in module.state_dict().items()}

    @torch.no_grad()
    def update(self, module: nn.Module, step: int) -> None:
        """Take in the weights after `step` (counted from 0)."""
        decay = min(self.decay, (1 + step) / (10 + step))
        for name, value in module.state_dict().items():
            self.weights[name].lerp_(value, 1 - decay)

    def tensors(self, prefix: str) -> dict[str, Tensor]:
        """Return the averaged weights under names that begin with `prefix`."""
        return {prefix + name: value for name, value in self.weights.items()}
