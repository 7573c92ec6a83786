"""The configuration of the Probabilistic U-Net."""

from typing import Literal

from pydantic import Field

from atfm.methods.config import Blocks
from atfm.methods.latent.config import LatentConfig
from atfm.methods.method import Frame
from atfm.methods.prob_unet.method import ProbUNet
from atfm.methods.prob_unet.network import ProbUNetNetwork
from atfm.nn.plain import Layers, Norm

__all__ = ["ProbUNetConfig"]


class ProbUNetConfig(LatentConfig):
    """The Probabilistic U-Net."""

    name: Literal["prob-unet"] = "prob-unet"
    convs: Blocks = Field(3, description="convolutions on each level")
    norm: Norm = Field("none", description="after each convolution")
    latents: int = Field(6, ge=1, le=1024, description="latent variables of a mask")
    combine: Blocks = Field(3, description="layers of 1x1 that join latent variables and features")
    beta: float = Field(1.0, ge=0, description="weight of the KL divergence")

    def build(self, frame: Frame) -> ProbUNet:
        self.check(frame, normalised=self.norm != "none")
        network = ProbUNetNetwork(
            Layers(frame.dims, self.norm),
            frame.in_channels,
            frame.channels,
            self.widths,
            latents=self.latents,
            convs=self.convs,
            combine=self.combine,
        )
        return ProbUNet(network, frame, beta=self.beta, readers=self.readers)
