"""The configuration of a training: every field with its type, default and meaning."""

import difflib
import json
from collections.abc import Callable, Collection, Mapping
from typing import Annotated, Any, Literal, Self, get_args, get_origin

from pydantic import BaseModel, Field, SerializeAsAny, ValidationError, field_validator, model_validator

from atfm.data.geometry.rule import Fit
from atfm.errors import ConfigError
from atfm.methods import METHODS
from atfm.methods.config import MethodConfig, Part, StageConfig
from atfm.methods.method import Frame, Method

__all__ = ["AugmentConfig", "Config", "FitConfig", "method_config", "override", "whole"]

Size = tuple[Annotated[int, Field(ge=1)], ...]
Sides = tuple[Annotated[float, Field(gt=0, allow_inf_nan=False)], ...]


class AugmentConfig(Part):
    """Augmentation; see `atfm.data.augment.AugmentationRange`."""

    flip: bool = Field(True, description="quarter turns and mirroring")
    mirror: bool = Field(
        False,
        description="mirroring left to right alone, for images with an upright (flip: false)",
        exclude_if=lambda mirror: not mirror,  # runs and cards from before say nothing of it
    )
    cube: bool = Field(False, description="quarter turns of a volume about every axis, for voxels of equal sides")
    warp: float = Field(0.0, ge=0, le=1, description="share of images turned freely, scaled and shifted")
    rotate: float = Field(180.0, ge=0, description="degrees")
    scale: float = Field(0.0, ge=0, description="share")
    shift: float = Field(0.0, ge=0, description="pixels")
    contrast: float = Field(0.0, ge=0, lt=1, description="share")
    brightness: float = Field(0.0, ge=0, description="units of [0, 1]")
    lesion: float = Field(0.5, ge=0, le=1, description="share of crops laid over a marked pixel")


class FitConfig(Part):
    """How images of any size and spacing are brought to the pixels that the network sees; one of the three is given.

    Masks and maps come back to the pixels of each image: see `atfm.data.geometry`. With `spacing` and `step` images
    keep their own extent, so a set of mixed sizes needs a `crop` beside it; a `canvas` is one size for all, and is seen
    whole unless a `crop` is set too.
    """

    spacing: Sides | None = Field(
        None, description="mm of the network's pixels along each axis; an image that does not say is taken for usual"
    )
    step: Sides | None = Field(
        None, description="pixels of the image for each of the network's along each axis, for images without mm"
    )
    canvas: Size | None = Field(
        None, description="size into which the whole image is scaled, its aspect kept, in the middle of zeros"
    )

    @model_validator(mode="after")
    def _one_of_three(self) -> Self:
        given = [side for side in (self.spacing, self.step, self.canvas) if side is not None]
        if len(given) != 1:
            raise ValueError(f"expected one of spacing, step and canvas, got {len(given)} of them")
        if len(given[0]) not in (2, 3):
            raise ValueError(f"expected two or three numbers, got {len(given[0])}")
        return self

    def rule(self, usual: tuple[float, ...] | None = None) -> Fit:
        """Return it as a rule, with the spacing that images are taken to have that say none."""
        return Fit(self.spacing, self.step, self.canvas, usual if self.spacing else None)


class Config(Part):
    """Everything that a training is determined by, besides the data."""

    preset: str = "own"
    phantom: str | None = Field(None, description="kind of simulated images that it is trained on without a store")
    images: Size = Field(
        (1, 128, 128), description="channels and size of the images that it is meant for; those at hand decide"
    )
    fit: FitConfig | None = Field(
        None,
        description="how images of any size and spacing are brought to the network; None: they are taken as they are",
        exclude_if=lambda fit: fit is None,  # runs and cards from before say nothing of it, and stay what they are
    )
    window: Size | None = Field(None, description="central part that is looked at; None: the whole image")
    crop: Size | None = Field(
        None, description="random part that a training step sees; larger images are sampled by sliding windows"
    )
    method: SerializeAsAny[MethodConfig] = Field(description="its name, one of METHODS, and its own fields")
    stages: dict[str, StageConfig] = Field(description="how each stage of the method is trained, by name")
    augment: AugmentConfig = AugmentConfig()
    seed: int = 0
    save_every: int = Field(200, ge=1, description="steps between checkpoints")
    validate_every: int = Field(500, ge=1, description="steps between validations")
    validate_cases: int = Field(100, ge=1, description="validation cases, seeded")
    validate_samples: int = Field(16, ge=2, description="samples of each validation case")
    hold_out: int = Field(
        0,
        ge=0,
        description="training patients, drawn by the seed, that validate in place of a split val that the store lacks; "
        "they are not trained on",
        exclude_if=lambda count: count == 0,  # runs and cards from before say nothing of it
    )
    patience: int | None = Field(
        None,
        ge=1,
        description="validations in a row, none better by more than its standard error, after which a stage ends; its "
        "best weights are its result; null: all steps are made, and the last weights are",
        exclude_if=lambda patience: patience is None,  # runs and cards from before say nothing of it
    )
    calibrate: bool = Field(
        False,
        description="when all is trained, the temperature of least validation GED is written into the card, where the "
        "method has one",
        exclude_if=lambda calibrate: not calibrate,  # runs and cards from before say nothing of it
    )
    keep: Literal["all", "better"] = Field(
        "all",
        description="better: a stage with which validation is no better than without it is left out",
        exclude_if=lambda keep: keep == "all",
    )

    @field_validator("method", mode="plain")
    @classmethod
    def _told_apart(cls, given: Any) -> MethodConfig:
        return given if isinstance(given, MethodConfig) else method_config(given)

    def seen(self, whole: tuple[int, ...], spacing: tuple[float, ...] | None = None) -> tuple[int, ...]:
        """Return the size that a method of this configuration is made for: the crop, or what it sees of such an image.

        Raises:
            InputError: an image with other axes than the fit has.
        """
        return self.crop or (whole if self.fit is None else self.fit.rule().grid(whole, spacing).size)

    def frame(self, in_channels: int, channels: int, size: tuple[int, ...]) -> Frame:
        """Return what a method of this configuration looks at, for images of this kind.

        Raises:
            ConfigError: a window or a crop that does not fit the size.
        """
        if self.crop and (self.window or len(self.crop) != len(size)):
            raise ConfigError(
                f"field 'crop': expected {len(size)} numbers and no window beside it, got {list(self.crop)}"
            )
        return Frame(in_channels, channels, size, self.window or (), slides=self.crop is not None)

    def without(self, stages: Collection[str]) -> Self:
        """The configuration in which these stages make no step."""
        still = {name: plan.model_copy(update={"steps": 0}) for name, plan in self.stages.items() if name in stages}
        return self.model_copy(update={"stages": self.stages | still})

    def build(self, *, in_channels: int, channels: int, size: tuple[int, ...]) -> Method:
        """Return the method with fresh weights, for images of this kind.

        Raises:
            ConfigError: parts that do not fit each other or the image; stages that are not the method's.
        """
        method = self.method.build(self.frame(in_channels, channels, size))
        own = [stage.name for stage in method.stages()]
        for name in self.stages:
            if name not in own:
                near = difflib.get_close_matches(name, own, 1, cutoff=0.0)
                raise ConfigError(
                    f"field 'stages.{name}': {self.method.name} has no such stage; did you mean {near[0]!r}?"
                )
        missing = [name for name in own if name not in self.stages]
        if missing:
            raise ConfigError(
                f"field 'stages': {self.method.name} has the stages {', '.join(own)}, and nothing is said of "
                f"{', '.join(missing)}; steps = 0 leaves one out"
            )
        return method


def method_config(fields: Any) -> MethodConfig:
    """Return the configuration of the method that `fields` name.

    Raises:
        ValueError: no name, or an unknown one; a field that is unknown or ill-typed.
    """
    name = fields.get("name") if isinstance(fields, Mapping) else None
    if name not in METHODS:
        raise ValueError(f"expected the name of a method ({', '.join(METHODS)}) and its fields, got {name!r:.80}")
    return METHODS[name].config.model_validate_json(json.dumps(fields))


def override(config: Config, fields: Mapping[str, Any], *, source: str = "configuration") -> Config:
    """Return `config` with the given (nested) fields replaced.

    Raises:
        ConfigError: a field that is unknown (the nearest valid one is named) or ill-typed.
    """
    return _checked(lambda: _merge(config.model_dump(mode="json"), fields), source)


def whole(fields: Mapping[str, Any], *, source: str = "configuration") -> Config:
    """Return the configuration that consists of `fields` alone: what it does not name is as the defaults have it.

    Raises:
        ConfigError: no method, no stages, or a field that is unknown (the nearest valid one is named) or ill-typed.
    """
    for name in ("method", "stages"):
        if name not in fields:
            raise ConfigError(f"{source}: expected the field {name!r}, since it starts from no preset")
    return _checked(lambda: fields, source)


def _checked(fields: Callable[[], Mapping[str, Any]], source: str) -> Config:
    """Fields as a configuration, or in one line what is wrong with them."""
    try:
        plain = json.loads(json.dumps(fields(), default=str))
        _check_method(plain["method"], source)
        return Config.model_validate_json(json.dumps(plain))
    except ValidationError as error:
        raise ConfigError(f"{source}: {_explain(error, _names(Config))}") from error
    except RecursionError as error:
        raise ConfigError(f"{source}: is nested too deeply") from error


def _check_method(fields: Any, source: str) -> None:
    try:
        method_config(fields)
    except ValidationError as error:
        names = _names(METHODS[fields["name"]].config)
        raise ConfigError(f"{source}: {_explain(error, names, 'method.')}") from error
    except ValueError as error:
        raise ConfigError(f"{source}: field 'method': {error}") from error


def _merge(base: dict[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for name, value in fields.items():
        nested = isinstance(merged.get(name), dict) and isinstance(value, Mapping)
        if nested and name == "method" and value.get("name", merged[name]["name"]) != merged[name]["name"]:
            merged[name] = dict(value)  # of another method nothing is taken over
        else:
            merged[name] = _merge(merged[name], value) if nested else value
    return merged


def _explain(error: ValidationError, valid: list[str], prefix: str = "") -> str:
    problem = error.errors()[0]
    field = prefix + ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        near = difflib.get_close_matches(field, [prefix + name for name in valid], 1, cutoff=0.0)[0]
        return f"unknown field {field!r}; the nearest valid one is {near!r}"
    return f"field {field!r}: {problem['msg'][0].lower()}{problem['msg'][1:]}, got {problem['input']!r}"


def _names(model: type[BaseModel], prefix: str = "") -> list[str]:
    names = []
    for name, field in model.model_fields.items():
        parts = [kind for kind in (field.annotation, *get_args(field.annotation)) if isinstance(kind, type)]
        inner = next((kind for kind in parts if issubclass(kind, BaseModel) and kind is not MethodConfig), None)
        key = ".*" if get_origin(field.annotation) is dict else ""
        names += _names(inner, f"{prefix}{name}{key}.") if inner else [prefix + name]
    return names
