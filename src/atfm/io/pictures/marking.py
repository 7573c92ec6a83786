"""`MaskRule`: what a user states of masks that do not say themselves which of their pixels mean what.

threshold 127                 above it is the region: masks saved as JPEG, or with soft edges
foreground 255                that value is the region: a number as stored, of a palette its index
foreground '#ff0000'          that colour, as shown, is the region; `visible` and `transparent` stand for the alpha
labels 0=0 128=1 '#00f'=2     a table from every value or colour to a label
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self, TypeAlias

from PIL import ImageColor

from atfm.errors import InputError
from atfm.io.decoding import brief

__all__ = ["Colour", "Key", "MaskRule", "named", "parse_key"]

Colour: TypeAlias = tuple[int, int, int]
Key: TypeAlias = float | Colour | Literal["visible", "transparent"]

NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE)


@dataclass(frozen=True)
class MaskRule:
    """What the values and colours of masks mean; nothing stated means that the file has to be plain about it.

    Args:
        threshold: grey values above it are the region.
        foreground: what is the region; everything else is not.
        labels: `(what, label)` for every value or colour that may stand in a mask.

    Raises:
        InputError: more than one of the three, a threshold that is not finite, or labels beyond 0 to 255.
    """

    threshold: float | None = None
    foreground: Key | None = None
    labels: tuple[tuple[Key, int], ...] = ()

    def __post_init__(self) -> None:
        given = [self.threshold is not None, self.foreground is not None, bool(self.labels)]
        if sum(given) > 1:
            raise InputError("masks: give one of --threshold, --foreground and --labels; each says all there is to say")
        if self.threshold is not None and not math.isfinite(self.threshold):
            raise InputError(f"--threshold: expected a finite number, got {self.threshold}")
        for key, label in self.labels:
            if not 0 <= label <= 255:
                raise InputError(f"--labels: {named(key)}={label}: a label is a whole number from 0 to 255")
        keys = [key for key, _ in self.labels]
        twice = next((key for number, key in enumerate(keys) if key in keys[:number]), None)
        if twice is not None:
            raise InputError(f"--labels: {named(twice)} stands in the table twice; give it once")

    @classmethod
    def of(
        cls, threshold: float | None = None, foreground: str | None = None, labels: Sequence[str] | None = None
    ) -> Self:
        """A rule from the words of a command line.

        Args:
            threshold: as it is.
            foreground: such as `255`, `#ff0000`, `white`, `visible` or `transparent`.
            labels: such as `128=1` or `#ff0000=2`, one for each value or colour.

        Raises:
            InputError: words that are no value, colour or table.
        """
        key = None if foreground is None else parse_key(foreground, "--foreground")
        return cls(threshold, key, tuple(parse_entry(text) for text in labels or ()))

    @property
    def stated(self) -> bool:
        """Whether anything is."""
        return self != MaskRule()

    @property
    def binary(self) -> bool:
        """Whether it makes masks of 0 and 1."""
        return self.threshold is not None or self.foreground is not None

    @property
    def highest(self) -> int:
        """The highest label of the table, 0 without one."""
        return max((label for _, label in self.labels), default=0)


def parse_key(text: str, what: str) -> Key:
    """A value, a colour, or a word for the alpha.

    Raises:
        InputError: none of these.
    """
    text = text.strip()
    if NUMBER.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    if text in ("visible", "transparent"):
        return "visible" if text == "visible" else "transparent"
    found: tuple[int, ...]
    try:
        found = ImageColor.getrgb(text)
    except ValueError:
        found = ()
    if len(found) != 3:  # a fourth number is an opacity, which no pixel is compared with
        raise InputError(
            f"{what}: expected a value such as 255, a colour such as '#ff0000' or white, visible or transparent; "
            f"got {brief(text)!r}"
        )
    return (found[0], found[1], found[2])


def parse_entry(text: str) -> tuple[Key, int]:
    """One entry of a table, `what=label`."""
    key, equals, label = text.rpartition("=")
    if not equals or not label.strip().isdecimal() or len(label) > 9:
        raise InputError(f"--labels: expected entries such as 128=1 or '#ff0000=2', got {brief(text)!r}")
    return parse_key(key, "--labels"), int(label)


def named(key: Key) -> str:
    """A value or colour as one would give it."""
    if isinstance(key, str):
        return key
    return f"{key:g}" if isinstance(key, int | float) else "#{:02x}{:02x}{:02x}".format(*key)
