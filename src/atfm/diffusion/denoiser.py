"""`Denoiser`: a conditional network as a function of the state and the level, for the samples of several images."""

from collections.abc import Callable

import torch
from torch import Tensor

from atfm.diffusion.schedule import Schedule

__all__ = ["Denoiser"]


class Denoiser:
    """What a network says of `x [B S, C, *spatial]` at a level, a few samples at a time.

    Args:
        network: `(x [N, C, *spatial], time [1], context [N or 1, w, *grid])` to its output, `[N, ...]`.
        context: what is known of each image, `[B, w, *grid]`.
        schedule: whose levels are meant.
        chunk: samples that pass through at a time; bounds memory, changes nothing else.
    """

    def __init__(
        self, network: Callable[[Tensor, Tensor, Tensor], Tensor], context: Tensor, schedule: Schedule, chunk: int
    ) -> None:
        self.network, self.context, self.schedule, self.chunk = network, context, schedule, chunk

    def __call__(self, x: Tensor, k: int) -> Tensor:
        """Return the network's output for the samples `x`, those of one image after those of another, at level `k`."""
        time = x.new_full((1,), k / self.schedule.levels)  # all rows share it
        images = torch.arange(len(self.context), device=x.device).repeat_interleave(len(x) // len(self.context))
        parts = []
        for some, rows in zip(x.split(self.chunk), images.split(self.chunk), strict=True):
            parts.append(self.network(some, time, self.context if len(self.context) == 1 else self.context[rows]))
        return torch.cat(parts)
