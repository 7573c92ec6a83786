"""What every method's configuration shares, and how a stage is trained."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from atfm.methods.method import Frame, Method

__all__ = ["Blocks", "Entry", "Levels", "MethodConfig", "Part", "StageConfig"]

# The upper bounds are far above every use: a file that names more is refused before a network of that size is made.
Levels = Annotated[tuple[Annotated[int, Field(ge=1, le=8192)], ...], Field(max_length=12)]
Blocks = Annotated[int, Field(ge=1, le=64)]


def _is_none(value: object) -> bool:
    """What a field says of which cards and runs from before say nothing: left out there, they stay what they are."""
    return value is None


class Part(BaseModel):
    """A part of a configuration: no field that it does not know, no value of another type, no change afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class MethodConfig(Part):
    """The configuration of a method: all that its networks and its two verbs need, besides the image.

    A subclass tells itself apart by its `name`, a literal.
    """

    name: str

    def build(self, frame: Frame) -> Method:
        """Return the method with fresh weights.

        Raises:
            ConfigError: parts that do not fit each other or the frame.
        """
        raise TypeError(f"{type(self).__name__} does not define build")


class StageConfig(Part):
    """How one stage is trained."""

    steps: int = Field(1000, ge=0, description="optimiser steps; 0 leaves the stage out")
    batch: int = Field(32, ge=1, description="images in a step, of all processes together")
    parts: int = Field(
        1, ge=1, description="equal parts of a batch, one after the other or in as many processes: the same weights"
    )
    lr: float = Field(1e-3, gt=0, description="largest learning rate")
    warmup: int = Field(100, ge=0, description="steps of linear warm-up")
    decay: Literal["cosine", "none"] = Field("cosine", description="of the learning rate, to 1 % at the end")
    weight_decay: float = Field(1e-4, ge=0, description="AdamW's")
    ema: float = Field(0.999, ge=0, lt=1, description="decay of the averaged weights; 0 keeps none")
    clip: float = Field(1.0, gt=0, description="largest norm of the gradient")
    precision: Literal["auto", "float32", "bf16"] = Field("auto", description="auto: bf16 where the GPU has it")
    freeze: tuple[str, ...] | None = Field(
        None,
        description="parts that stay as they are, by the beginnings of their names (truncation.network); taken: all "
        "that came from another model; null: none",
        exclude_if=_is_none,
    )
    freeze_steps: int | None = Field(
        None, ge=1, description="first steps, in which they do; null: the whole stage", exclude_if=_is_none
    )


@dataclass(frozen=True)
class Entry:
    """What is known of a method: a value of `METHODS`.

    Args:
        config: the class of its configuration; its `name` is the key.
        about: one sentence.
        reference: authors, year, venue and address.
        presets: fields of a whole configuration (`atfm.train.config.Config`) by the preset's name: `method`, `stages`,
            and whatever departs from the defaults.
    """

    config: type[MethodConfig]
    about: str
    reference: str
    presets: Mapping[str, Mapping[str, Any]]
