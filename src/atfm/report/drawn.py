"""`Drawn`: what one method drew of a case, small enough to be kept for every case: masks as bits, and hypotheses.

Of a volume it is the slice that annotators mark most. The masks are cut to the box that holds all of them, and only as
many of the first samples are kept as fit into `MOST_BYTES`; whatever is shown of them is of those that are kept.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np

from atfm.hypotheses import Hypothesis, find_hypotheses
from atfm.report.packing import deflated, inflated, packed, unpacked
from atfm.report.panels import foreground

__all__ = ["MOST_BYTES", "MOST_SAMPLES", "Box", "Drawn", "Reading", "box_of", "fullest"]

MOST_SAMPLES = 256  # of a case: the hypotheses of more are not other ones
MOST_BYTES = 32_768  # of a case: 100 samples of an LIDC crop take 2,000, noise takes all of it


@dataclass(frozen=True)
class Box:
    """A part of a picture, in its pixels."""

    x: int
    y: int
    width: int
    height: int

    @property
    def cut(self) -> tuple[Any, ...]:
        """The index that leaves it of `[..., H, W]`."""
        return (..., slice(self.y, self.y + self.height), slice(self.x, self.x + self.width))


@dataclass(frozen=True)
class Reading:
    """A hypothesis, as a page shows it.

    Args:
        name: in words.
        probability, low, high: its share of the samples with the 95 % interval.
        area: pixels (voxels) of the sample that stands for it.
        sample: the number of that one.
        empty: whether it is that nothing is there.
    """

    name: str
    probability: float
    low: float
    high: float
    area: int
    sample: int
    empty: bool

    @classmethod
    def of(cls, one: Hypothesis) -> Self:
        """Return a hypothesis to as many digits as a page shows of it."""
        probability, low, high = (round(value, 6) for value in (one.probability, one.low, one.high))
        return cls(one.name, probability, low, high, one.area, one.medoid, one.area == 0)


@dataclass(frozen=True)
class Drawn:
    """What one method drew of a case.

    Args:
        size: height and width of the picture.
        plane: of a volume the slice that is shown; None of a picture.
        box: where the masks lie in the picture.
        masks: packed, `[n, C, 1, box height, box width]`.
        samples: how many were drawn; `n` of them are kept, the first ones.
        weights: of the kept samples, with sum 1; None: they are equal.
        areas: pixels (voxels) of each kept sample.
        readings: the hypotheses, the most probable first.
        reading_of: the number of each kept sample's hypothesis; -1 of a sample without weight.
    """

    size: Sequence[int]
    plane: int | None
    box: Box
    masks: dict[str, Any]
    samples: int
    weights: Sequence[float] | None
    areas: Sequence[int]
    readings: Sequence[Reading]
    reading_of: Sequence[int]

    @classmethod
    def of(
        cls,
        masks: np.ndarray,
        *,
        plane: int | None = None,
        weights: np.ndarray | None = None,
        exact_empty: bool = False,
    ) -> Self | None:
        """Keep samples.

        Args:
            masks: `[S, C, *spatial]` bool.
            plane: of a volume the slice to show.
            weights: `[S]`, where samples have them.
            exact_empty: whether the weights of empty samples sum to what the method knows without sampling.

        Returns:
            None where not even one sample fits into `MOST_BYTES`.
        """
        flat = masks if plane is None else masks[:, :, plane]
        box = box_of(np.asarray(foreground(flat).any(0)))
        count = _fitting(flat[box.cut], min(len(masks), MOST_SAMPLES))
        if count == 0:
            return None
        some, share = masks[:count], None if weights is None else _shares(weights[:count])
        found = find_hypotheses(some, weights=share, exact_empty=exact_empty)
        reading_of = np.full(count, -1)
        for number, one in enumerate(found):
            reading_of[list(one.members)] = number
        return cls(
            size=[int(length) for length in flat.shape[-2:]],
            plane=plane,
            box=box,
            masks=packed(flat[:count][box.cut][:, :, None]),
            samples=len(masks),
            weights=None if share is None else [round(float(one), 6) for one in share],
            areas=foreground(some).reshape(count, -1).sum(1).tolist(),
            readings=[Reading.of(one) for one in found],
            reading_of=reading_of.tolist(),
        )

    def as_json(self) -> dict[str, Any]:
        """For a page."""
        return asdict(self)

    def text(self) -> str:
        """Return it as text that `from_text` takes back."""
        return deflated(self.as_json())

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Return what `text` made."""
        value = inflated(text)
        readings = [Reading(**one) for one in value.pop("readings")]
        return cls(**{**value, "box": Box(**value["box"]), "readings": readings})

    def whole(self) -> np.ndarray:
        """The kept masks in the whole picture, `[n, C, H, W]` bool."""
        parts = unpacked(self.masks)[:, :, 0]
        masks = np.zeros((*parts.shape[:2], *self.size), bool)
        if parts.shape[1] > 1:
            masks[:, 0] = True  # beyond the box there is background
        masks[self.box.cut] = parts
        return masks

    def probability(self) -> np.ndarray:
        """The mean of the kept masks by their weights, `[C, H, W]`."""
        share = np.full(len(self.areas), 1 / len(self.areas)) if self.weights is None else np.asarray(self.weights)
        return np.clip(np.tensordot(share, self.whole().astype(np.float32), 1), 0, 1)


def fullest(annotations: np.ndarray) -> int | None:
    """Of annotations `[K, C, D, H, W]` the slice that is marked most; None of a picture `[K, C, H, W]`."""
    return int(foreground(annotations).sum((0, 2, 3)).argmax()) if annotations.ndim == 5 else None


def box_of(region: np.ndarray) -> Box:
    """The box that holds what is marked of `[H, W]`; where nothing is, one pixel in the middle."""
    rows, columns = np.nonzero(region)
    if len(rows) == 0:
        rows, columns = (np.array([length // 2]) for length in region.shape)
    left, top = int(columns.min()), int(rows.min())
    return Box(left, top, int(columns.max()) - left + 1, int(rows.max()) - top + 1)


def _fitting(masks: np.ndarray, most: int) -> int:
    """How many of the first masks fit into the bytes a case may take: halved until they do."""
    while most and len(deflated(packed(masks[:most]))) > MOST_BYTES:
        most //= 2
    return most


def _shares(weights: np.ndarray) -> np.ndarray:
    """The weights of the kept samples; where none of them weighs anything, equal ones."""
    total = float(weights.sum(dtype=np.float64))
    return weights / total if total > 0 else np.full(len(weights), 1 / len(weights))
