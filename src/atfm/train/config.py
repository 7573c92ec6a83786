"""The configuration of a training: every field with its type, default and meaning."""

import difflib
import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from atfm.errors import ConfigError

__all__ = ["AugmentConfig", "Config", "GTRConfig", "SFMConfig", "StageConfig", "override"]

# The upper bounds are far above every use: a file that names more is refused before a network of that size is made.
Size = tuple[Annotated[int, Field(ge=1)], ...]
Levels = Annotated[tuple[Annotated[int, Field(ge=1, le=8192)], ...], Field(max_length=12)]
Blocks = Annotated[int, Field(ge=1, le=64)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class GTRConfig(_Part):
    """Stage 1."""

    widths: Levels = Field((32, 48, 64, 96), min_length=1, description="channels of the levels, finest first")
    blocks: Blocks = Field(1, description="residual blocks on each level")
    bottom: bool = Field(True, description="a further block at the bottom of the U-Net")
    patch: int = Field(1, ge=1, description="pixels folded into channels; 2 costs a quarter of 1")
    rank: int = Field(10, ge=1, le=10_000, description="rank R of the factor")
    monte_carlo: int = Field(20, ge=2, multiple_of=2, description="antithetic samples M of the likelihood")
    annotators: Literal["all", "one"] = Field(
        "all", description="all in one likelihood, or one drawn at a time (paper)"
    )


class SFMConfig(_Part):
    """Stage 2."""

    widths: Levels = Field((24, 48, 64), min_length=1, description="channels of the levels, finest first")
    blocks: Blocks = Field(1, description="residual blocks on each level")
    context_widths: Levels = Field((), description="levels of a U-Net that reads the condition once per image")
    patch: int = Field(1, ge=1, description="as for gtr; with condition = features both must be equal")
    attention: bool = Field(False, description="linear attention on every level, full at the bottom (paper)")
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
    prior: float = Field(
        0.0, ge=0, description="weight of L_prior in stage 3, which then trains GTR too; 0: GTR frozen"
    )
    grey: bool = Field(False, description="the flow sees a colour image as grey (paper, ISIC3)")


class AugmentConfig(_Part):
    """Augmentation; see `atfm.data.augment.AugmentationRange`."""

    flip: bool = Field(True, description="quarter turns and mirroring")
    cube: bool = Field(False, description="quarter turns of a volume about every axis, for voxels of equal sides")
    warp: float = Field(0.0, ge=0, le=1, description="share of images turned freely, scaled and shifted")
    rotate: float = Field(180.0, ge=0, description="degrees")
    scale: float = Field(0.0, ge=0, description="share")
    shift: float = Field(0.0, ge=0, description="pixels")
    contrast: float = Field(0.0, ge=0, lt=1, description="share")
    brightness: float = Field(0.0, ge=0, description="units of [0, 1]")
    lesion: float = Field(0.5, ge=0, le=1, description="share of crops laid over a marked pixel")


class StageConfig(_Part):
    """How one stage is trained."""

    steps: int = Field(1000, ge=0, description="optimiser steps; 0 leaves the stage out")
    batch: int = Field(32, ge=1, description="images in a step")
    lr: float = Field(1e-3, gt=0, description="largest learning rate")
    warmup: int = Field(100, ge=0, description="steps of linear warm-up")
    decay: Literal["cosine", "none"] = Field("cosine", description="of the learning rate, to 1 % at the end")
    weight_decay: float = Field(1e-4, ge=0, description="AdamW's")
    ema: float = Field(0.999, ge=0, lt=1, description="decay of the averaged weights; 0 keeps none")
    clip: float = Field(1.0, gt=0, description="largest norm of the gradient")
    precision: Literal["auto", "float32", "bf16"] = Field("auto", description="auto: bf16 where the GPU has it")


class Config(_Part):
    """Everything that a training is determined by, besides the data."""

    preset: str = "own"
    in_channels: int | None = Field(None, ge=1, description="None: as the store has")
    window: Size | None = Field(None, description="central part that is looked at; None: the whole image")
    crop: Size | None = Field(
        None, description="random part that a training step sees; larger images are sampled by sliding windows"
    )
    gtr: GTRConfig = GTRConfig()
    sfm: SFMConfig = SFMConfig()
    stage1: StageConfig = StageConfig()
    stage2: StageConfig = StageConfig()
    stage3: StageConfig = StageConfig(steps=0)
    augment: AugmentConfig = AugmentConfig()
    seed: int = 0
    save_every: int = Field(200, ge=1, description="steps between checkpoints")
    validate_every: int = Field(500, ge=1, description="steps between validations")
    validate_cases: int = Field(100, ge=1, description="validation cases, seeded")
    validate_samples: int = Field(16, ge=2, description="samples of each validation case")


def override(config: Config, fields: Mapping[str, Any], *, source: str = "configuration") -> Config:
    """Return `config` with the given (nested) fields replaced.

    Raises:
        ConfigError: a field that is unknown (the nearest valid one is named) or ill-typed.
    """
    try:
        return Config.model_validate_json(json.dumps(_merge(config.model_dump(), fields), default=str))
    except ValidationError as error:
        raise ConfigError(f"{source}: {_explain(error)}") from error
    except RecursionError as error:
        raise ConfigError(f"{source}: is nested too deeply") from error


def _merge(base: dict[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for name, value in fields.items():
        nested = isinstance(merged.get(name), dict) and isinstance(value, Mapping)
        merged[name] = _merge(merged[name], value) if nested else value
    return merged


def _explain(error: ValidationError) -> str:
    problem = error.errors()[0]
    names = [str(part) for part in problem["loc"]]
    field = ".".join(names)
    if problem["type"] == "extra_forbidden":
        valid = _names(Config)
        near = difflib.get_close_matches(field, valid, 1, cutoff=0.0)[0]
        return f"unknown field {field!r}; the nearest valid one is {near!r}"
    return f"field {field!r}: {problem['msg'][0].lower()}{problem['msg'][1:]}, got {problem['input']!r}"


def _names(model: type[BaseModel], prefix: str = "") -> list[str]:
    names = []
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            names += _names(inner, f"{prefix}{name}.")
        else:
            names.append(prefix + name)
    return names
