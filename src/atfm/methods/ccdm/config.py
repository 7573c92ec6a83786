"""The configuration of CCDM."""

from typing import Literal

from atfm.methods.ccdm.method import CCDM
from atfm.methods.diffusion import DiffusionConfig
from atfm.methods.method import Frame

__all__ = ["CCDMConfig"]


class CCDMConfig(DiffusionConfig):
    """CCDM: categorical diffusion."""

    name: Literal["ccdm"] = "ccdm"

    def build(self, frame: Frame) -> CCDM:
        categories = max(2, frame.channels)
        schedule = self.noise(frame)
        network = self.network.build(frame, categories, categories)
        return CCDM(frame, network, schedule, steps=self.steps, readers=self.readers)
