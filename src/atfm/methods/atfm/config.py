"""The configuration of ATFM: GTR, and the flow that carries its samples to masks."""

import math
from typing import Literal

from pydantic import Field

from atfm.errors import ConfigError
from atfm.flow.coupling import independent, optimal
from atfm.flow.network import STNet
from atfm.flow.solver import SOLVERS
from atfm.methods.atfm.method import ATFM
from atfm.methods.config import Blocks, Levels, MethodConfig, Part
from atfm.methods.gtr.config import GTRConfig, check_networks
from atfm.methods.method import Frame

__all__ = ["ATFMConfig", "SFMConfig"]


class SFMConfig(Part):
    """SFM, the flow."""

    widths: Levels = Field((24, 48, 64), min_length=1, description="channels of the levels, finest first")
    blocks: Blocks = Field(1, description="residual blocks on each level")
    context_widths: Levels = Field((), description="levels of a U-Net that reads the condition once per image")
    patch: int = Field(1, ge=1, description="as for gtr; with condition = features both must be equal")
    attention: bool = Field(False, description="linear attention on every level, full at the bottom (paper)")
    dropout: float = Field(0.0, ge=0, lt=1, description="share of channels left out where the condition is read")
    form: Literal["velocity", "endpoint"] = Field("endpoint", description="what the network predicts")
    coupling: Literal["independent", "optimal"] = Field("optimal", description="how starts meet annotations")
    condition: Literal["image", "features"] = Field("features", description="what the flow sees of the image")
    starts: int = Field(8, ge=1, description="starts drawn of each image for the coupling")
    pairs: int = Field(2, ge=1, description="coupled pairs of each image that are trained on")
    alpha: float = Field(1e-3, ge=0, description="weight of the semantic Dice")
    steps: int = Field(4, ge=1, le=10_000, description="solver steps when sampling")
    solver: Literal["euler", "heun", "ralston", "rk4"] = Field("euler", description="solver when sampling")
    temperature: float = Field(1.0, gt=0, description="scale of GTR's noise where a sample starts")
    start: Literal["gtr", "noise"] = Field("gtr", description="where a path begins; noise: the paper's row without GTR")
    draws: int = Field(5, ge=2, description="samples of each image in the energy score of stage 3")
    slope: float = Field(1.0, ge=1, le=16, description="of the energy score's gradient at the threshold of a mask")
    prior: float = Field(
        0.0, ge=0, description="weight of L_prior in stage 3, which then trains GTR too; 0: GTR frozen"
    )
    grey: bool = Field(False, description="the flow sees a colour image as grey (paper, ISIC3)")


class ATFMConfig(MethodConfig):
    """ATFM: GTR, SFM, and the energy score of both as they are used."""

    name: Literal["atfm"] = "atfm"
    gtr: GTRConfig = GTRConfig()
    sfm: SFMConfig = SFMConfig()

    def strides(self) -> dict[str, int]:
        """The pixels from one position of the coarsest level to the next, by the field that names the levels."""
        sfm = self.sfm
        own = {"sfm.widths": sfm.widths, "sfm.context_widths": sfm.context_widths or (0,)}
        levels = {name: sfm.patch * 2 ** (len(widths) - 1) for name, widths in own.items()}
        return {f"gtr.{name}": stride for name, stride in self.gtr.strides().items()} | levels

    def build(self, frame: Frame) -> ATFM:
        gtr, sfm = self.gtr, self.sfm
        check_networks(self.strides(), frame, {"gtr.patch": gtr.patch, "sfm.patch": sfm.patch})
        if sfm.condition == "features" and sfm.patch != gtr.patch:
            raise ConfigError(
                f"field 'method.sfm.patch': expected method.gtr.patch = {gtr.patch}, since method.sfm.condition is "
                f"'features', got {sfm.patch}"
            )
        condition = (1 if sfm.grey else frame.in_channels) * sfm.patch**frame.dims
        network = STNet(
            condition + (gtr.widths[0] if sfm.condition == "features" else 0),
            frame.channels,
            sfm.widths,
            blocks=sfm.blocks,
            context_widths=sfm.context_widths,
            patch=sfm.patch,
            attention=sfm.attention,
            dropout=sfm.dropout,
            dims=frame.dims,
        )
        return ATFM(
            gtr.build(frame),
            network,
            form=sfm.form,
            coupling={"independent": independent, "optimal": optimal}[sfm.coupling],
            starts=sfm.starts,
            pairs=sfm.pairs,
            alpha=sfm.alpha,
            steps=sfm.steps,
            solver=SOLVERS[sfm.solver],
            temperature=sfm.temperature,
            draws=sfm.draws,
            slope=sfm.slope,
            prior=sfm.prior,
            start=sfm.start,
            condition=sfm.condition,
            grey=sfm.grey,
            stride=math.lcm(*self.strides().values()),
        )
