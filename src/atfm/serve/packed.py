"""Masks and maps as JSON holds them: bits and bytes in base64, in the pixels of a box of the image's own file.

{"shape": [n, C, D, H, W], "bits": ...}            each mask from a byte of its own on, the first pixel highest
{"shape": [D, H, W], "dtype": "uint8", "scale": s, "data": ...}                     value = byte * s
"""

import base64
from dataclasses import dataclass
from typing import Any

import numpy as np

from atfm.predict.place import Place

__all__ = ["Box", "packed_map", "packed_masks"]


@dataclass(frozen=True)
class Box:
    """The part of a file that masks cover, its axes in the file's order.

    Args:
        place: where they lie.
    """

    place: Place

    @property
    def slices(self) -> list[int]:
        """The slices of the file; [0] of a flat image."""
        return [0] if len(self.place.whole) == 2 else self._reach(0).tolist()

    @property
    def told(self) -> dict[str, Any]:
        """As an answer says it: masks have the pixels of the image, so their scale is 1."""
        rows, columns = self._reach(-2), self._reach(-1)
        return {
            "x": int(columns[0]),
            "y": int(rows[0]),
            "width": len(columns),
            "height": len(rows),
            "slices": self.slices,
            "scale": [1.0, 1.0],
        }

    def cut(self, part: np.ndarray) -> np.ndarray:
        """Values `[..., *place.size]` of a prediction as `[..., D, H, W]` of the box; 0 between what is covered."""
        place, dims = self.place, len(self.place.whole)
        own = place.turn.inverse.array(part, dims)
        reach = [self._reach(axis) for axis in range(dims)]
        size = tuple(len(axis) for axis in reach)
        if own.shape[-dims:] != size:
            full = np.zeros((*own.shape[:-dims], *size), own.dtype)
            within = [np.searchsorted(axis, covered) for axis, covered in zip(reach, place.index, strict=True)]
            inside: tuple[Any, ...] = (..., *np.ix_(*within))
            full[inside] = own
            own = full
        return own if dims == 3 else own[..., None, :, :]

    def _reach(self, axis: int) -> np.ndarray:
        """What is covered of an axis; of rows and columns with all between them, so that it is a box."""
        covered = self.place.index[axis]
        if len(self.place.whole) == 3 and axis == 0:
            return covered
        return np.arange(covered[0], covered[-1] + 1)


def packed_masks(masks: np.ndarray) -> dict[str, Any]:
    """Masks `[n, C, D, H, W]` bool."""
    bits = np.packbits(masks.reshape(len(masks), -1), axis=1)
    return {"shape": list(masks.shape), "bits": base64.b64encode(bits.tobytes()).decode("ascii")}


def packed_map(values: np.ndarray) -> dict[str, Any]:
    """A map `[D, H, W]` of values of 0 or more, in 256 steps up to the largest, or to 1 where that is more."""
    scale = max(1.0, float(values.max(initial=0.0))) / 255
    data = np.rint(values / scale).astype(np.uint8)
    return {
        "shape": list(values.shape),
        "dtype": "uint8",
        "scale": scale,
        "data": base64.b64encode(data.tobytes()).decode("ascii"),
    }
