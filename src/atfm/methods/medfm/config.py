"""The configuration of MedFM."""

import math
from typing import Literal

from pydantic import Field

from atfm.errors import ConfigError
from atfm.flow.network import STNet
from atfm.flow.solver import SOLVERS
from atfm.methods.config import Blocks, Levels, MethodConfig
from atfm.methods.gtr.config import check_networks
from atfm.methods.medfm.method import MedFM
from atfm.methods.method import Frame
from atfm.nn.adm import ADMUNet

__all__ = ["MedFMConfig"]


class MedFMConfig(MethodConfig):
    """Plain conditional flow matching from noise."""

    name: Literal["medfm"] = "medfm"
    network: Literal["adm", "st"] = Field(
        "adm",
        description="adm: the U-Net of guided diffusion (published); st: ATFM's ST-Net, which reads an image once",
    )
    widths: Levels = Field((32, 64, 64, 128, 160), min_length=1, description="channels of the levels, finest first")
    blocks: Blocks = Field(2, description="residual blocks on each level")
    attention: tuple[int, ...] = Field((3, 4), description="of adm: levels with attention, from 0")
    context_widths: Levels = Field((), description="of st: levels of a U-Net that reads the image")
    patch: int = Field(1, ge=1, description="pixels moved into channels; 2 costs a quarter of 1")
    dropout: float = Field(0.1, ge=0, lt=1, description="share left out in training; of st where the image is read")
    pairs: int = Field(1, ge=1, description="starts of each image in a step, each with an annotator of its own")
    steps: int = Field(250, ge=1, le=10_000, description="solver steps when sampling")
    solver: Literal["euler", "heun", "ralston", "rk4"] = Field("euler", description="solver when sampling")

    def strides(self) -> dict[str, int]:
        """The pixels from one position of the coarsest level to the next, by the field that names the levels."""
        levels = {"widths": self.widths, "context_widths": self.context_widths or (0,)}
        return {name: self.patch * 2 ** (len(widths) - 1) for name, widths in levels.items()}

    def build(self, frame: Frame) -> MedFM:
        if self.network == "adm" and self.context_widths:
            raise ConfigError("field 'method.context_widths': is of network 'st'; leave it out, or set method.network")
        wrong = [level for level in self.attention if level not in range(len(self.widths))]
        if wrong and self.network == "adm":
            raise ConfigError(
                f"field 'method.attention': expected levels from 0 to {len(self.widths) - 1}, got {wrong[0]}"
            )
        check_networks(self.strides(), frame, {"patch": self.patch})
        return MedFM(
            self._adm(frame) if self.network == "adm" else self._st(frame),
            frame,
            pairs=self.pairs,
            steps=self.steps,
            solver=SOLVERS[self.solver],
            stride=math.lcm(*self.strides().values()),
        )

    def _adm(self, frame: Frame) -> ADMUNet:
        return ADMUNet(
            frame.channels,
            frame.channels,
            self.widths,
            blocks=self.blocks,
            condition=frame.in_channels * self.patch**frame.dims,
            attention=self.attention,
            dropout=self.dropout,
            patch=self.patch,
            dims=frame.dims,
        )

    def _st(self, frame: Frame) -> STNet:
        return STNet(
            frame.in_channels * self.patch**frame.dims,
            frame.channels,
            self.widths,
            blocks=self.blocks,
            context_widths=self.context_widths,
            patch=self.patch,
            dropout=self.dropout,
            dims=frame.dims,
        )
