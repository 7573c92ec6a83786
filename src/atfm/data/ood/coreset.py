"""`Coreset`: points that stand for how the training images are, and how far from them another image may lie.

The points are images of one half of the patients, chosen so that they cover it: each is the image farthest from all
points before it (Gonzalez, 1985). The limit comes from the other half, whose images the points have not seen:

    limit = Q(distances, 0.993) (1 + 3 / sqrt(n))

where the second factor stands for what `n` images cannot tell of a tail.
"""

import base64
import binascii
import hashlib
from collections.abc import Sequence
from typing import Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

__all__ = ["Coreset"]

_POINTS = 512
_QUANTILE = 0.993
_GREY = 255  # points are kept in steps of a 255th


class Coreset(BaseModel):
    """Points in [0, 1] of one kind, and how far from them a training image may lie.

    Args:
        points: base64 of `[points, width]` uint8, each a 255th.
        width: numbers in a point.
        limit: largest usual Euclidean distance to the nearest point.
        low, high: the range of 99 % of the training images, `[width]`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    points: str
    width: int = Field(ge=1)
    limit: float = Field(gt=0)
    low: tuple[float, ...]
    high: tuple[float, ...]

    @model_validator(mode="after")
    def _whole(self) -> Self:
        try:
            size = len(base64.b64decode(self.points, validate=True))
        except binascii.Error as error:
            raise ValueError(f"points: not base64: {error}") from error
        if size == 0 or size % self.width or len(self.low) != self.width or len(self.high) != self.width:
            raise ValueError(f"points: {size} bytes, low and high do not make points of {self.width} numbers")
        return self

    @classmethod
    def of(cls, values: np.ndarray, groups: Sequence[str]) -> Self:
        """Build it from `[N, width]` in [0, 1] and the patient of each row."""
        known = halves(groups)
        points = spread(np.rint(values[known] * _GREY) / _GREY, _POINTS)
        away = nearest(values[~known], points)
        limit = float(np.quantile(away, _QUANTILE)) * (1 + 3 / len(away) ** 0.5)
        low, high = (tuple(round(float(v), 4) for v in np.quantile(values, q, axis=0)) for q in (0.005, 0.995))
        text = base64.b64encode(np.rint(points * _GREY).astype(np.uint8).tobytes()).decode("ascii")
        return cls(points=text, width=values.shape[1], limit=round(max(limit, 1 / _GREY), 5), low=low, high=high)

    def excess(self, values: np.ndarray) -> np.ndarray:
        """How many limits `[N, width]` lie from the nearest point: `[N]`, above 1 is unlike."""
        points = np.frombuffer(base64.b64decode(self.points), np.uint8).reshape(-1, self.width)
        return nearest(values, points.astype(np.float32) / _GREY) / self.limit


def halves(groups: Sequence[str]) -> np.ndarray:
    """Which rows belong to one half of the patients: dealt by their hashes; by rows where there is one patient only."""
    names = sorted(set(groups), key=lambda name: hashlib.sha256(name.encode()).digest())
    if len(names) < 2:
        return np.arange(len(groups)) % 2 == 0
    first = set(names[: len(names) // 2])
    return np.array([name in first for name in groups])


def spread(values: np.ndarray, count: int) -> np.ndarray:
    """At most `count` rows of `[N, width]` that cover them all: each is the farthest from those before it."""
    chosen, away = [0], np.linalg.norm(values - values[0], axis=1)
    while len(chosen) < count and away.max() > 0:
        chosen.append(int(away.argmax()))
        away = np.minimum(away, np.linalg.norm(values - values[chosen[-1]], axis=1))
    return values[chosen]


def nearest(values: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The Euclidean distance of each row of `[N, width]` to the nearest of `[points, width]`."""
    return np.array([np.linalg.norm(points - row, axis=1).min() for row in values])
