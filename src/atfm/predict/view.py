"""`View`: an image as a page shows it, slice by slice as its file stores them, with what is known of where it lies.

Slices are `[z]` of `[y, x]`: the numbers are those of `--at X Y Z` and of a point `(x, y, z)`, each from 0.
"""

from dataclasses import dataclass

import numpy as np

from atfm.errors import InputError
from atfm.io.volumes.letters import Letters, letters_of
from atfm.predict.source import Source
from atfm.predict.windows import Windows, windows_of

__all__ = ["View", "view_of"]

# what a browser has typed arrays for; the first that holds all values of an image
TYPES = ("u1", "<i2", "<u2")


@dataclass(frozen=True)
class View:
    """What there is to look at.

    Args:
        source: the image.
        width, height, slices: in pixels, as the file stores them; of a flat image there is one slice.
        channels: 1 is grey, 3 is colour.
        spacing: millimetres along x, y and z, of a flat image without z; None where nobody said.
        letters: what stands at the edges of each slice; None where nobody said how it lies.
        windows: how it can be looked at.
        dtype: of `plane`: little-endian uint8, int16, uint16 or float32.
    """

    source: Source
    width: int
    height: int
    slices: int
    channels: int
    spacing: tuple[float, ...] | None
    letters: Letters | None
    windows: Windows
    dtype: np.dtype

    @property
    def flat(self) -> bool:
        """Whether it has no slices."""
        return self.source.picture.pixels.ndim == 3

    @property
    def warnings(self) -> tuple[str, ...]:
        """What reading and showing it guessed, ignored or left out."""
        told = self.windows.warning
        return (*self.source.picture.warnings, *([told] if told else []))

    def plane(self, k: int = 0) -> np.ndarray:
        """Slice `k` as `[H, W, C]`, the file's own values in `dtype`.

        Raises:
            InputError: no such slice.
        """
        if not 0 <= k < self.slices:
            raise InputError(f"slice {k}: expected 0 to {self.slices - 1}")
        pixels = self.source.picture.pixels
        values = pixels if self.flat else pixels[:, k]
        return np.ascontiguousarray(np.moveaxis(values, 0, -1).astype(self.dtype))


def view_of(source: Source) -> View:
    """How an image can be looked at."""
    pixels, picture = source.picture.pixels, source.picture
    height, width = pixels.shape[-2:]
    spacing = source.spacing
    return View(
        source=source,
        width=width,
        height=height,
        slices=1 if pixels.ndim == 3 else pixels.shape[1],
        channels=len(pixels),
        spacing=None if spacing is None else tuple(map(float, spacing[::-1])),
        letters=letters_of(picture.geometry) or picture.meta.get("letters"),
        windows=windows_of(source),
        dtype=_type_of(pixels),
    )


def _type_of(pixels: np.ndarray) -> np.dtype:
    """The smallest type that holds all values as they are; float32 where there is none."""
    if pixels.dtype == bool:
        return np.dtype("u1")
    low, high = pixels.min(), pixels.max()
    for name in TYPES:
        kind = np.dtype(name)
        if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max and (pixels.dtype.kind != "f" or _whole(pixels)):
            return kind
    return np.dtype("<f4")


def _whole(pixels: np.ndarray) -> bool:
    """Whether floats are whole numbers all; looked at plane by plane, as a volume is large."""
    return all(np.array_equal(plane, np.rint(plane)) for plane in pixels.reshape(-1, *pixels.shape[-2:]))
