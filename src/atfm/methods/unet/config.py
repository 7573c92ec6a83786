"""The configuration of a U-Net, alone and as a member of an ensemble."""

from typing import Literal

from pydantic import Field

from atfm.methods.config import Blocks, Levels, MethodConfig, Part
from atfm.methods.gtr.config import check_networks
from atfm.methods.method import Frame
from atfm.methods.unet.method import DropoutUNet
from atfm.nn.segmenter import Segmenter

__all__ = ["SegmenterConfig", "UNetConfig"]


class SegmenterConfig(Part):
    """A U-Net from an image to logits."""

    widths: Levels = Field((32, 64, 128, 192), min_length=1, description="channels of the levels, finest first")
    blocks: Blocks = Field(1, description="residual blocks on each level")
    patch: int = Field(1, ge=1, description="pixels moved into channels; 2 costs a quarter of 1")
    dropout: float = Field(0.2, ge=0, lt=1, description="share of the channels of each block that are left out")

    @property
    def stride(self) -> int:
        """The pixels from one position of the coarsest level to the next."""
        return self.patch * 2 ** (len(self.widths) - 1)

    def network(self, frame: Frame, name: str) -> Segmenter:
        """Return the network with fresh weights; `name` is that of the field, for messages.

        Raises:
            ConfigError: a patch or levels that do not fit the window.
        """
        check_networks({f"{name}.widths": self.stride}, frame, {f"{name}.patch": self.patch})
        return Segmenter(
            frame.in_channels,
            frame.channels,
            self.widths,
            blocks=self.blocks,
            patch=self.patch,
            dropout=self.dropout,
            dims=frame.dims,
        )


class UNetConfig(MethodConfig):
    """A deterministic U-Net with dropout at test time."""

    name: Literal["unet"] = "unet"
    network: SegmenterConfig = SegmenterConfig()
    test_time_dropout: bool = Field(True, description="samples differ by dropout; false: all samples are one mask")

    target: Literal["votes", "majority"] = Field(
        "votes",
        description="what is learnt: the masks of all readers, or the one that most agree on",
        exclude_if=lambda target: target == "votes",  # cards from before say nothing of it
    )

    def build(self, frame: Frame) -> DropoutUNet:
        network, drops = self.network.network(frame, "network"), self.test_time_dropout and self.network.dropout > 0
        return DropoutUNet(network, frame, drops=drops, agreed=self.target == "majority", stride=self.network.stride)
