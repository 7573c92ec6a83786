"""The configuration of an ensemble."""

from typing import Literal

from pydantic import Field

from atfm.methods.config import MethodConfig
from atfm.methods.ensemble.method import Ensemble
from atfm.methods.method import Frame
from atfm.methods.unet.config import SegmenterConfig

__all__ = ["EnsembleConfig"]


class EnsembleConfig(MethodConfig):
    """U-Nets side by side."""

    name: Literal["ensemble"] = "ensemble"
    members: int = Field(5, ge=1, le=64, description="U-Nets, of one size and of different first weights")
    network: SegmenterConfig = SegmenterConfig(dropout=0.0)
    readers: Literal["one", "all"] = Field(
        "one", description="member m learns the masks of reader m (modulo their number) alone; all: of all readers"
    )

    def build(self, frame: Frame) -> Ensemble:
        members = [self.network.network(frame, "network") for _ in range(self.members)]
        return Ensemble(members, frame, one=self.readers == "one", stride=self.network.stride)
