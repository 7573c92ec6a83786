"""`Intensity`: the rule that put the training images into [0, 1], kept with the model and obeyed for a new image.

A file holds one of three kinds of value, and each rule says what becomes of each:

    rule         8-bit, 16-bit, bool     floats in [0, 1]     the file's own units (Hounsfield, say)
    byte, as-is  the type's full range   as they are          refused; stretched if the training images were;
                                                              a DICOM by its own display window, with a warning
    stretch      8-bit: full range (+)   as they are (+)      darkest -> 0, brightest -> 1, in 256 steps
    window       8-bit: full range (*)   as they are (*)      low -> 0, high -> 1, clipped
    percentile   percentile low -> 0 and high -> 1 of each image, clipped, whatever it holds

(*) with a warning: such an image is taken to have been windowed already. (+) a whole picture is taken to have been
stretched already; what is cut out of a larger one is stretched as the file's own units are. A window given by the user
takes the place of the rule.
"""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from atfm.errors import CheckpointError, InputError

__all__ = ["Intensity", "Mapped", "intensity_of"]


class Mapped(NamedTuple):
    """An image in [0, 1] and how it got there.

    Args:
        pixels: float32 in [0, 1], shaped as before.
        how: in a few words.
        warning: one sentence where the rule did not foresee such values, else None.
    """

    pixels: np.ndarray
    how: str
    warning: str | None = None


class Intensity(BaseModel):
    """How a file's values become [0, 1].

    Args:
        kind: "byte" (8-bit pictures, divided by 255), "as-is" (floats in [0, 1]), "stretch" (8-bit pictures, each from
            the darkest to the brightest value of its scan, without a window), "window" (two values of the file's units
            become 0 and 1) or "percentile" (of each image).
        low, high: of a window in the file's units, of a percentile from 0 to 100; None for the other kinds.
        stretched: nearly every training image reached from 0 to 1, as if each had been stretched by itself; what
            kind "stretch" knows is only guessed here, so a warning says so.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["byte", "stretch", "window", "percentile", "as-is"]
    low: float | None = None
    high: float | None = None
    stretched: bool = False

    @model_validator(mode="after")
    def _ends(self) -> Self:
        low, high = self.low, self.high
        if self.kind in ("byte", "as-is", "stretch"):
            if low is not None or high is not None:
                raise ValueError(f"a rule of kind {self.kind} has no low and high")
        elif low is None or high is None or not low < high:
            raise ValueError(f"a rule of kind {self.kind} needs low < high, got {low} and {high}")
        elif self.kind == "percentile" and not 0 <= low < high <= 100:
            raise ValueError(f"percentiles lie between 0 and 100, got {low} and {high}")
        return self

    def apply(
        self,
        pixels: np.ndarray,
        name: object,
        *,
        display: tuple[float, float] | None = None,
        units: bool = False,
        part: bool = False,
    ) -> Mapped:
        """Put the values of a file into [0, 1].

        Args:
            pixels: `[C, *spatial]`, the file's own values; what is stretched is stretched as one image.
            name: of the file, as an error calls it.
            display: the window (low, high) that the file itself asks to be shown with, as a DICOM may.
            units: the values are in the units of a modality, whatever their type.
            part: they were cut out of a larger image.

        Raises:
            InputError: NaN or infinity, or values that the rule has no place for.
        """
        if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
            raise InputError(f"{name}: holds NaN or infinity; mend the file or leave it out")
        if self.kind == "percentile":
            return self._percentile(pixels)
        plain = None if units else full_range(pixels)
        if self.kind == "stretch" and (plain is None or part or pixels.dtype == np.uint16):
            return eight_bit(pixels)
        if self.kind == "window" and (plain is None or pixels.dtype == np.uint16):
            return self._window(pixels)
        if plain is not None:
            return self._plain(plain, pixels.dtype)
        if self.stretched:
            return stretch(pixels, display)
        if display is not None:
            shown = Intensity(kind="window", low=display[0], high=display[1])._window(pixels)
            return shown._replace(
                warning=f"values {extent(pixels)} were shown as the file asks, {shown.how}, while the model was "
                f"trained on {self.wanted}; give the window of the training with --window LO HI if you know it"
            )
        raise InputError(
            f"{name}: {pixels.dtype} values {extent(pixels)}, but the model was trained on {self.wanted}; "
            "give --window LO HI (in Python window=(LO, HI)), the two values that are to be black and white"
        )

    @property
    def wanted(self) -> str:
        """The images that the rule is for, in words."""
        if self.kind == "window":
            return f"values from {self.low:g} to {self.high:g} of the file's own units"
        known = {"byte": "8-bit pictures", "as-is": "values in [0, 1]", "stretch": "8-bit pictures, each stretched"}
        return known.get(self.kind, "images of any range")

    def _plain(self, plain: np.ndarray, dtype: np.dtype) -> Mapped:
        how = "as it is" if dtype.kind == "f" else f"the full range of {dtype}"
        if self.kind != "window":
            return Mapped(plain, how)
        return Mapped(
            plain, how, f"values of {dtype} in place of {self.wanted}: taken to have been windowed so already"
        )

    def _window(self, pixels: np.ndarray) -> Mapped:
        low, high = np.float32(self.low or 0), np.float32(self.high or 0)
        windowed = np.clip((pixels.astype(np.float32) - low) / (high - low), 0, 1)
        return Mapped(windowed, f"window {self.low:g} to {self.high:g}")

    def _percentile(self, pixels: np.ndarray) -> Mapped:
        low, high = np.percentile(pixels.astype(np.float32), [self.low or 0, self.high or 100])
        return Mapped(between(pixels, low, high), f"percentiles {self.low:g} to {self.high:g} of this image")


def intensity_of(card: Mapping[str, Any], name: str) -> Intensity:
    """The rule in a model's card; cards from before there was one mean 8-bit pictures.

    Raises:
        CheckpointError: a rule that is none.
    """
    try:
        return Intensity.model_validate(card.get("intensity") or {"kind": "byte"})
    except ValidationError as error:
        reason = error.errors()[0]["msg"]
        raise CheckpointError(
            f"{name}: field intensity of its JSON: {reason}; take the JSON that was trained"
        ) from error


def full_range(pixels: np.ndarray) -> np.ndarray | None:
    """Pictures of 8 or 16 bits, or floats in [0, 1], as `[0, 1]`; None for values in units of their own."""
    if pixels.dtype in (np.uint8, np.uint16):
        return pixels.astype(np.float32) / np.float32(np.iinfo(pixels.dtype).max)
    if pixels.dtype.kind in "bf" and pixels.min() >= 0 and pixels.max() <= 1:
        return pixels.astype(np.float32)
    return None


def stretch(pixels: np.ndarray, display: tuple[float, float] | None) -> Mapped:
    """From the darkest to the brightest value of this image, after the file's own window if it has one."""
    shown = pixels if display is None else np.clip(pixels, *display)
    how = "stretched from its darkest to its brightest value" + (
        f", after the file's window {display[0]:g} to {display[1]:g}" if display else ""
    )
    warning = (
        f"the model was trained on 8-bit pictures, each stretched: values {extent(pixels)} were {how}; "
        "--window LO HI would fix black and white"
    )
    return Mapped(between(shown, shown.min(), shown.max()), how, warning)


def eight_bit(pixels: np.ndarray) -> Mapped:
    """From the darkest to the brightest value, rounded (halves up) to the 256 steps of an 8-bit picture.

    With the steps the network sees, bit for bit, what it was trained on.
    """
    values = pixels.astype(np.float64)
    low, high = values.min(), values.max()
    steps = np.floor(255 * (values - low) / (high - low) + 0.5) if low < high else np.zeros_like(values)
    return Mapped(
        steps.astype(np.float32) / np.float32(255), "stretched from its darkest to its brightest value, in 256 steps"
    )


def between(pixels: np.ndarray, low: float, high: float) -> np.ndarray:
    """`low` -> 0 and `high` -> 1, clipped; all 0 where there is nothing between them."""
    values = pixels.astype(np.float32)
    if not low < high:
        return np.zeros_like(values)
    return np.clip((values - np.float32(low)) / np.float32(high - low), 0, 1)


def extent(pixels: np.ndarray) -> str:
    """The least and the greatest value, for a sentence."""
    return f"{pixels.min():g} to {pixels.max():g}"
