"""Slices and masks that have to be 8-bit grey PNGs."""

import numpy as np

from atfm.errors import InputError
from atfm.importers.members import Member
from atfm.io.raster import decode_raster

__all__ = ["read_binary", "read_grey"]


def read_grey(member: Member) -> np.ndarray:
    """One 8-bit grey PNG, `[H, W]` uint8.

    Raises:
        InputError: unreadable, or of another kind.
    """
    picture = decode_raster(member.read(), str(member))
    if picture.mode not in ("L", "1"):
        raise InputError(f"{member}: expected an 8-bit grey PNG, got one of mode {picture.mode}")
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
        raise InputError(f"{member}: expected a mask of 0 and 255, got values {np.unique(mask)[:8].tolist()}")
    return (mask > 0).astype(np.uint8)
