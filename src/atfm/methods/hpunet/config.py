"""The configuration of the Hierarchical Probabilistic U-Net."""

from typing import Annotated, Literal

from pydantic import Field

from atfm.errors import ConfigError
from atfm.methods.config import Blocks, Part
from atfm.methods.hpunet.geco import GECO
from atfm.methods.hpunet.method import HPUNet
from atfm.methods.hpunet.network import HPUNetNetwork
from atfm.methods.latent.config import LatentConfig
from atfm.methods.method import Frame

__all__ = ["GECOConfig", "HPUNetConfig"]


class GECOConfig(Part):
    """The constraint on the reconstruction, see `atfm.methods.hpunet.geco`."""

    kappa: float = Field(0.05, ge=0, description="largest mean cross-entropy of a pixel that counts, in nats")
    decay: float = Field(0.99, ge=0, lt=1, description="of the moving average of what the constraint is held against")
    rate: float = Field(0.01, gt=0, le=1, description="how fast the multiplier follows the constraint")


class HPUNetConfig(LatentConfig):
    """The Hierarchical Probabilistic U-Net."""

    name: Literal["hpunet"] = "hpunet"
    blocks: Blocks = Field(1, description="residual blocks on each level")
    convs: Blocks = Field(3, description="convolutions of a block, of half its width")
    latents: tuple[Annotated[int, Field(ge=1, le=1024)], ...] = Field(
        (1, 1, 1), min_length=1, max_length=11, description="latent maps of the coarsest levels, the coarsest first"
    )
    hardest: float = Field(0.02, gt=0, le=1, description="share of the pixels that counts; 1: all")
    draw: bool = Field(True, description="draw the pixels that count by their cross-entropy; false: take the largest")
    geco: GECOConfig | None = Field(GECOConfig(), description="the constraint; null: the evidence lower bound instead")
    beta: float = Field(1.0, ge=0, description="weight of the KL divergence without a constraint")

    def build(self, frame: Frame) -> HPUNet:
        self.check(frame, normalised=False)
        if len(self.latents) >= len(self.widths):
            raise ConfigError(
                f"field 'method.latents': {len(self.widths)} levels in method.widths have latent maps on at most "
                f"{len(self.widths) - 1}, got {len(self.latents)}"
            )
        network = HPUNetNetwork(
            frame.dims,
            frame.in_channels,
            frame.channels,
            self.widths,
            latents=self.latents,
            blocks=self.blocks,
            convs=self.convs,
        )
        return HPUNet(
            network,
            frame,
            geco=None if self.geco is None else GECO(**self.geco.model_dump()),
            beta=self.beta,
            hardest=self.hardest,
            draw=self.draw,
            readers=self.readers,
        )
