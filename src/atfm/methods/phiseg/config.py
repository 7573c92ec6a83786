"""The configuration of PHiSeg."""

from typing import Literal

from pydantic import Field

from atfm.errors import ConfigError
from atfm.methods.config import Blocks
from atfm.methods.latent.config import LatentConfig
from atfm.methods.method import Frame
from atfm.methods.phiseg.method import PHiSeg
from atfm.methods.phiseg.network import PHiSegNetwork
from atfm.nn.plain import Layers, Norm

__all__ = ["PHiSegConfig"]


class PHiSegConfig(LatentConfig):
    """PHiSeg."""

    name: Literal["phiseg"] = "phiseg"
    convs: Blocks = Field(3, description="convolutions on each level on the way down")
    norm: Norm = Field("group", description="after each convolution")
    levels: int = Field(3, ge=1, le=12, description="levels with latent variables, the coarsest ones")
    latents: int = Field(2, ge=1, le=1024, description="latent maps on each of them")
    beta: float = Field(1.0, ge=0, description="weight of the KL divergence of the finest latent level")
    growth: float = Field(4.0, gt=0, description="how much more the KL divergence of each coarser level weighs")

    def build(self, frame: Frame) -> PHiSeg:
        self.check(frame, normalised=self.norm != "none")
        if self.levels > len(self.widths):
            raise ConfigError(
                f"field 'method.levels': {self.levels} of the {len(self.widths)} levels in method.widths cannot have "
                f"latent variables; take at most {len(self.widths)}"
            )
        network = PHiSegNetwork(
            Layers(frame.dims, self.norm),
            frame.in_channels,
            frame.channels,
            self.widths,
            levels=self.levels,
            latents=self.latents,
            convs=self.convs,
        )
        return PHiSeg(network, frame, beta=self.beta, growth=self.growth, readers=self.readers)
