"""The configuration of MoSE."""

from typing import Literal

from pydantic import Field

from atfm.errors import ConfigError
from atfm.methods.config import Levels, MethodConfig
from atfm.methods.gtr.config import check_networks
from atfm.methods.method import Frame
from atfm.methods.mose.method import MoSE
from atfm.methods.mose.network import MoSENetwork
from atfm.methods.mose.transport import exact, greedy
from atfm.nn.plain import Layers, Norm

__all__ = ["MoSEConfig"]


class MoSEConfig(MethodConfig):
    """MoSE."""

    name: Literal["mose"] = "mose"
    widths: Levels = Field(
        (32, 64, 128, 192, 192, 192, 192), min_length=1, description="channels of the levels, finest first"
    )
    convs: int = Field(3, ge=1, le=64, description="convolutions on each level")
    norm: Norm = Field("batch", description="after each convolution: none, group or batch (published)")
    gate: int = Field(4, ge=0, description="level whose mean feature the gate sees, from 0")
    experts: int = Field(4, ge=1, le=64, description="experts K")
    latent: int = Field(1, ge=1, le=64, description="numbers of a latent code")
    draws: int = Field(4, ge=1, description="samples of each expert in a step")
    coupling: Literal["greedy", "exact"] = Field("greedy", description="how the transport is solved; greedy: published")
    share: float = Field(0.5, gt=0, le=1, description="most that a sample may take of the annotations in stage 1")
    beta: float = Field(1.0, ge=0, description="weight of the gate's loss")
    weighted: bool = Field(
        False, description="samples of all experts alike, weighted by the gate; false: each expert as often as it says"
    )

    def build(self, frame: Frame) -> MoSE:
        if frame.slides:
            raise ConfigError("field 'crop': the gate of mose sees an image as a whole; set window, or leave it out")
        if self.gate >= len(self.widths):
            raise ConfigError(
                f"field 'method.gate': expected a level from 0 to {len(self.widths) - 1}, got {self.gate}"
            )
        if self.share * self.experts * self.draws < 1:
            raise ConfigError(
                f"field 'method.share': {self.experts * self.draws} samples that take {self.share} each are less than "
                "all annotations; take more"
            )
        check_networks({"widths": 2 ** (len(self.widths) - 1)}, frame, {})
        network = MoSENetwork(
            frame.in_channels,
            max(2, frame.channels),
            self.widths,
            layers=Layers(frame.dims, self.norm),
            convs=self.convs,
            gate=self.gate,
            experts=self.experts,
            latent=self.latent,
        )
        return MoSE(
            network,
            frame,
            draws=self.draws,
            coupling={"greedy": greedy, "exact": exact}[self.coupling],
            share=self.share,
            beta=self.beta,
            weighted=self.weighted,
        )
