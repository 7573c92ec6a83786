"""The exponential moving average of weights, by torch's own averaged model."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

__all__ = ["averaged"]


def averaged(module: nn.Module, decay: float, updates: int = 0) -> AveragedModel:
    """Return a copy of `module` that follows it by `w <- d w + (1 - d) v` at every `update_parameters`.

    `d = min(decay, (1 + n) / (10 + n))` after `n` updates, an early start; the first update takes over the weights.
    Buffers are averaged too; whole numbers, such as BatchNorm's count of batches, are taken over as they are.

    Args:
        module: the weights `v` that are trained.
        decay: the largest `d`; 0 keeps the last weights themselves.
        updates: how many there were before, of a training that goes on.
    """

    def follow(kept: Any, current: Any, count: Tensor | int) -> None:
        if not kept[0].is_floating_point():
            torch._foreach_copy_(kept, current)
            return
        n = int(average.n_averaged)  # not `count`, which lies on the device: to ask for it would wait for the step
        torch._foreach_lerp_(kept, current, 1 - min(decay, (1 + n) / (10 + n)))

    average = AveragedModel(module, multi_avg_fn=follow, use_buffers=True)
    average.n_averaged = torch.tensor(updates)
    average.requires_grad_(False)
    return average
