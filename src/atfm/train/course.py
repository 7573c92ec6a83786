"""`Course`: the steps of a training's stages, one stage after the other."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from atfm.methods.config import StageConfig

__all__ = ["Course", "Leg"]


class Leg(NamedTuple):
    """A stage of it.

    Args:
        stage: its name.
        first, last: it makes the steps `first` to `last - 1`, counted through all stages.
        batch: images in each.
    """

    stage: str
    first: int
    last: int
    batch: int


class Course:
    """Where the steps of each stage lie.

    Args:
        stages: names, in order.
        plans: of each, how it is trained.
        ended: stages that came to their end early, with the steps that they made.
    """

    def __init__(self, stages: Sequence[str], plans: Mapping[str, StageConfig], ended: Mapping[str, int]) -> None:
        self.legs = list(_legs(stages, plans, ended))

    @property
    def total(self) -> int:
        """Steps of all stages together."""
        return self.legs[-1].last

    def of(self, stage: str) -> Leg:
        """The stage of a name."""
        return next(leg for leg in self.legs if leg.stage == stage)

    def after(self, done: int) -> str:
        """The stage that the step after so many belongs to; of the last step the last one."""
        return next((leg.stage for leg in self.legs if done < leg.last), self.legs[-1].stage)

    def made(self, step: int, stage: str) -> bool:
        """Whether the stage has made a step, and no later one has, once so many were made in all."""
        return any(leg.stage == stage and leg.first < step <= leg.last for leg in self.legs)

    def images(self, begin: int, end: int) -> int:
        """Images of the steps `begin` to `end - 1`."""
        return sum(leg.batch * max(0, min(leg.last, end) - max(leg.first, begin)) for leg in self.legs)


def _legs(stages: Sequence[str], plans: Mapping[str, StageConfig], ended: Mapping[str, int]) -> Iterator[Leg]:
    first = 0
    for name in stages:
        last = first + ended.get(name, plans[name].steps)
        yield Leg(name, first, last, plans[name].batch)
        first = last
