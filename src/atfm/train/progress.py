"""`Progress`: how far a training is; `Pace`: how fast it goes, and how long the rest takes."""

import time
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Pace", "Progress"]


@dataclass(frozen=True)
class Progress:
    """Where a training stands: told after every step.

    Args:
        stage: its name.
        step: steps made in all.
        total: steps of all stages together.
        losses: of this step; None where they were not asked for.
        images_per_second: of this stage, of all processes together, since it began or went on.
        seconds_left: until the last step that is to be made now; of later stages as if an image took as long in them.
        skipped: steps that were left out because they were not finite, as far as is known.
        validation: scores, if this step was validated.
        saved: whether a checkpoint was written.
    """

    stage: str
    step: int
    total: int
    losses: dict[str, float] | None
    images_per_second: float
    seconds_left: float
    skipped: int
    validation: dict[str, float] | None
    saved: bool


class Pace:
    """The clock of a stage, read only where the device was waited for anyway.

    Between two readings it would show what was asked of the device, not what that has done.

    Args:
        batch: images in a step.
        now: seconds, counted from whenever.
    """

    def __init__(self, batch: int, now: Callable[[], float] = time.perf_counter) -> None:
        self.batch, self._now, self._since = batch, now, now()
        self._readings, self._steps, self._seconds = 0, 0, 0.0
        self._all, self._aside = 0, 0.0

    def read(self, steps: int) -> None:
        """Take the time of the steps made since the last reading.

        The first reading counts until there is another: first steps look for memory and choose kernels.
        """
        seconds = self._lap()
        self._readings += 1
        if self._readings <= 2:
            self._steps, self._seconds = steps, seconds
        else:
            self._steps, self._seconds = self._steps + steps, self._seconds + seconds
        self._all += steps

    def set_aside(self) -> None:
        """Leave the time since the last reading out of the steps': it went into validating and saving."""
        self._aside += self._lap()

    @property
    def images_per_second(self) -> float:
        """Of the steps alone; 0 before the first reading."""
        return self._steps * self.batch / self._seconds if self._seconds else 0.0

    def seconds_for(self, images: int) -> float:
        """Return how long so many images take, validating and saving as often as so far; 0 before the first reading."""
        if not self._seconds:
            return 0.0
        return images / self.images_per_second + images * self._aside / (self._all * self.batch)

    def _lap(self) -> float:
        since, self._since = self._since, self._now()
        return self._since - since
