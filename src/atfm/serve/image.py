"""`Image`: one that callers look at, as its file has it, and what a page has to know of it."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from atfm.predict.source import Source
from atfm.serve.upload import Upload

__all__ = ["Image"]

DTYPES = ("uint8", "int16", "uint16", "float32")
LOW, HIGH = 0.5, 99.5  # percentiles that are black and white where nobody said
LETTERS = {"L": "R", "R": "L", "P": "A", "A": "P", "S": "I", "I": "S"}
LOOKED_AT = 2**20  # values of which a window is guessed
PRESETS = (
    ("lung", -1350.0, 150.0),
    ("soft tissue", -160.0, 240.0),
    ("mediastinum", -125.0, 225.0),
    ("bone", -500.0, 1300.0),
    ("brain", 0.0, 80.0),
)


@dataclass(frozen=True, eq=False)
class Image:
    """An image and its annotators.

    Args:
        source: as its file has it.
        key: the noise belongs to it.
        upload: what was sent, where a result can only be written beside it; else None.
        masks: `[K, *spatial]` labels of annotators, of a case; else None.
        classes: labels of the masks, background included; 1 is binary.
        attribution: whose it is, as has to be shown with it.
    """

    source: Source
    key: str = "image-0"
    upload: Upload | None = None
    masks: np.ndarray | None = None
    classes: int = 1
    attribution: str | None = None
    results: list[str] = field(default_factory=list)

    @property
    def voxels(self) -> np.ndarray:
        """`[C, D, H, W]`, `D` 1 of a flat image."""
        pixels = self.source.picture.pixels
        return pixels if pixels.ndim == 4 else pixels[:, None]

    @property
    def nbytes(self) -> int:
        """What it takes to keep it."""
        kept = 0 if self.upload is None else self.upload.nbytes
        return self.source.picture.pixels.nbytes + kept + (0 if self.masks is None else self.masks.nbytes)

    @property
    def readers(self) -> list[str]:
        """What to call the annotators."""
        return [] if self.masks is None else [f"reader {number}" for number in range(1, len(self.masks) + 1)]

    @property
    def facts(self) -> dict[str, Any]:
        """As an answer tells them."""
        depth, height, width = self.voxels.shape[1:]
        spacing = self.source.spacing
        return {
            "size": {"width": width, "height": height, "slices": depth},
            "channels": len(self.voxels),
            "kind": "flat" if depth == 1 else "volume",
            "spacing": None if spacing is None else self._spacing(spacing),
            "letters": self._letters(),
            "window": self._window(),
            "presets": self._presets(),
            "units": self.units,
            "readers": self.readers,
            "attribution": self.attribution,
            "warnings": list(self.source.picture.warnings),
        }

    @property
    def units(self) -> str:
        """Of its values: HU of a CT, else grey or colour."""
        if self.source.in_units and self.source.picture.meta.get("modality") == "CT":
            return "HU"
        return "grey" if len(self.voxels) == 1 else "colour"

    def slice(self, number: int) -> np.ndarray:
        """One slice as `[H, W, C]`, of a type that a browser has."""
        values = np.moveaxis(self.voxels[:, number], 0, -1)
        return np.ascontiguousarray(_plain(values))

    def _spacing(self, spacing: tuple[float, ...]) -> dict[str, float | None]:
        *z, y, x = map(float, spacing)
        return {"x": x, "y": y, "z": z[0] if z else None}

    def _letters(self) -> dict[str, str] | None:
        geometry = self.source.picture.geometry
        if geometry is None:
            return None
        columns, rows = geometry.orientation[0], geometry.orientation[1]
        return {"left": LETTERS[columns], "right": columns, "top": LETTERS[rows], "bottom": rows}

    def _window(self) -> dict[str, float]:
        if self.source.display is not None:
            low, high = self.source.display
            return {"low": float(low), "high": float(high)}
        pixels = self.source.picture.pixels
        if pixels.dtype in (np.uint8, np.bool_):
            return {"low": 0.0, "high": 255.0 if pixels.dtype == np.uint8 else 1.0}
        some = pixels.reshape(-1)[:: max(1, pixels.size // LOOKED_AT)].astype(np.float64)
        some = some[np.isfinite(some)]
        if not some.size:
            return {"low": 0.0, "high": 1.0}
        low, high = np.percentile(some, [LOW, HIGH])
        if not low < high:
            low, high = some.min(), max(some.max(), some.min() + 1)
        return {"low": float(low), "high": float(high)}

    def _presets(self) -> list[dict[str, Any]]:
        own = [{"name": "usual", **self._window()}]
        return own + (
            [{"name": name, "low": low, "high": high} for name, low, high in PRESETS] if self.units == "HU" else []
        )


def _plain(values: np.ndarray) -> np.ndarray:
    """The same values as uint8, int16, uint16 or float32, in little-endian order."""
    if values.dtype == np.bool_:
        return values.astype("u1")
    if values.dtype.kind in "iu" and values.dtype.name not in DTYPES:
        fits = values.size == 0 or (values.min() >= -(2**15) and values.max() < 2**15)
        return values.astype("<i2" if fits else "<f4")
    if values.dtype.kind == "f":
        return values.astype("<f4")
    return values.astype(values.dtype.newbyteorder("<"))
