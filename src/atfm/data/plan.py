"""`Plan`: which cases each step of a training sees, and how each is augmented: functions of (seed, stage, step) alone.

So a training that is resumed begins in the middle of an epoch without reading what came before, and however many
processes read ahead, each step sees the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from atfm.data.augment import Augmentation, AugmentationRange, draw
from atfm.seeding import step_generator

__all__ = ["Plan"]


@dataclass(frozen=True)
class Plan:
    """The steps of one stage; call it with the number of a step.

    Args:
        seed: of the training.
        stage: its name.
        cases: how many there are.
        batch: images in a step; where there are fewer cases, some come twice.
        limits: what may be drawn.
        window: spatial size of what a step sees.
    """

    seed: int
    stage: str
    cases: int
    batch: int
    limits: AugmentationRange
    window: Sequence[int]
    _orders: dict[int, Tensor] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __call__(self, step: int) -> tuple[Tensor, Augmentation]:
        """The numbers of the cases, `[B]`, and their augmentation, both on the CPU."""
        epoch, position = divmod(step * self.batch, self.cases)
        order = self._order(epoch)[position : position + self.batch]
        if len(order) < self.batch:
            order = torch.cat([order, self._order(epoch + 1)[: self.batch - len(order)]])
        while len(order) < self.batch:  # fewer cases than a batch holds
            order = torch.cat([order, order])[: self.batch]
        return order, draw(self.limits, self.batch, step_generator(self.seed, self.stage, step, "augment"), self.window)

    def _order(self, epoch: int) -> Tensor:
        """The cases in the order of one epoch; that of the epoch before is kept too, where a batch spans both."""
        if epoch not in self._orders:
            for other in [other for other in self._orders if other < epoch - 1 or other > epoch + 1]:
                del self._orders[other]
            generator = step_generator(self.seed, self.stage, epoch, "order")
            self._orders[epoch] = torch.randperm(self.cases, generator=generator)
        return self._orders[epoch]
