"""Arrays and tensors, of any type of number and with their axes in either order, as images `[C, *spatial]`."""

from collections.abc import Sequence

import numpy as np

from atfm.errors import InputError
from atfm.metrics.masks import Array, as_array

__all__ = ["as_image", "as_images", "is_batch"]


def is_batch(image: "Array | Sequence[Array]", dims: int) -> bool:
    """Whether several images are meant: a list or tuple of them, or an array with two axes more than an image."""
    return isinstance(image, list | tuple) or getattr(image, "ndim", 0) == dims + 2


def as_images(batch: "Array | Sequence[Array]", dims: int) -> list[np.ndarray]:
    """The images of a batch, each as `as_image` gives it.

    Raises:
        InputError: an empty batch, or an image that is none.
    """
    images = [as_image(one, dims) for one in batch]
    if not images:
        raise InputError("image: expected at least one image in the batch, got none")
    return images


def as_image(image: Array, dims: int) -> np.ndarray:
    """One image with its channels first, of its own type.

    Args:
        image: `[*spatial]`, `[C, *spatial]` or `[*spatial, C]`, numpy or torch, bool, whole or floating numbers. Of
            `[*spatial, 4]` the transparency is left out.
        dims: how many spatial axes it has, 2 or 3.

    Returns:
        `[C, *spatial]`.

    Raises:
        InputError: another kind of content, no pixels, or axes that are none of these.
    """
    pixels = as_array(image)
    layout = _layout(dims)
    if pixels.dtype.kind not in "biuf":
        raise InputError(f"image: expected numbers {layout}, got an array of {pixels.dtype}")
    if pixels.size == 0:
        raise InputError(f"image: expected {layout}, got {list(pixels.shape)}, which holds no pixel")
    if pixels.ndim == dims:
        return pixels[None]
    if pixels.ndim == dims + 1 and pixels.shape[0] in (1, 3):
        return pixels
    if pixels.ndim == dims + 1 and pixels.shape[-1] in (1, 3, 4):
        return np.moveaxis(pixels, -1, 0)[:3]
    raise InputError(f"image: expected {layout}, got {list(pixels.shape)}{_advice(pixels, dims)}")


def _layout(dims: int) -> str:
    axes = "H, W" if dims == 2 else "D, H, W"
    return f"[{axes}], [C, {axes}] or [{axes}, C] with 1 or 3 channels, or a batch [B, C, {axes}] or list of such"


def _advice(pixels: np.ndarray, dims: int) -> str:
    if dims == 2 and pixels.ndim == 3:
        return "; of a volume give at=(x, y, z), or its slices as a list"
    return ""
