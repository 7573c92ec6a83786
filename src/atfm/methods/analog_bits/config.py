"""The configuration of Analog Bits."""

from typing import Literal

from pydantic import Field

from atfm.diffusion.bits import bits_of
from atfm.methods.analog_bits.method import AnalogBits
from atfm.methods.diffusion import DiffusionConfig
from atfm.methods.method import Frame

__all__ = ["AnalogBitsConfig"]


class AnalogBitsConfig(DiffusionConfig):
    """Analog Bits: Gaussian diffusion of bits, with self-conditioning."""

    name: Literal["analog-bits"] = "analog-bits"
    scale: float = Field(0.1, gt=0, le=10, description="of the bits, b: smaller leaves less signal at every level")

    def build(self, frame: Frame) -> AnalogBits:
        schedule = self.noise(frame)
        network = self.network.build(frame, 2 * bits_of(frame.channels), frame.channels)
        return AnalogBits(frame, network, schedule, steps=self.steps, readers=self.readers, scale=self.scale)
