"""From the numbers of a file to [0, 1]: what is white, and whether an image came out nearly black."""

import numpy as np

from atfm.errors import AmbiguousError, InputError

__all__ = ["near_black", "unit_range"]

DEPTHS = (8, 10, 12, 14)  # bits of cameras and scanners whose values lie in files of 16
DIM = 1 / 16  # of white: below it an image is black to the eye

NOTHING = "a window that leaves nothing of an image, which is all black or all white in it"


def unit_range(pixels: np.ndarray, window: tuple[float, float] | None, name: object) -> np.ndarray:
    """A file's own values as float32 in [0, 1].

    Args:
        pixels: of any shape; 8-bit values are divided by 255, 16-bit ones by 65535, floats have to lie in [0, 1].
        window: the two values that become 0 and 1, for any other range; what lies outside is clipped.
        name: what an error calls it.

    Raises:
        InputError: NaN or infinity, or a window that is none.
        AmbiguousError: values of which nobody knows which one is white.
    """
    if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
        raise InputError(f"{name}: holds NaN or infinity; mend the file or leave it out")
    if window is not None:
        black, white = window
        if not -np.inf < black < white < np.inf:
            raise InputError(f"window: expected a lower and a higher value, got {black:g} and {white:g}")
        scaled = pixels.astype(np.float32)  # once, then in place: a volume may take a quarter of the memory
        scaled -= np.float32(black)
        scaled /= np.float32(white - black)
        return np.clip(scaled, 0, 1, out=scaled)
    if pixels.dtype.kind == "u" and pixels.dtype.itemsize <= 2:  # in whatever order of bytes
        scaled = pixels.astype(np.float32)
        scaled /= np.float32(np.iinfo(pixels.dtype).max)
        return scaled
    if pixels.dtype.kind in "bf" and pixels.min() >= 0 and pixels.max() <= 1:
        return pixels.astype(np.float32)
    raise AmbiguousError(
        f"{name}: {pixels.dtype} values {pixels.min():g} to {pixels.max():g}; expected 8-bit, 16-bit or floats in "
        "[0, 1]; give a window, the two values that are to be black and white (--window LO HI, or --bits N)"
    )


def near_black(pixels: np.ndarray, unit: np.ndarray, window: tuple[float, float] | None) -> str | None:
    """A sentence where an image came out nearly black, or without anything in it; None where it is as it should be.

    Args:
        pixels: the file's own values.
        unit: the same in [0, 1].
        window: that was used, if one was.
    """
    brightest = float(unit.max())
    if window is not None:
        lost = unit.min() == brightest and pixels.min() != pixels.max()
        return NOTHING if lost else None
    bits = int(pixels.max()).bit_length() if pixels.dtype.kind == "u" and pixels.dtype.itemsize == 2 else 16
    if 0 < bits <= DEPTHS[-1]:
        depth = next(depth for depth in DEPTHS if bits <= depth)
        return (
            f"16-bit images that use no more than {depth} bits are dark, since 65535 is white: give --bits {depth} if "
            "that is their depth, or --window LO HI"
        )
    if 0 < brightest < DIM:
        return "images whose brightest value is below a sixteenth of white are nearly black: give --window LO HI"
    return None
