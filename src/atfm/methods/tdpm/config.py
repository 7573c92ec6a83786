"""The configuration of TDPM."""

from typing import Literal

from pydantic import Field

from atfm.errors import ConfigError
from atfm.methods.config import Levels
from atfm.methods.diffusion import DiffusionConfig
from atfm.methods.gtr.config import check_networks
from atfm.methods.method import Frame
from atfm.methods.tdpm.discriminator import Discriminator
from atfm.methods.tdpm.method import TDPM

__all__ = ["TDPMConfig"]


class TDPMConfig(DiffusionConfig):
    """TDPM: diffusion up to a truncation point, which a generator draws."""

    name: Literal["tdpm"] = "tdpm"
    truncation: int = Field(100, ge=1, description="the truncation point, a level below the last")
    implicit: Literal["direct", "mask"] = Field(
        "mask", description="what the generator gives: x_K itself (paper), or a mask to which its noise is added"
    )
    discriminator_widths: Levels = Field((16, 32), min_length=1, description="channels of its levels, finest first")
    gan: float = Field(0.1, gt=0, description="weight of the adversarial terms")
    r1: float = Field(0.2, ge=0, description="weight of the discriminator's gradient penalties")
    guide: float = Field(0.0, ge=0, description="weight of the cross-entropy of the generator's mask; 0: paper")

    def build(self, frame: Frame) -> TDPM:
        if self.truncation >= self.levels:
            raise ConfigError(
                f"field 'method.truncation': expected a level below the last, {self.levels}, got {self.truncation}"
            )
        if self.guide and self.implicit == "direct":
            raise ConfigError("field 'method.guide': guides a mask, and method.implicit is 'direct'; leave it at 0")
        schedule, patch = self.noise(frame, self.truncation), self.network.patch
        network = self.network.build(frame, frame.channels, frame.channels)
        check_networks({"discriminator_widths": patch * 2 ** (len(self.discriminator_widths) - 1)}, frame, {})
        channels = frame.in_channels + frame.channels
        return TDPM(
            frame,
            network,
            schedule,
            steps=self.steps,
            readers=self.readers,
            most=self.truncation,
            discriminator=Discriminator(channels, self.discriminator_widths, patch=patch, dims=frame.dims),
            last=self.truncation,
            implicit=self.implicit,
            gan=self.gan,
            r1=self.r1,
            guide=self.guide,
        )
