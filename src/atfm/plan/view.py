"""`View`: what a network sees of the images of a set, and how its lesions lie in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from atfm.plan.facts import Facts, Range
from atfm.train.config import FitConfig

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


def view_of(facts: Facts, *, fit: FitConfig | None, window: Size | None, crop: Size | None) -> View:
    """Return what a configuration with these fields sees of the set's usual image."""
    given = {"fit": None if fit is None else fit.model_dump(exclude_none=True), "window": window, "crop": crop}
    fields = {name: value for name, value in given.items() if value}
    size = tuple(round(side) for side in facts.size.usual)
    step = (1.0,) * facts.dims
    if fit is not None:
        usual = facts.spacing.usual if facts.spacing else None
        grid = fit.rule(usual).grid(size, usual)
        size, step = grid.size, grid.step
    return View(tuple(window or crop or size), step, fields, slides=crop is not None)


def spoken(sides: Sequence[float]) -> str:
    """A size in words: `128x96`."""
    return "x".join(f"{side:,.0f}" if side >= 10 else f"{side:.3g}" for side in sides)
