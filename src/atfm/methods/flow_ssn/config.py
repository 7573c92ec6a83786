"""The configuration of Flow-SSN."""

from typing import Literal

from pydantic import Field

from atfm.errors import ConfigError
from atfm.methods.config import Blocks, Levels, MethodConfig, Part
from atfm.methods.flow_ssn.method import FlowSSN
from atfm.methods.gtr.config import check_networks
from atfm.methods.method import Frame
from atfm.nn.adm import LIGHT, ADMUNet

__all__ = ["FlowSSNConfig", "LightConfig"]


class LightConfig(Part):
    """One of the two U-Nets."""

    widths: Levels = Field(min_length=1, description="channels of the levels, finest first")
    blocks: Blocks = Field(1, description="residual blocks on each level")
    head: int = Field(ge=0, description="channels of a head of the attention in the middle; 0: a single head")
    dropout: float = Field(0.1, ge=0, lt=1, description="share left out in training")
    patch: int = Field(1, ge=1, description="pixels moved into channels; 2 costs a quarter of 1")

    @property
    def stride(self) -> int:
        """The pixels from one position of the coarsest level to the next."""
        return self.patch * 2 ** (len(self.widths) - 1)

    def build(self, inputs: int, outputs: int, dims: int, *, time: bool, name: str) -> ADMUNet:
        """Return the network with fresh weights; `name` is that of the field, for messages."""
        if self.head and self.widths[-1] % self.head:
            raise ConfigError(
                f"field 'method.{name}.head': {self.head} does not divide the width {self.widths[-1]}; try 0"
            )
        return ADMUNet(
            inputs,
            outputs,
            self.widths,
            form=LIGHT,
            blocks=self.blocks,
            time=time,
            head=self.head,
            dropout=self.dropout,
            patch=self.patch,
            dims=dims,
        )


class FlowSSNConfig(MethodConfig):
    """Flow-SSN, the continuous one."""

    name: Literal["flow-ssn"] = "flow-ssn"
    base: LightConfig = LightConfig(widths=(32, 64, 128, 256), head=64)
    flow: LightConfig = LightConfig(widths=(16, 16, 16), head=16)
    deviation: float | None = Field(1.0, gt=0, description="of the base normal; null: learnt, one for each logit")
    monte_carlo: int = Field(1, ge=1, description="starts of each image in a step")
    velocity: Literal["start", "marginal"] = Field(
        "start", description="what the endpoint's velocity is taken from: where the path began (published), or x_t"
    )
    steps: int = Field(50, ge=1, le=10_000, description="Euler steps when sampling")

    def build(self, frame: Frame) -> FlowSSN:
        if frame.slides:
            raise ConfigError("field 'crop': flow-ssn looks at an image as a whole; set window, or leave it out")
        parts = {"base": self.base, "flow": self.flow}
        strides = {f"{name}.widths": part.stride for name, part in parts.items()}
        check_networks(strides, frame, {f"{name}.patch": part.patch for name, part in parts.items()})
        classes = max(2, frame.channels)
        outputs = classes if self.deviation is not None else 2 * classes
        return FlowSSN(
            self.base.build(frame.in_channels, outputs, frame.dims, time=False, name="base"),
            self.flow.build(classes, classes, frame.dims, time=True, name="flow"),
            frame,
            deviation=self.deviation,
            monte_carlo=self.monte_carlo,
            velocity=self.velocity,
            steps=self.steps,
        )
