"""In which ways an image can be given to a model: as a whole, slice by slice, or round a point."""

from typing import Any

import numpy as np

from atfm.errors import AtfmError
from atfm.models import Model
from atfm.predict.fitting import Fitting, Window
from atfm.predict.prepared import Prepared
from atfm.predict.turning import turned_to
from atfm.serve.image import Image

__all__ = ["NAME", "fitting", "ways"]

NAME = "image"  # of what was sent, as an error calls it


def fitting(model: Model, image: Image, window: Window | None = None) -> Fitting:
    """What fits parts of an image to a model.

    Raises:
        AtfmError: a card that is none.
    """
    return Fitting(model, turned_to(model, image.source), NAME, window)


def ways(model: Model, image: Image) -> dict[str, Any]:
    """As an answer tells them; what is refused says why, in `why`.

    They are tried, on the middle of the image, so that they are what a drawing would find.
    """
    depth, height, width = image.voxels.shape[1:]
    flat = image.source.picture.pixels.ndim == 3
    volume = depth > 1
    middle = (width // 2, height // 2) if flat else (width // 2, height // 2, depth // 2)
    plane = len(model.method.size) == 2
    tried = {
        "whole": None if volume and plane else lambda: fitting(model, image).whole(None),
        "slices": (lambda: fitting(model, image).whole([_middle(model, image)])) if volume and plane else None,
        "spot": lambda: fitting(model, image).round(middle),
    }
    found: dict[str, Prepared | str] = {}
    for way, prepare in tried.items():
        try:
            found[way] = "" if prepare is None else prepare()
        except AtfmError as error:
            found[way] = str(error)
    fits = {way: isinstance(one, Prepared) for way, one in found.items()}
    first = next((one for one in found.values() if isinstance(one, Prepared)), None)
    return {
        **fits,
        "sees": _sees(model, found["whole"], found["slices"]),
        "warnings": [] if first is None else list(dict.fromkeys(first.warnings)),
        "why": {way: one for way, one in found.items() if isinstance(one, str) and one},
    }


def _middle(model: Model, image: Image) -> int:
    """The middle slice along the axis of the model's slices, as the file counts."""
    turn = turned_to(model, image.source).turn
    return int(image.source.picture.pixels.shape[1:][turn.axes[0]] // 2)


def _sees(model: Model, *found: Prepared | str) -> dict[str, int] | None:
    """The central part of the image that the model looks at; None where it looks at all of it, or at none."""
    one = next((one for one in found if isinstance(one, Prepared)), None)
    method = model.method
    if one is None or one.field is not None or tuple(one.image.shape[-2:]) != tuple(method.size[-2:]):
        return None
    if tuple(method.window) == tuple(method.size) or len(method.size) != 2:
        return None
    seen = np.zeros(method.size, bool)
    rows, columns = ((size - width) // 2 for size, width in zip(method.size, method.window, strict=True))
    seen[rows : rows + method.window[0], columns : columns + method.window[1]] = True
    place = one.place
    lies = place.turn.inverse.array(seen[None] if len(place.whole) == 3 else seen, len(place.whole))
    y, x = np.nonzero(lies.any(0) if lies.ndim == 3 else lies)
    if not len(x):
        return None
    return {
        "x": int(x.min()),
        "y": int(y.min()),
        "width": int(x.max() - x.min() + 1),
        "height": int(y.max() - y.min() + 1),
    }
