"""The configuration of CIMD."""

from typing import Literal

from pydantic import Field

from atfm.methods.cimd.encoder import AmbiguityEncoder
from atfm.methods.cimd.method import CIMD
from atfm.methods.config import Levels
from atfm.methods.diffusion import DiffusionConfig
from atfm.methods.gtr.config import check_networks
from atfm.methods.method import Frame

__all__ = ["CIMDConfig"]


class CIMDConfig(DiffusionConfig):
    """CIMD: Gaussian diffusion, with the ambiguity modelling and controlling networks."""

    name: Literal["cimd"] = "cimd"
    latent: int = Field(6, ge=1, le=1024, description="numbers of the latent vector of both encoders")
    encoder_widths: Levels = Field((16, 32), min_length=1, description="channels of the encoders' levels, finest first")
    vlb: float = Field(1e-3, ge=0, description="weight of the variational bound, which teaches the variance")
    ambiguity: float = Field(1e-3, ge=0, description="weight of the KL between the encoders, beta")

    def build(self, frame: Frame) -> CIMD:
        schedule, patch = self.noise(frame), self.network.patch
        network = self.network.build(frame, frame.channels, 2 * frame.channels)
        check_networks({"encoder_widths": patch * 2 ** (len(self.encoder_widths) - 1)}, frame, {})

        def encoder() -> AmbiguityEncoder:
            channels = frame.in_channels + frame.channels
            return AmbiguityEncoder(channels, self.encoder_widths, self.latent, patch=patch, dims=frame.dims)

        return CIMD(
            frame,
            network,
            schedule,
            steps=self.steps,
            readers=self.readers,
            modelling=encoder(),
            controlling=encoder(),
            vlb=self.vlb,
            ambiguity=self.ambiguity,
        )
