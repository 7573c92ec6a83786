"""`Ways`: in which ways a model can be asked about an image, found by trying each of them once.

ways = ways_of(model, opened)
ways.whole, ways.slices, ways.spot        # and what of the image the model looks at
"""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from atfm.data.geometry.masks import masks_back
from atfm.errors import InputError
from atfm.predict.fitting import Window
from atfm.predict.opened import Opened, prepare_opened
from atfm.predict.prepared import Prepared, Trained
from atfm.predict.turning import turned_to
from atfm.predict.windows import windows_of

__all__ = ["Seen", "Ways", "ways_of"]

WINDOW = (
    "the model's rule has no place for values from {low:g} to {high:g}; it is shown those from {black:g} (black) to "
    "{white:g} (white), or give a window"
)


class Seen(NamedTuple):
    """A rectangle of a slice, in its pixels as the file stores them."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Ways:
    """What a model can be asked.

    Args:
        whole: about the image as it is.
        slices: about slices of it, as the file stores them.
        spot: about the place round a pixel; not offered where the model looks at the whole image anyway.
        sees: what it looks at in a whole image, or in each slice; None where that is all.
        field: width and height in pixels of what it looks at round a spot; None where it cannot be asked so.
        window: the values that have to become black and white, where its own rule has no place for those of the image.
        why: of each way, "whole", "slices" and "spot", that was tried in vain: why it is none.
        warnings: what is unlike its training, but for what depends on the place.
    """

    whole: bool
    slices: bool
    spot: bool
    sees: Seen | None
    field: tuple[float, float] | None
    window: Window | None
    why: dict[str, str]
    warnings: tuple[str, ...]

    @property
    def none(self) -> bool:
        """Whether the model cannot be asked about this image at all."""
        return not (self.whole or self.slices or self.spot)


def ways_of(model: Trained, opened: Opened) -> Ways:
    """In which ways a model can be asked about an image.

    Args:
        model: a loaded model.
        opened: the image.
    """
    ways = _tried(model, opened, None)
    if not ways.none:
        return ways
    usual = windows_of(opened.source).usual
    window = (usual.low, usual.high)
    windowed = _tried(model, opened, window)
    if windowed.none:
        return ways
    pixels = opened.source.picture.pixels
    told = WINDOW.format(low=pixels.min(), high=pixels.max(), black=usual.low, white=usual.high)
    return replace(windowed, window=window, warnings=(told, *windowed.warnings))


def _tried(model: Trained, opened: Opened, window: Window | None) -> Ways:
    """Every way, with one window or the model's own rule."""
    source, flat = opened.source, len(model.method.size) == 2
    *depth, height, width = source.picture.pixels.shape[1:]
    several = bool(depth) and depth[0] > 1
    turned = turned_to(model, source)
    asked: dict[str, dict[str, Any]] = {"spot": {"at": (width // 2, height // 2, *(d // 2 for d in depth))}}
    if not (flat and several):
        asked["whole"] = {}
    elif turned.turn.in_plane:  # else slices of the model are none of those that are shown
        asked["slices"] = {"slices": [depth[0] // 2]}
    found: dict[str, Prepared] = {}
    why: dict[str, str] = {}
    for way, how in asked.items():
        try:
            found[way] = prepare_opened(model, opened, window=window, **how)
        except InputError as error:
            why[way] = str(error)
    looked = found.get("whole") or found.get("slices")
    field = _field(model, found["spot"]) if "spot" in found else None
    larger = field is not None and (several or width > field[0] or height > field[1])
    about = found["whole"].warnings if "whole" in found else turned.picture.warnings
    return Ways(
        whole="whole" in found,
        slices="slices" in found,
        spot="spot" in found and (larger or looked is None),
        sees=None if looked is None else _sees(model, looked),
        field=field,
        window=None,
        why=why,
        warnings=tuple(sentence for sentence in about if sentence not in source.picture.warnings),
    )


def _sees(model: Trained, prepared: Prepared) -> Seen | None:
    """The central window of a model in an image that it is given whole."""
    method, place, grid = model.method, prepared.place, prepared.grid
    if method.stride is not None or tuple(method.window) == tuple(method.size):
        return None
    inside = np.zeros((1, 1, *method.size), np.float32)
    central: tuple[Any, ...] = tuple(
        slice((size - own) // 2, (size - own) // 2 + own) for size, own in zip(method.size, method.window, strict=True)
    )
    inside[0, 0][central] = 1
    back = inside[0] > 0 if grid is None else next(masks_back(grid, inside))  # on the pixels of the image
    lies = place.put(back.reshape(place.size), planes=True)
    rows, columns = np.nonzero(lies.reshape(-1, *lies.shape[-2:]).any(0))
    x, y = int(columns.min()), int(rows.min())
    return Seen(x, y, int(columns.max()) - x + 1, int(rows.max()) - y + 1)


def _field(model: Trained, prepared: Prepared) -> tuple[float, float] | None:
    """Width and height, in pixels of the file's own slices, of the window that a model has round a spot."""
    if prepared.field is None:
        return None
    inner = [own * step for own, step in zip(model.method.window, prepared.field.step, strict=True)]
    sides = [1.0] * (3 - len(inner)) + inner
    along = dict(zip(prepared.place.turn.axes, sides, strict=True))  # axis of the file -> pixels of it
    return along[2], along[1]
