"""The configuration of GTR, and of presence before it."""

import math
from collections.abc import Mapping, Sequence
from typing import Literal

from pydantic import Field

from atfm.errors import ConfigError
from atfm.methods.config import Blocks, Levels, MethodConfig, Part
from atfm.methods.gtr.method import GTR, OwnEnergy
from atfm.methods.method import Frame
from atfm.truncation.network import GTRNetwork
from atfm.truncation.presence import PresenceNetwork

__all__ = ["EnergyConfig", "GTRConfig", "PresenceConfig", "check_networks"]


class PresenceConfig(Part):
    """The hurdle: whether a reader marks anything, by a network of its own."""

    widths: Levels = Field((24, 48, 96, 144), min_length=1, description="channels of the levels, finest first")
    members: int = Field(1, ge=1, le=64, description="networks side by side, whose probabilities are averaged")
    blocks: Blocks = Field(1, description="residual blocks on each level")
    dropout: float = Field(0.3, ge=0, lt=1, description="share of channels left out in training")
    turns: bool = Field(True, description="average over the quarter turns of a square image when sampling")

    def build(self, frame: Frame) -> PresenceNetwork:
        """Return the network with fresh weights."""
        return PresenceNetwork(
            frame.in_channels,
            self.widths,
            members=self.members,
            blocks=self.blocks,
            dropout=self.dropout,
            turns=self.turns,
            dims=frame.dims,
        )


class EnergyConfig(Part):
    """The energy score of GTR's own samples, beside its likelihood."""

    weight: float = Field(4.0, gt=0, description="of the score, in units of the likelihood, whatever that is")
    draws: int = Field(8, ge=2, description="samples of each image in it; they pass through no network")
    slope: float = Field(2.0, ge=1, le=16, description="of its gradient at the threshold of a mask")


class GTRConfig(MethodConfig):
    """GTR: a low-rank normal over logits."""

    name: Literal["gtr"] = "gtr"
    widths: Levels = Field((32, 48, 64, 96), min_length=1, description="channels of the levels, finest first")
    blocks: Blocks = Field(1, description="residual blocks on each level")
    bottom: bool = Field(True, description="a further block at the bottom of the U-Net")
    patch: int = Field(1, ge=1, description="pixels moved into channels; 2 costs a quarter of 1")
    dropout: float = Field(0.0, ge=0, lt=1, description="share of channels left out in training")
    rank: int = Field(10, ge=1, le=10_000, description="rank R of the factor")
    monte_carlo: int = Field(20, ge=2, multiple_of=2, description="antithetic samples M of the likelihood")
    annotators: Literal["all", "one"] = Field(
        "all", description="all in one likelihood, or one drawn at a time (paper)"
    )
    energy: EnergyConfig | None = Field(
        None,
        description="the energy score of its own samples beside the likelihood; null: the likelihood alone (paper)",
        exclude_if=lambda energy: energy is None,  # runs and cards from before say nothing of it
    )
    temperature: float = Field(
        1.0,
        gt=0,
        description="scale of the noise when GTR itself is sampled; calibrate chooses it",
        exclude_if=lambda temperature: temperature == 1,
    )
    presence: PresenceConfig | None = Field(None, description="a hurdle before the masks; null: GTR draws empty masks")

    def strides(self) -> dict[str, int]:
        """The pixels from one position of the coarsest level to the next, by the field that names the levels."""
        levels = {"widths": self.patch * 2 ** (len(self.widths) - 1)}
        if self.presence is not None:
            levels["presence.widths"] = 2 ** len(self.presence.widths)
        return levels

    def build(self, frame: Frame) -> GTR:
        check_networks(self.strides(), frame, {"patch": self.patch})
        if self.presence is not None and frame.slides:
            raise ConfigError(
                "field 'presence': is said of an image as a whole, and crops show parts of one; leave out crop or it"
            )
        network = GTRNetwork(
            frame.in_channels,
            frame.channels,
            self.widths,
            blocks=self.blocks,
            bottom=self.bottom,
            rank=self.rank,
            patch=self.patch,
            dropout=self.dropout,
            dims=frame.dims,
        )
        return GTR(
            network,
            frame,
            presence=None if self.presence is None else self.presence.build(frame),
            monte_carlo=self.monte_carlo,
            shared=self.annotators == "all",
            temperature=self.temperature,
            energy=None if self.energy is None else OwnEnergy(**self.energy.model_dump()),
            stride=self.strides()["widths"],
        )


def check_networks(strides: Mapping[str, int], frame: Frame, patches: Mapping[str, int]) -> None:
    """Refuse networks that do not fit what they look at.

    Args:
        strides: pixels from one position of a network's coarsest level to the next, by field.
        frame: what is looked at.
        patches: pixels moved into channels, by field.

    Raises:
        ConfigError: a patch that does not divide the window; levels that halve it until a single position is left,
            which cannot be normalised.
    """
    for name, patch in patches.items():
        if any(width % patch for width in frame.window):
            raise ConfigError(f"field 'method.{name}': {patch} does not divide the window {list(frame.window)}; try 1")
    for name, stride in strides.items():
        if _positions(stride, frame.window) < 2:
            raise ConfigError(
                f"field 'method.{name}': so many levels leave a single position of {list(frame.window)} pixels; "
                "take fewer"
            )


def _positions(stride: int, window: Sequence[int]) -> int:
    return math.prod(math.ceil(side / stride) for side in window)
