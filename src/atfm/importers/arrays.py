"""Arrays and grey PNGs of other people's data sets as the image and the masks of a case."""

import numpy as np

from atfm.errors import AmbiguousError, InputError, UnsupportedError
from atfm.importers.members import Member
from atfm.io.arrays import channels_first
from atfm.io.pictures.bitmap import decode_raster
from atfm.io.pictures.brightness import near_black, unit_range
from atfm.io.pictures.stated import some_values
from atfm.io.pictures.unstated import whole_numbers

__all__ = ["binary_masks", "read_binary", "read_grey", "unit_image"]


def unit_image(
    array: np.ndarray, where: str, window: tuple[float, float] | None = None
) -> tuple[np.ndarray, tuple[str, ...]]:
    """An image of any common form as `[C, H, W]` float32 in [0, 1], and a warning where it came out nearly black.

    Args:
        array: `[H, W]`, `[C, H, W]` or `[H, W, C]`; uint8, uint16, or floats in [0, 1].
        where: what errors call it.
        window: values that become 0 and 1, for any other range.

    Raises:
        InputError: another form, NaN, or values out of range.
    """
    if array.ndim not in (2, 3) or array.size == 0:
        raise InputError(f"{where}: expected an image [H, W], got shape {list(array.shape)}")
    try:
        pixels = channels_first(array, 2)
    except AmbiguousError as error:
        raise AmbiguousError(f"{where}: {error}") from None
    if len(pixels) not in (1, 3):
        raise InputError(f"{where}: expected a grey or colour image, got shape {list(array.shape)}")
    unit = unit_range(pixels, window, where)
    dark = near_black(pixels, unit, window)
    return unit, (dark,) if dark else ()


def binary_masks(array: np.ndarray, shape: tuple[int, ...], where: str) -> np.ndarray:
    """Masks of 0 and 1, or 0 and 255, of any number type as `[K, H, W]` uint8 in {0, 1}.

    Args:
        array: `[K, H, W]`, or `[H, W, K]` where only that fits the image.
        shape: `(H, W)` of the image.
        where: what errors call it.

    Raises:
        InputError: another shape, or other values.
    """
    if array.ndim == 3 and array.shape[1:] != shape and array.shape[:2] == shape:
        array = np.moveaxis(array, -1, 0)
    if array.ndim != 3 or array.shape[1:] != shape or len(array) == 0:
        raise InputError(f"{where}: masks of shape {list(array.shape)} beside an image of {list(shape)}")
    whole = whole_numbers(array)
    if whole is None or whole.max() not in (0, 1, 255) or not ((whole == 0) | (whole == whole.max())).all():
        raise AmbiguousError(f"{where}: expected masks of 0 and 1, or 0 and 255, got values {some_values(array)}")
    return (whole > 0).astype(np.uint8)


def read_grey(member: Member) -> np.ndarray:
    """One 8-bit grey PNG, `[H, W]` uint8.

    Raises:
        InputError: unreadable, or of another kind.
    """
    picture = decode_raster(member.read(), str(member))
    if picture.mode not in ("L", "1"):
        raise UnsupportedError(f"{member}: expected an 8-bit grey PNG, got one of mode {picture.mode}; save it in grey")
    return np.asarray(picture.convert("L"))


def read_binary(member: Member, shape: tuple[int, ...]) -> np.ndarray:
    """One mask of 0 and 255 (or 1), `[H, W]` uint8 in {0, 1}.

    Raises:
        InputError: unreadable, of another kind or size, or with other values.
    """
    mask = read_grey(member)
    if mask.shape != shape:
        raise InputError(f"{member}: a mask of {list(mask.shape)} pixels beside an image of {list(shape)}")
    top = mask.max()
    if top not in (0, 1, 255) or ((mask != 0) & (mask != top)).any():
        raise AmbiguousError(f"{member}: expected a mask of 0 and 255, got values {some_values(mask)}")
    return (mask > 0).astype(np.uint8)
