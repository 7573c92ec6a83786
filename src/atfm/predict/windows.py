"""The windows in which an image can be looked at: which of its values are black and white.

They are for the eye alone. What a model sees is its own rule's matter (`atfm.data.intensity`).
"""

from typing import NamedTuple

import numpy as np

from atfm.predict.source import Source

__all__ = ["Preset", "Windows", "windows_of"]

# centre and width in Hounsfield units, as viewers have them
CT = {"lung": (-600, 1500), "mediastinum": (40, 400), "bone": (480, 2500), "brain": (40, 80)}
PERCENTILES = (0.5, 99.5)
MOST = 2**20  # values that percentiles are taken of
AIR, BONE = -500, 100  # values on either side of these are what tells a CT that does not say what it is


class Preset(NamedTuple):
    """A window with its name: `low` is black, `high` is white, in the image's own values."""

    name: str
    low: float
    high: float


class Windows(NamedTuple):
    """How an image can be looked at.

    Args:
        units: of its values: "HU", "grey" or "colour".
        usual: the window that it is first shown with.
        presets: all others by name, the usual one among them.
        warning: what was guessed, or None.
    """

    units: str
    usual: Preset
    presets: tuple[Preset, ...]
    warning: str | None = None


def windows_of(source: Source) -> Windows:
    """The windows of an image: what its file asks for, all its values, nearly all of them, and those of a CT.

    A volume that does not say what it is but has values of air and of bone is taken for a CT, with a warning.
    """
    pixels = source.picture.pixels
    low, high = _extent(pixels)
    full = Preset("full", low, high)
    if len(pixels) > 1:
        most = 255.0 if pixels.dtype == np.uint8 else high
        return Windows("colour", Preset("full", min(0.0, low), max(most, high)), ())
    narrow = Preset("percentile", *_apart(*np.percentile(_some(pixels), PERCENTILES).tolist()))
    own = () if source.display is None else (Preset("of the file", *map(float, source.display)),)
    hounsfield = source.in_units and source.picture.meta.get("modality") == "CT"
    unsaid = not source.files and source.picture.geometry is not None and low <= AIR and high >= BONE
    ct = tuple(Preset(name, middle - width / 2, middle + width / 2) for name, (middle, width) in CT.items())
    presets = (*own, *(ct if hounsfield or unsaid else ()), full, narrow)
    if pixels.dtype == np.uint8:
        usual = Preset("full", 0.0, 255.0)
        return Windows("grey", usual, (*own, usual, narrow))
    told = (
        f"values from {low:g} to {high:g} look like Hounsfield units; windows of a CT are offered" if unsaid else None
    )
    return Windows("HU" if hounsfield else "grey", own[0] if own else narrow, presets, told)


def _extent(pixels: np.ndarray) -> tuple[float, float]:
    """The least and the greatest finite value."""
    if pixels.dtype.kind == "f" and not np.isfinite(pixels).all():
        pixels = pixels[np.isfinite(pixels)]
    return _apart(float(pixels.min()), float(pixels.max())) if pixels.size else (0.0, 1.0)


def _some(pixels: np.ndarray) -> np.ndarray:
    """Finite values from all over the image, not too many."""
    values = pixels.reshape(-1)[:: max(1, pixels.size // MOST)].astype(np.float32)
    values = values[np.isfinite(values)]
    return values if len(values) else np.zeros(1, np.float32)


def _apart(low: float, high: float) -> tuple[float, float]:
    """Two ends with something between them."""
    return (low, high) if low < high else (low, low + 1.0)
