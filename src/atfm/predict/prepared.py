"""`Prepared`: an image as a model wants it, and where it came from."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from atfm.data.geometry.grid import Grid
from atfm.methods.method import Method
from atfm.predict.place import Field, Place

__all__ = ["Prepared", "Trained"]


class Trained(Protocol):
    """What is asked of a model here: `atfm.models.Model` is one."""

    @property
    def method(self) -> Method:
        """What draws."""

    @property
    def name(self) -> str:
        """What the user called it."""

    @property
    def card(self) -> Mapping[str, Any]:
        """The JSON beside its weights."""


@dataclass(frozen=True)
class Prepared:
    """What is to be sampled.

    Args:
        key: the noise belongs to it.
        image: `[C_in, *spatial]` float32 in [0, 1], with the model's channels; of chosen slices `[C_in, n, H, W]`.
        place: where the masks will lie.
        how: how the values were put into [0, 1].
        warnings: a sentence for all that is unlike the training.
        at: the pixel round which it was cut out of a larger image, columns first; None where it was not.
        field: ... and how; None where it was not.
        path: what the user gave; None for an array.
        grid: how it was brought from the pixels of its masks to those of the model; None where they are the same.
        whole: of such an image what lies on the pixels of its masks, `[C_in, *place.size]` float32 in [0, 1].
        soft: whether masks come back by their probabilities; as of every model that fits images.
    """

    key: str
    image: np.ndarray
    place: Place
    how: str
    warnings: tuple[str, ...]
    at: tuple[int, ...] | None = None
    field: Field | None = None
    path: Path | None = None
    grid: Grid | None = None
    whole: np.ndarray | None = None
    soft: bool = False

    @property
    def shown(self) -> np.ndarray:
        """The image on the pixels of its masks, `[C_in, *place.size]`."""
        if self.whole is not None:
            return self.whole.reshape(-1, *self.place.size)
        image = self.image if self.field is None else self.field.back_values(self.image)
        return image.reshape(-1, *self.place.size)

    @property
    def digest(self) -> str:
        """SHA-256 of what the model sees, and of where it lies."""
        place = self.place
        found = hashlib.sha256(np.ascontiguousarray(self.image, "<f4").data)
        affine = None if place.affine is None else np.asarray(place.affine, np.float64).tolist()
        where: list[Any] = [
            list(self.image.shape),
            list(place.whole),
            [at.tolist() for at in place.index],
            place.spacing,
            affine,
        ]
        if self.grid is not None:
            where += [list(self.grid.size), list(self.grid.step)]
        found.update(json.dumps(where).encode())
        return found.hexdigest()
