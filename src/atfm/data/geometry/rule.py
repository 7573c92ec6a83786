"""`Fit`: the rule by which images of any size and spacing are brought to a network, and its answer for one image."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from atfm.data.geometry.grid import Grid
from atfm.errors import CheckpointError, ConfigError, InputError

__all__ = ["Fit", "fit_of", "known_spacing", "usual_spacing"]

_MOST = 2**31  # of the network's pixels of one image: the largest volumes have 2**30 voxels


@dataclass(frozen=True)
class Fit:
    """One of `spacing`, `step` and `canvas`; see `atfm.train.config.FitConfig`.

    Args:
        spacing: millimetres of the network's pixels along each axis.
        step: pixels of the image for each of the network's.
        canvas: spatial size into which the whole image is scaled.
        usual: millimetres of the training images' pixels, which an image is taken to have that does not say; with
            `spacing` only.
    """

    spacing: tuple[float, ...] | None = None
    step: tuple[float, ...] | None = None
    canvas: tuple[int, ...] | None = None
    usual: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        given = [side for side in (self.spacing, self.step, self.canvas) if side is not None]
        if len(given) != 1:
            raise ConfigError(f"field 'fit': expected one of spacing, step and canvas, got {len(given)} of them")
        if len(given[0]) not in (2, 3) or not all(0 < side < math.inf for side in given[0]):
            raise ConfigError(f"field 'fit': expected two or three numbers above 0, got {list(given[0])}")

    @property
    def dims(self) -> int:
        """For how many spatial axes it is."""
        return len(self.spacing or self.step or self.canvas or ())

    def grid(self, whole: Sequence[int], spacing: Sequence[float] | None = None) -> Grid:
        """Return the pixels that the network sees of an image.

        With `spacing` and `step` there are as many as the image has room for, `round(whole / step)` and at least one;
        with a canvas `step = max(whole / canvas)`, one for rows and columns together, so that the aspect is kept, and
        another for the slices of a volume.

        Args:
            whole: spatial size of the image.
            spacing: millimetres of its pixels along each axis; None where they are not known.

        Raises:
            InputError: an image with other axes, or one that would get more pixels than any machine holds.
        """
        if len(whole) != self.dims:
            raise InputError(f"image: expected {self.dims} spatial axes as in the model's fit, got {list(whole)}")
        if self.canvas is not None:
            each = [length / side for length, side in zip(whole, self.canvas, strict=True)]
            step = (*each[:-2], max(each[-2:]), max(each[-2:]))
            return Grid(tuple(whole), self.canvas, step)
        step = self.step or self._by_spacing(spacing)
        size = [max(1, math.floor(min(length / by, _MOST) + 0.5)) for length, by in zip(whole, step, strict=True)]
        if math.prod(size) > _MOST:
            wanted = " x ".join(f"{by:.3g}" for by in step)
            raise InputError(
                f"image of {' x '.join(map(str, whole))} pixels: each of the network's takes {wanted} of them, which "
                f"makes {math.prod(size):.1e}; state its spacing in millimetres, or crop it"
            )
        return Grid(tuple(whole), tuple(size), step)

    def seen(self, image: np.ndarray, spacing: tuple[float, ...]) -> tuple[np.ndarray, tuple[float, ...]]:
        """Return an image `[C, *spatial]` in [0, 1] as the network sees it, without what pads it, and its spacing.

        Args:
            image: as it is.
            spacing: of its pixels, 1.0 along all axes where it is not known, and then in what is returned too.
        """
        known = known_spacing(spacing)
        grid = self.grid(image.shape[1:], known)
        coarser = spacing if known is None else tuple(mm * by for mm, by in zip(known, grid.step, strict=True))
        return np.clip(grid.inner(grid.bring(image)), 0, 1), coarser

    def _by_spacing(self, spacing: Sequence[float] | None) -> tuple[float, ...]:
        wanted = self.spacing or ()
        given = tuple(spacing) if spacing is not None else self.usual or (1.0,) * len(wanted)
        return tuple(want / mm for want, mm in zip(wanted, given, strict=True))


def known_spacing(spacing: Sequence[float]) -> tuple[float, ...] | None:
    """The spacing of a stored case, None where it is 1.0 along all axes: what stands there where nobody said."""
    return None if all(mm == 1.0 for mm in spacing) else tuple(map(float, spacing))


def usual_spacing(spacings: Iterable[Sequence[float]]) -> tuple[float, ...] | None:
    """The median along each axis of those that are known; None where none is."""
    known = [spacing for spacing in map(known_spacing, spacings) if spacing is not None]
    return tuple(np.median(np.array(known), 0).tolist()) if known else None


def fit_of(card: Mapping[str, Any], name: str) -> Fit | None:
    """The rule that a model's card tells; None of a model that takes images as they are.

    Raises:
        CheckpointError: one that is none.
    """
    config = card.get("config")
    fields = config.get("fit") if isinstance(config, Mapping) else None
    if fields is None:
        return None
    try:
        usual = card.get("usual_spacing")
        sides = {key: None if value is None else tuple(value) for key, value in fields.items()}
        return Fit(**sides, usual=None if usual is None else tuple(map(float, usual)))
    except (TypeError, ValueError, AttributeError, ConfigError) as error:
        raise CheckpointError(f"{name}: field fit of its JSON: {error}; take the JSON of its training") from error
