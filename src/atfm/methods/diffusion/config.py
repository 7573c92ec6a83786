"""The shared part of the configuration of the methods of diffusion: a network, and the levels of noise."""

from typing import Literal

from pydantic import Field

from atfm.diffusion.schedule import SCHEDULES, Schedule
from atfm.errors import ConfigError
from atfm.flow.network import STNet
from atfm.methods.config import Blocks, Levels, MethodConfig, Part
from atfm.methods.gtr.config import check_networks
from atfm.methods.method import Frame
from atfm.nn.adm import ADMUNet

__all__ = ["DiffusionConfig", "NetworkConfig"]


class NetworkConfig(Part):
    """A time-conditioned U-Net, see `atfm.flow.network.STNet` and `atfm.nn.adm.ADMUNet`."""

    kind: Literal["adm", "st"] = Field(
        "st", description="adm: the U-Net of guided diffusion (published); st: ATFM's ST-Net, which reads an image once"
    )
    widths: Levels = Field((24, 48, 64), min_length=1, description="channels of the levels, finest first")
    blocks: Blocks = Field(1, description="residual blocks on each level")
    context_widths: Levels = Field((), description="of st: levels of a U-Net that reads the image; none: a convolution")
    patch: int = Field(1, ge=1, description="pixels moved into channels; 2 costs a quarter of 1")
    attention: tuple[int, ...] = Field((), description="of adm: levels with attention, 0 the finest")
    head: int = Field(0, ge=0, le=8192, description="of adm: channels of a head of attention; 0: a single head")
    dropout: float = Field(0.0, ge=0, lt=1, description="share left out in training; of st where the image is read")

    def build(self, frame: Frame, channels: int, outputs: int) -> STNet | ADMUNet:
        """Return the network with fresh weights, for a state and an output of so many channels.

        Raises:
            ConfigError: levels or a patch that do not fit the window, fields of the other kind, no such level.
        """
        foreign = {"adm": ("context_widths",), "st": ("attention", "head")}[self.kind]
        for name in foreign:
            if getattr(self, name):
                raise ConfigError(f"field 'method.network.{name}': is not of kind {self.kind!r}; leave it out")
        strides = {
            "network.widths": self.patch * 2 ** (len(self.widths) - 1),
            "network.context_widths": self.patch * 2 ** max(len(self.context_widths) - 1, 0),
        }
        check_networks(strides, frame, {"network.patch": self.patch})
        if any(not 0 <= level < len(self.widths) for level in self.attention):
            last = len(self.widths) - 1
            raise ConfigError(
                f"field 'method.network.attention': expected levels from 0 to {last}, got {self.attention}"
            )
        if any(self.widths[level] % (self.head or 1) for level in (*self.attention, -1)):
            raise ConfigError(f"field 'method.network.head': {self.head} does not divide the channels {self.widths}")
        return self._adm(frame, channels, outputs) if self.kind == "adm" else self._st(frame, channels, outputs)

    def _adm(self, frame: Frame, channels: int, outputs: int) -> ADMUNet:
        return ADMUNet(
            channels,
            outputs,
            self.widths,
            blocks=self.blocks,
            condition=frame.in_channels * self.patch**frame.dims,
            attention=self.attention,
            head=self.head,
            dropout=self.dropout,
            patch=self.patch,
            dims=frame.dims,
        )

    def _st(self, frame: Frame, channels: int, outputs: int) -> STNet:
        return STNet(
            frame.in_channels * self.patch**frame.dims,
            channels,
            self.widths,
            blocks=self.blocks,
            context_widths=self.context_widths,
            patch=self.patch,
            dropout=self.dropout,
            dims=frame.dims,
            outputs=outputs,
        )


class DiffusionConfig(MethodConfig):
    """What a configuration of every method of diffusion has."""

    network: NetworkConfig = NetworkConfig()
    levels: int = Field(250, ge=2, le=10_000, description="levels of noise, T")
    schedule: Literal["cosine", "linear"] = Field("cosine", description="how the noise grows with the level")
    steps: int = Field(50, ge=1, le=10_000, description="levels that are visited when sampling")
    readers: int = Field(1, ge=1, le=64, description="readers of each image that a step sees")

    def noise(self, frame: Frame, most: int | None = None) -> Schedule:
        """Return the schedule.

        Raises:
            ConfigError: crops, over which no method of diffusion slides; more steps than levels.
        """
        if frame.slides:
            raise ConfigError(
                f"field 'crop': {self.name} looks at an image as a whole; leave out crop, or give a window"
            )
        if self.steps > (most or self.levels):
            raise ConfigError(
                f"field 'method.steps': expected at most the {most or self.levels} levels of noise, got {self.steps}"
            )
        return SCHEDULES[self.schedule](self.levels)
