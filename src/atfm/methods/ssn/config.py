"""The configuration of SSN."""

from typing import Literal

from pydantic import Field

from atfm.errors import ConfigError
from atfm.methods.config import Levels, MethodConfig
from atfm.methods.gtr.config import check_networks
from atfm.methods.method import Frame
from atfm.methods.ssn.method import SSN
from atfm.methods.ssn.network import SSNNetwork
from atfm.nn.plain import Layers, Norm

__all__ = ["SSNConfig"]


class SSNConfig(MethodConfig):
    """SSN: a low-rank normal over the logits of all classes, the background's among them."""

    name: Literal["ssn"] = "ssn"
    widths: Levels = Field(
        (32, 64, 128, 192, 192, 192, 192), min_length=1, description="channels of the levels, finest first"
    )
    convs: int = Field(3, ge=1, le=64, description="convolutions on each level")
    norm: Norm = Field("batch", description="after each convolution: none, group or batch (published)")
    rank: int = Field(10, ge=1, le=10_000, description="rank R of the factor")
    monte_carlo: int = Field(20, ge=1, description="samples M of the likelihood")
    floor: float = Field(1e-5, gt=0, description="the smallest variance of a logit")
    annotators: Literal["all", "one"] = Field("one", description="one drawn at a time (published), or all together")

    def build(self, frame: Frame) -> SSN:
        if frame.slides:
            raise ConfigError("field 'crop': ssn looks at an image as a whole; gtr slides, or set window")
        check_networks({"widths": 2 ** (len(self.widths) - 1)}, frame, {})
        network = SSNNetwork(
            frame.in_channels,
            max(2, frame.channels),
            self.widths,
            layers=Layers(frame.dims, self.norm),
            convs=self.convs,
            rank=self.rank,
            floor=self.floor,
        )
        return SSN(network, frame, monte_carlo=self.monte_carlo, shared=self.annotators == "all")
