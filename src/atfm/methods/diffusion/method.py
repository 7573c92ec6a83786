"""What the methods of diffusion share: a network that reads images once, the levels of noise, and a single stage."""

from collections.abc import Sequence

from torch import Tensor

from atfm.diffusion.denoiser import Denoiser
from atfm.diffusion.schedule import Schedule
from atfm.flow.field import FieldNetwork
from atfm.methods.method import Frame, Method, Stage
from atfm.nn.blocks import pixel_unshuffle

__all__ = ["DiffusionMethod"]


class DiffusionMethod(Method):
    """A method whose network sees a noisy mask, its level and the image.

    Args:
        frame: what it looks at and what it draws.
        network: of a state, a time and what is known of the image.
        schedule: of the noise.
        steps: levels that are visited when sampling.
        readers: of each image that a training step sees.
        most: the largest number of steps; None: as many as there are levels.
        chunk: samples that pass through the network at a time; bounds memory, changes nothing else.
    """

    steps: int
    most: int

    def __init__(
        self,
        frame: Frame,
        network: FieldNetwork,
        schedule: Schedule,
        *,
        steps: int,
        readers: int = 1,
        most: int | None = None,
        chunk: int = 64,
    ) -> None:
        super().__init__(frame)
        self.network, self.schedule = network, schedule
        self.steps, self.readers, self.most, self.chunk = steps, readers, most or schedule.levels, chunk

    def stages(self) -> list[Stage]:
        return [Stage("diffusion", self, self, self.loss)]

    def context(self, window: Tensor) -> Tensor:
        """Read the image once: `[B, C_in, *window]` in [0, 1], told as [-1, 1], to `[B, w, *grid]`."""
        return self.network.context(pixel_unshuffle(2 * window - 1, self.network.patch))

    def denoiser(self, context: Tensor) -> Denoiser:
        """Return the network for samples of images with this context."""
        return Denoiser(self.network, context, self.schedule, self.chunk)

    def several(self, context: Tensor) -> Tensor:
        """Return the context of each reading of a step, `[B P, w, *grid]`."""
        return context.repeat_interleave(self.readers, 0)

    def path(self) -> Sequence[int]:
        """The levels that sampling visits, from noise down to 0."""
        return self.schedule.strided(self.steps)
