"""What the configurations of methods with latent variables share."""

import math

from pydantic import Field

from atfm.errors import ConfigError
from atfm.methods.config import Levels, MethodConfig
from atfm.methods.method import Frame

__all__ = ["LatentConfig"]


class LatentConfig(MethodConfig):
    """Latent variables: networks whose levels halve the resolution, and the readers of a step."""

    widths: Levels = Field((32, 64, 128, 192), min_length=2, description="channels of the levels, finest first")
    readers: int = Field(1, ge=1, le=64, description="readers of each image that a step sees")

    def check(self, frame: Frame, *, normalised: bool) -> None:
        """Refuse what the method cannot look at.

        Args:
            frame: what is looked at.
            normalised: the features of the coarsest level are normalised, which one position alone cannot be.

        Raises:
            ConfigError: images larger than what was trained on; levels that halve a single position.
        """
        if frame.slides:
            raise ConfigError(
                f"field 'crop': {self.name} draws its latent variables for an image as a whole, and crops show parts "
                "of one; leave crop out, or take a window"
            )
        stride = 2 ** (len(self.widths) - (1 if normalised else 2))
        if math.prod(math.ceil(side / stride) for side in frame.window) < 2:
            raise ConfigError(
                f"field 'method.widths': so many levels leave a single position of {list(frame.window)} pixels"
                f"{'' if normalised else ' before the last'}; take fewer"
            )
