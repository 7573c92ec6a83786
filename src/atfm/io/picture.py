"""`Picture`: what a file of any format holds, and where it lies."""

from typing import Any, NamedTuple

import numpy as np

from atfm.io.volumes.geometry import Geometry

__all__ = ["Picture"]


class Picture(NamedTuple):
    """Pixels and where they lie.

    Args:
        pixels: `[C, *spatial]`; float32 in [0, 1] from `read_image`, the file's own values from `read_pixels`.
        spacing: millimetres for each spatial axis, 1.0 where the file does not say.
        meta: `format`; `affine` (4x4 from column, row and slice to RAS millimetres) where the file says where it lies;
            `spacing known` where it may be asked whether it says how large its pixels are.
        warnings: a sentence for whatever reading guessed, ignored or left out.
    """

    pixels: np.ndarray
    spacing: tuple[float, ...]
    meta: dict[str, Any]
    warnings: tuple[str, ...] = ()

    @property
    def geometry(self) -> Geometry | None:
        """Where it lies; None where the file does not say."""
        return Geometry.of(self.meta.get("affine"), self.pixels.shape[1:])
