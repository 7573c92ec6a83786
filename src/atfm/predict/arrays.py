"""Arrays and tensors, of any type of number and with their axes in either order, as images `[C, *spatial]`."""

from collections.abc import Sequence

import numpy as np

from atfm.errors import InputError
from atfm.metrics.masks import Array, as_array

__all__ = ["as_image", "is_batch"]


def is_batch(image: "Array | Sequence[Array]", dims: int) -> bool:
    """Whether several images are meant: a list or tuple of them, or an array with two axes more than an image."""
    return isinstance(image, list | tuple) or getattr(image, "ndim", 0) == dims + 2


def as_image(image: Array, dims: int, channels: int = 1) -> np.ndarray:
    """One image with its channels first, of its own type.

    Args:
        image: `[*spatial]`, `[C, *spatial]` or `[*spatial, C]`, numpy or torch, bool, whole or floating numbers. Of
            `[*spatial, 4]` the transparency is left out, unless the model has four channels.
        dims: how many spatial axes it has, 2 or 3.
        channels: those of the model; grey and colour are always known.

    Returns:
        `[C, *spatial]`.

    Raises:
        InputError: another kind of content, no pixels, or axes that are none of these.
    """
    pixels = as_array(image)
    layout = _layout(dims, channels)
    if pixels.dtype.kind not in "biuf":
        raise InputError(f"image: expected numbers {layout}, got an array of {pixels.dtype}")
    if pixels.size == 0:
        raise InputError(f"image: expected {layout}, got {list(pixels.shape)}, which holds no pixel")
    if pixels.ndim == dims:
        return pixels[None]
    if pixels.ndim == dims + 1 and pixels.shape[0] in (1, 3, channels):
        return pixels
    if pixels.ndim == dims + 1 and pixels.shape[-1] in (1, 3, 4, channels):
        first = np.moveaxis(pixels, -1, 0)
        return first if len(first) == channels else first[:3]
    raise InputError(f"image: expected {layout}, got {list(pixels.shape)}{_advice(pixels, dims)}")


def _layout(dims: int, channels: int) -> str:
    axes = "H, W" if dims == 2 else "D, H, W"
    known = "1 or 3" if channels in (1, 3) else f"1, 3 or {channels}"
    return f"[{axes}], [C, {axes}] or [{axes}, C] with {known} channels, or a batch [B, C, {axes}] or list of such"


def _advice(pixels: np.ndarray, dims: int) -> str:
    if dims == 2 and pixels.ndim == 3:
        return "; of a volume give at=(x, y, z), or its slices as a list"
    return ""
