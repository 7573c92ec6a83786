"""Where masks lie in the image that they are of: all of it, some of its slices, or the field round a point.

    field = Field.round(point, size, whole, step)
    seen = field.cut(image)          # what the model looks at, [C, *size]
    masks = field.back(drawn)        # [s, C, *box], on the pixels of the image
    place.put(masks)                 # [s, C, *whole]

A model of crops takes a scan by its field: `size` pixels round a point, from `point - size // 2` on, `step` pixels of
the image apart. At a step of 1 they are the image's own pixels and nothing is computed. At any other step both ways are
linear, `(1 - f) v[k] + f v[k + 1]`, and what is made coarser is smoothed first by a Gaussian of `(step - 1) / 2`
pixels, half the width of what falls together, so that fine lines do not flicker. Beyond its border the image is
reflected. For a model that fits images (`atfm.data.geometry`) the linear filter is widened instead, as in its training.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import gaussian_filter1d

from atfm.data.geometry.weights import linear, spread
from atfm.errors import InputError
from atfm.io.volumes.turn import Turn

__all__ = ["Field", "Place"]

SMOOTHED = 3  # pixels more than the standard deviation reaches, on either side


@dataclass(frozen=True)
class Place:
    """Where the spatial axes of a prediction lie in the whole image.

    Args:
        whole: the spatial size of the image in its file, as many axes as the prediction has.
        index: for each axis of the file the pixels that the prediction covers, ascending.
        spacing: millimetres along each axis of the file; None where nobody said.
        affine: `[4, 4]` from `(column, row, slice, 1)` to RAS millimetres; None where nobody said.
        form: what the image was: "raster", "npy", "nifti", "dicom", or "array" for what was no file.
        files, frames: the DICOM file of each covered slice, and its frame in that file; empty for other formats.
        turn: from the file's order of axes to that of the prediction.
    """

    whole: tuple[int, ...]
    index: tuple[np.ndarray, ...]
    spacing: tuple[float, ...] | None = None
    affine: np.ndarray | None = None
    form: str = "array"
    files: tuple[Path, ...] = ()
    frames: tuple[int, ...] = ()
    turn: Turn = field(default_factory=Turn)

    @property
    def size(self) -> tuple[int, ...]:
        """The spatial size of the prediction, in its own order of axes."""
        return tuple(map(int, self.turn.numbers([len(covered) for covered in self.index])))

    @property
    def slices(self) -> tuple[int, ...]:
        """The covered slices of a volume, as the file counts along the axis of the model's; none of a flat image."""
        return tuple(self.index[self.turn.axes[0]].tolist()) if len(self.whole) == 3 else ()

    @property
    def mm2(self) -> float | None:
        """The area of a pixel, where it is known and the prediction is of one plane."""
        if self.spacing is None or (len(self.whole) == 3 and self.size[0] > 1):
            return None
        dy, dx = self.turn.numbers(self.spacing)[-2:]
        return dy * dx

    @property
    def ml(self) -> float | None:
        """The volume of a voxel, where it is known and the prediction is of several planes."""
        if self.spacing is None or len(self.whole) == 2 or self.size[0] == 1:
            return None
        return self.spacing[0] * self.spacing[1] * self.spacing[2] / 1000

    def put(self, part: np.ndarray, *, planes: bool = False) -> np.ndarray:
        """Put `[..., *size]` into zeros `[..., *whole]`, in the order of the file.

        Args:
            part: values of the prediction.
            planes: of a volume only the covered slices of the file, `[..., n, H, W]`.
        """
        return self._put(part, 0 if planes else None)

    def pictures(self, part: np.ndarray) -> np.ndarray:
        """Put `[..., *size]` into the covered slices of the model, each of the whole size and in the order of the file.

        Returns:
            `[..., n, A, B]`, the axes of the file that lie in these slices, or `[..., H, W]` of a flat image.
        """
        if len(self.whole) == 2:
            return self._put(part, None)
        return np.moveaxis(self._put(part, self.turn.axes[0]), self.turn.axes[0] - 3, -3)

    def _put(self, part: np.ndarray, only: int | None) -> np.ndarray:
        """Put a part, and of one axis keep `only` what is covered."""
        whole, index = list(self.whole), list(self.index)
        part = self.turn.inverse.array(part, len(whole))
        if only is not None and len(whole) == 3:
            whole[only], index[only] = len(index[only]), np.arange(len(index[only]))
        if part.shape[-len(whole) :] == tuple(whole):
            return np.ascontiguousarray(part)
        placed = np.zeros((*part.shape[: -len(whole)], *whole), part.dtype)
        inside: tuple[Any, ...] = (..., *np.ix_(*index))
        placed[inside] = part
        return placed


@dataclass(frozen=True)
class Field:
    """The part of an image that a model looks at round a point.

    Args:
        point: a pixel of the image, in the order of its axes.
        size: of the field, in its own pixels.
        whole: the spatial size of the image.
        step: pixels of the image from one pixel of the field to the next, along each axis.
        widened: what is made coarser is smoothed by the linear filter of `atfm.data.geometry`, not by a Gaussian.
    """

    point: tuple[int, ...]
    size: tuple[int, ...]
    whole: tuple[int, ...]
    step: tuple[float, ...] = field(default=())
    widened: bool = False

    def __post_init__(self) -> None:
        if not self.step:
            object.__setattr__(self, "step", (1.0,) * len(self.size))
        beyond = [not 0 <= at < length for at, length in zip(self.point, self.whole, strict=True)]
        if any(beyond):
            ends = " x ".join(f"0 to {length - 1}" for length in reversed(self.whole))
            raise InputError(
                f"point {' '.join(map(str, reversed(self.point)))}: expected a pixel of the image, {ends}; "
                "columns come first, then rows, then slices"
            )

    @property
    def box(self) -> tuple[np.ndarray, ...]:
        """For each axis the pixels of the image that lie in the field."""
        box = []
        for at, wide, length, step in self._axes():
            first, last = at - (wide // 2 + 0.5) * step, at + (wide - wide // 2 - 0.5) * step
            box.append(np.arange(max(0, int(np.ceil(first))), min(length - 1, int(np.ceil(last)) - 1) + 1))
        return tuple(box)

    @property
    def reaches_beyond(self) -> bool:
        """Whether a part of the field lies outside the image."""
        return any(
            at - wide // 2 * step < -0.5 or at + (wide - 1 - wide // 2) * step > length - 0.5
            for at, wide, length, step in self._axes()
        )

    def cut(self, image: np.ndarray) -> np.ndarray:
        """Cut the field out of an image `[C, *whole]`: `[C, *size]`, of the same type."""
        seen = image
        for axis, (at, wide, length, step) in enumerate(self._axes(), start=1):
            where = at + (np.arange(wide) - wide // 2) * step
            if step == 1:
                seen = seen.take(mirrored(where.astype(int), length), axis)
                continue
            if self.widened:
                reach = np.arange(int(np.floor(where[0] - step)) - 1, int(np.ceil(where[-1] + step)) + 2)
                there = np.moveaxis(seen.take(mirrored(reach, length), axis), axis, -1)
                seen = np.moveaxis(spread(there, [linear(where - reach[0], step, len(reach))]), -1, axis)
                continue
            margin = 1 + (int(np.ceil(SMOOTHED * (step - 1) / 2)) if step > 1 else 0)
            reach = np.arange(int(np.floor(where[0])) - margin, int(np.floor(where[-1])) + margin + 2)
            values = seen.take(mirrored(reach, length), axis).astype(np.float32)
            if step > 1:
                values = gaussian_filter1d(values, (step - 1) / 2, axis)
            seen = between(values, where - reach[0], axis)
        whole_numbers = image.dtype.kind in "iu"
        return (np.rint(seen) if whole_numbers and seen.dtype != image.dtype else seen).astype(image.dtype)

    def back(self, drawn: np.ndarray) -> np.ndarray:
        """Put masks `[s, C, *size]` of the field on the pixels of the image: `[s, C, *box]` bool."""
        values = self.back_values(drawn)
        if values.dtype == bool:
            return values
        if values.shape[1] == 1:
            return values > 0.5
        best = values.argmax(1, keepdims=True)
        return np.arange(values.shape[1]).reshape(1, -1, *[1] * len(self.size)) == best

    def back_values(self, values: np.ndarray) -> np.ndarray:
        """Put values `[..., *size]` of the field on the pixels of the image: `[..., *box]`."""
        first = values.ndim - len(self.size)
        for axis, ((at, wide, _, step), pixels) in enumerate(zip(self._axes(), self.box, strict=True), start=first):
            where = wide // 2 + (pixels - at) / step
            if step == 1:
                values = values.take(where.astype(int), axis)
            else:
                values = between(values.astype(np.float32), np.clip(where, 0, wide - 1), axis)
        return values

    def _axes(self) -> list[tuple[int, int, int, float]]:
        return list(zip(self.point, self.size, self.whole, self.step, strict=True))


def mirrored(position: np.ndarray, length: int) -> np.ndarray:
    """Positions in an axis that is reflected at both ends, the pixel on the edge not repeated."""
    period = max(2 * (length - 1), 1)
    position = position % period
    return np.minimum(np.minimum(position, period - position), length - 1)


def between(values: np.ndarray, where: np.ndarray, axis: int) -> np.ndarray:
    """Values at positions `where` along an axis, linear between its pixels."""
    low = np.floor(where).astype(int)
    high = np.minimum(low + 1, values.shape[axis] - 1)
    share = (where - low).astype(values.dtype).reshape(-1, *[1] * (values.ndim - 1 - axis))
    return values.take(low, axis) * (1 - share) + values.take(high, axis) * share
