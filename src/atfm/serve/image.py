"""`Image`: one that callers look at, with its annotators, and what a page has to know of it."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from atfm.models import Model
from atfm.predict.opened import Opened
from atfm.predict.source import Source
from atfm.predict.view import View, view_of
from atfm.predict.ways import ways_of
from atfm.serve.upload import Upload

__all__ = ["KEY", "NAME", "Image", "apart"]

NAME = "image"  # of what was sent, as an error calls it
KEY = "image-0"  # its noise, as `model.sample` has it


@dataclass(frozen=True, eq=False)
class Image:
    """An image and its annotators.

    Args:
        opened: as it was read.
        upload: what was sent, where a result refers to its files; else None.
        masks: `[K, *spatial]` labels of annotators, of a case; else None.
        classes: labels of the masks, background included; 1 is binary.
        attribution: whose it is, as has to be shown with it.
    """

    opened: Opened
    upload: Upload | None = None
    masks: np.ndarray | None = None
    classes: int = 1
    attribution: str | None = None

    @cached_property
    def view(self) -> View:
        """How it can be looked at."""
        return view_of(self.opened.source)

    @property
    def nbytes(self) -> int:
        """What it takes to keep it."""
        kept = 0 if self.upload is None else self.upload.nbytes
        return self.opened.nbytes + kept + (0 if self.masks is None else self.masks.nbytes)

    @property
    def readers(self) -> list[str]:
        """What to call the annotators."""
        return [] if self.masks is None else [f"reader {number}" for number in range(1, len(self.masks) + 1)]

    def told(self, models: Iterable[Model]) -> dict[str, Any]:
        """As an answer tells it."""
        view, windows = self.view, self.view.windows
        return {
            "size": {"width": view.width, "height": view.height, "slices": view.slices},
            "channels": view.channels,
            "kind": "flat" if view.slices == 1 else "volume",
            "spacing": _spacing(view),
            "letters": None if view.letters is None else view.letters._asdict(),
            "window": {"low": windows.usual.low, "high": windows.usual.high},
            "presets": [preset._asdict() for preset in windows.presets],
            "units": windows.units,
            "ways": {model.name: _ways(model, self.opened) for model in models},
            "readers": self.readers,
            "attribution": self.attribution,
            "warnings": list(view.warnings),
        }


def apart(opened: Opened) -> Opened:
    """The same without its file, which a reader may only have mapped into memory."""
    source = _apart(opened.source)
    if opened.deep is None or opened.deep is opened.source:
        return replace(opened, source=source, deep=None if opened.deep is None else source)
    return replace(opened, source=source, deep=_apart(opened.deep))


def _apart(source: Source) -> Source:
    pixels = source.picture.pixels
    owner: Any = pixels
    while isinstance(owner, np.ndarray) and not isinstance(owner, np.memmap):
        owner = owner.base
    if owner is None:  # nothing but memory lies under it
        return source
    return source._replace(picture=source.picture._replace(pixels=np.array(pixels)))


def _spacing(view: View) -> dict[str, float | None] | None:
    if view.spacing is None:
        return None
    x, y, *z = view.spacing
    return {"x": x, "y": y, "z": z[0] if z else None}


def _ways(model: Model, opened: Opened) -> dict[str, Any]:
    """How the image can be given to a model."""
    ways = ways_of(model, opened)
    return {
        "whole": ways.whole,
        "slices": ways.slices,
        "spot": ways.spot,
        "sees": None if ways.sees is None else ways.sees._asdict(),
        "field": None if ways.field is None else {"width": ways.field[0], "height": ways.field[1]},
        "window": None if ways.window is None else {"low": float(ways.window[0]), "high": float(ways.window[1])},
        "why": ways.why,
        "warnings": list(ways.warnings),
    }
