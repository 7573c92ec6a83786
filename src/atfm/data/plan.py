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
    """The steps of one stage; call it with the number of a step, and of a part of its batch.

    Args:
        seed: of the training.
        stage: its name.
        cases: how many there are.
        batch: images in a step.
        limits: what may be drawn.
        window: spatial size of what a step sees.
        parts: equal parts of a batch, which are asked for one by one.
    """

    seed: int
    stage: str
    cases: int
    batch: int
    limits: AugmentationRange
    window: Sequence[int]
    parts: int = 1
    _orders: dict[int, Tensor] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __call__(self, step: int, part: int = 0) -> tuple[Tensor, Augmentation]:
        """The numbers of the cases of a part, `[B / parts]`, and their augmentation, both on the CPU."""
        drawn = draw(self.limits, self.batch, step_generator(self.seed, self.stage, step, "augment"), self.window)
        rows = slice(part * self.batch // self.parts, (part + 1) * self.batch // self.parts)
        return self._chosen(step)[rows], drawn.rows(rows)

    def _chosen(self, step: int) -> Tensor:
        """The cases of a step: every epoch has another order, and no case comes twice before all have come."""
        chosen: list[Tensor] = []
        epoch, position = divmod(step * self.batch, self.cases)
        missing = self.batch
        while missing:
            chosen.append(self._order(epoch)[position : position + missing])
            missing -= len(chosen[-1])
            epoch, position = epoch + 1, 0
        return torch.cat(chosen)

    def _order(self, epoch: int) -> Tensor:
        """The cases in the order of one epoch; its neighbours are kept too, as a batch may span several."""
        if epoch not in self._orders:
            for other in [other for other in self._orders if abs(other - epoch) > 1]:
                del self._orders[other]
            generator = step_generator(self.seed, self.stage, epoch, "order")
            self._orders[epoch] = torch.randperm(self.cases, generator=generator)
        return self._orders[epoch]
