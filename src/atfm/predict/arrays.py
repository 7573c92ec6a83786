"""Arrays and tensors, of any type of number and with their axes in either order, as images `[C, *spatial]`."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from atfm.errors import AmbiguousError, InputError
from atfm.io.arrays import native
from atfm.metrics.masks import Array, as_array

__all__ = ["Arranged", "as_image", "is_batch"]

COLOURS = "an array whose first axis has 3 entries was taken for one image in colour, not for three in grey"
FOURTH = "the fourth channel of an array was left out as transparency"


class Arranged(NamedTuple):
    """An image with its channels first.

    Args:
        pixels: `[C, *spatial]`.
        warnings: a sentence for whatever was guessed or left out.
    """

    pixels: np.ndarray
    warnings: tuple[str, ...] = ()


def is_batch(image: "Array | Sequence[Array]", dims: int) -> bool:
    """Whether several images are meant: a list or tuple of them, or an array with two axes more than an image."""
    return isinstance(image, list | tuple) or getattr(image, "ndim", 0) == dims + 2


def as_image(image: Array, dims: int, channels: int = 1) -> Arranged:
    """One image with its channels first, of its own type in the byte order of this machine.

    Args:
        image: `[*spatial]`, `[C, *spatial]` or `[*spatial, C]`, numpy or torch, bool, whole or floating numbers. Of
            `[*spatial, 4]` the transparency is left out, unless the model has four channels.
        dims: how many spatial axes it has, 2 or 3.
        channels: those of the model; grey and colour are always known.

    Raises:
        InputError: another kind of content, no pixels, or axes that are none of these.
        AmbiguousError: channels that may be the first axis as well as the last.
    """
    pixels = as_array(image)
    layout = _layout(dims, channels)
    if pixels.dtype.kind not in "biuf":
        raise InputError(f"image: expected numbers {layout}, got an array of {pixels.dtype}")
    if pixels.size == 0:
        raise InputError(f"image: expected {layout}, got {list(pixels.shape)}, which holds no pixel")
    pixels = native(pixels) if not pixels.dtype.isnative else pixels
    if pixels.ndim == dims:
        return Arranged(pixels[None])
    if pixels.ndim != dims + 1:
        raise InputError(f"image: expected {layout}, got {list(pixels.shape)}{_advice(pixels, dims)}")
    first, last = pixels.shape[0] in (1, 3, channels), pixels.shape[-1] in (1, 3, 4, channels)
    if first and last and (pixels.shape[0], pixels.shape[-1]) != (1, 1):
        axes = _axes(dims)
        raise AmbiguousError(
            f"image: expected {layout}, got {list(pixels.shape)}, which may be [C, {axes}] or [{axes}, C]; give it in "
            f"grey without the axis of channels, as [{axes}], or with more columns"
        )
    if first:
        grey = channels == 1 and pixels.shape[0] == 3 and dims == 2
        return Arranged(pixels, (COLOURS,) if grey else ())
    if last:
        moved = np.moveaxis(pixels, -1, 0)
        return Arranged(moved) if len(moved) in (1, 3, channels) else Arranged(moved[:3], (FOURTH,))
    raise InputError(f"image: expected {layout}, got {list(pixels.shape)}{_advice(pixels, dims)}")


def _axes(dims: int) -> str:
    return "H, W" if dims == 2 else "D, H, W"


def _layout(dims: int, channels: int) -> str:
    axes = _axes(dims)
    known = "1 or 3" if channels in (1, 3) else f"1, 3 or {channels}"
    return f"[{axes}], [C, {axes}] or [{axes}, C] with {known} channels, or a batch [B, C, {axes}] or list of such"


def _advice(pixels: np.ndarray, dims: int) -> str:
    """What it looks like instead, and how that is given."""
    if pixels.ndim == 1:
        return "; this looks like an image whose rows were joined, or like one row of it; give it with two axes"
    if pixels.ndim < dims:
        return "; this looks like a single slice [H, W]; a volume of one slice is [1, H, W]"
    if pixels.ndim > dims + 2:
        return "; this looks like several batches, or samples of them; give one batch"
    if dims == 2:
        return (
            f"; of a volume give at=(x, y, z), or its slices as a list; this looks like {len(pixels)} images or slices "
            f"[N, H, W], and a batch of grey images is [{len(pixels)}, 1, H, W]"
        )
    return (
        f"; this looks like {len(pixels)} volumes [N, D, H, W], and a batch of grey ones is [{len(pixels)}, 1, D, H, W]"
    )
