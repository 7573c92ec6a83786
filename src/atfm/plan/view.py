"""`View`: what a network sees of the images of a set, and how its lesions lie in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from atfm.plan.facts import Facts, Range

__all__ = ["View", "spoken", "view_of"]

Size = tuple[int, ...]


@dataclass(frozen=True)
class View:
    """What a network sees.

    Args:
        size: its spatial size, of a training step.
        step: pixels of the usual image for each of the network's, along each axis.
        fields: of a configuration, that make it so: `fit`, `window`, `crop`; without them images are seen as they are.
        slides: whether a step sees a part of the image alone.
    """

    size: Size
    step: tuple[float, ...]
    fields: Mapping[str, Any] = field(default_factory=dict)
    slides: bool = False

    def lesion(self, facts: Facts) -> Range:
        """Sides of the box round all that is marked in an image, in pixels of the network."""
        if facts.lesion is None:
            raise ValueError("a set in which nothing is marked has no lesion")
        return facts.lesion.times(tuple(1 / step for step in self.step))

    def whole(self, facts: Facts) -> Range:
        """Sides of the images in pixels of the network."""
        return facts.size.times(tuple(1 / step for step in self.step))


def view_of(facts: Facts, *, fit: Mapping[str, Any] | None, window: Size | None, crop: Size | None) -> View:
    """Return what a configuration with these fields sees of the set."""
    fields = {name: value for name, value in (("fit", fit), ("window", window), ("crop", crop)) if value}
    step = (1.0,) * facts.dims
    size = tuple(round(side) for side in facts.size.usual)
    if fit and fit.get("canvas"):
        size = tuple(fit["canvas"])
        step = canvas_step(facts.size.usual, size)
    elif fit and fit.get("step"):
        step = tuple(fit["step"])
    elif fit and fit.get("spacing"):
        usual = facts.spacing.usual if facts.spacing else step
        step = tuple(want / mm for want, mm in zip(fit["spacing"], usual, strict=True))
    if fit and not fit.get("canvas"):
        size = tuple(max(1, round(side / by)) for side, by in zip(facts.size.usual, step, strict=True))
    return View(tuple(window or crop or size), step, fields, slides=crop is not None)


def canvas_step(size: Sequence[float], canvas: Sequence[int]) -> tuple[float, ...]:
    """Pixels of an image for each of a canvas, whose rows and columns have one step; see `Fit.grid`."""
    each = [length / side for length, side in zip(size, canvas, strict=True)]
    return (*each[:-2], max(each[-2:]), max(each[-2:]))


def spoken(sides: Sequence[float]) -> str:
    """A size in words: `128x96`, and `128` where all sides are one."""
    rounded = [f"{side:,.0f}" if side >= 10 else f"{side:.3g}" for side in sides]
    return "x".join(rounded) if len(set(rounded)) > 1 else f"{rounded[0]}" if len(sides) == 1 else "x".join(rounded)
