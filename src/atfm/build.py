"""A configuration to a method with fresh weights: the one place where the networks are put together."""

import math

from atfm.errors import ConfigError
from atfm.flow.coupling import independent, optimal
from atfm.flow.network import STNet
from atfm.flow.solver import SOLVERS
from atfm.io.decoding import brief
from atfm.methods.atfm import ATFM
from atfm.methods.gtr import GTR
from atfm.train.config import Config
from atfm.truncation.network import GTRNetwork

__all__ = ["build"]


def build(config: Config, *, in_channels: int, channels: int, size: tuple[int, ...]) -> ATFM:
    """Return the method of a configuration with fresh weights; both stages, of which the first may be trained alone.

    Raises:
        ConfigError: parts that do not fit each other or the image.
    """
    _check_image(in_channels, channels, size)
    window = config.window or size
    _check_fit(config, size, window)
    gtr, sfm = config.gtr, config.sfm
    dims = len(size)
    truncation = GTRNetwork(
        in_channels,
        channels,
        gtr.widths,
        blocks=gtr.blocks,
        bottom=gtr.bottom,
        rank=gtr.rank,
        patch=gtr.patch,
        dims=dims,
    )
    stage1 = GTR(
        truncation,
        size=size,
        window=window,
        in_channels=in_channels,
        monte_carlo=gtr.monte_carlo,
        shared=gtr.annotators == "all",
        stride=math.lcm(*_strides(config).values()) if config.crop else None,
    )
    condition = (1 if sfm.grey else in_channels) * sfm.patch**dims
    network = STNet(
        condition + (gtr.widths[0] if sfm.condition == "features" else 0),
        channels,
        sfm.widths,
        blocks=sfm.blocks,
        context_widths=sfm.context_widths,
        patch=sfm.patch,
        attention=sfm.attention,
        dims=dims,
    )
    return ATFM(
        stage1,
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
        prior=sfm.prior,
        start=sfm.start,
        condition=sfm.condition,
        grey=sfm.grey,
    )


def _check_image(in_channels: int, channels: int, size: tuple[int, ...]) -> None:
    if len(size) not in (2, 3) or any(type(side) is not int or side < 1 for side in size):
        raise ConfigError(f"size: expected two or three whole numbers of at least 1, got {brief(list(size))}")
    for name, number in (("in_channels", in_channels), ("channels", channels)):
        if type(number) is not int or not 1 <= number < 2**16:
            raise ConfigError(f"{name}: expected a whole number of at least 1, got {brief(number)}")


def _check_fit(config: Config, size: tuple[int, ...], window: tuple[int, ...]) -> None:
    gtr, sfm = config.gtr, config.sfm
    if config.crop and (config.window or len(config.crop) != len(size)):
        raise ConfigError(
            f"field 'crop': expected {len(size)} numbers and no window beside it, got {list(config.crop)}"
        )
    if len(window) != len(size) or any(inner > outer for inner, outer in zip(window, size, strict=False)):
        raise ConfigError(f"field 'window': expected at most the image's size {list(size)}, got {list(window)}")
    for part, patch in (("gtr", gtr.patch), ("sfm", sfm.patch)):
        if any(width % patch for width in window):
            raise ConfigError(f"field '{part}.patch': {patch} does not divide the window {list(window)}; try 1")
    if sfm.condition == "features" and sfm.patch != gtr.patch:
        raise ConfigError(
            f"field 'sfm.patch': expected gtr.patch = {gtr.patch}, since sfm.condition is 'features', got {sfm.patch}"
        )
    _check_depth(config, window)


def _strides(config: Config) -> dict[str, int]:
    """The pixels from one position of the coarsest level of each network to the next."""
    gtr, sfm = config.gtr, config.sfm
    levels = {
        "gtr.widths": (gtr.patch, gtr.widths),
        "sfm.widths": (sfm.patch, sfm.widths),
        "sfm.context_widths": (sfm.patch, sfm.context_widths or (0,)),
    }
    return {name: patch * 2 ** (len(widths) - 1) for name, (patch, widths) in levels.items()}


def _check_depth(config: Config, window: tuple[int, ...]) -> None:
    """Refuse networks that halve what they look at until a single position is left, which cannot be normalised."""
    seen = config.crop or window
    for name, stride in _strides(config).items():
        if math.prod(math.ceil(side / stride) for side in seen) < 2:
            raise ConfigError(
                f"field '{name}': so many levels leave a single position of {list(seen)} pixels; take fewer"
            )
