r"""Many samples of one image -> a few named outlines, each with its probability: "no lesion", "outline A (213 pixels)".

The distance of two samples is `d = 1 - IoU` of their foreground. The empty masks are a hypothesis of their own; the
others are grouped, see `grouping`. Each group is shown by its medoid, a mask that was really drawn. Its share of all
samples estimates its probability, and how well that is known is counted among the samples that did not make the groups,
see `counted`.

Samples that carry weights `w`, with sum 1, count by them: the share is the sum of a group's, the medoid is nearest to
the others by them, and `1 / sum w^2` is the number of equal samples that would know as much (Kish, 1965). A sample of
weight 0 says nothing and is in no group.

The interval is of the model's own probability, that a further sample falls into the group; it does not say whether the
model is right.
"""

import math
from dataclasses import dataclass

import numpy as np

from atfm.errors import InputError
from atfm.hypotheses.bits import Bits
from atfm.hypotheses.counted import intervals
from atfm.hypotheses.grouping import group
from atfm.metrics.masks import Array, as_masks

__all__ = ["LARGEST", "Hypothesis", "find_hypotheses"]

LARGEST = 4096  # samples: a matrix of their distances takes 134 MB, and there are several


@dataclass(frozen=True)
class Hypothesis:
    """One reading of an image.

    Args:
        name: in words, unique among the hypotheses of an image.
        probability: share of the samples, by their weights, in (0, 1].
        low, high: its 95 % interval, counted among samples that did not make the groups.
        medoid: number of the sample that stands for the others.
        members: numbers of all its samples, ascending.
        area: foreground pixels (voxels) of the medoid.
        spread: mean distance `1 - IoU` of the members to the medoid, in [0, 1].
        area_mm2, volume_ml: the same where the size of a pixel, or of a voxel, is known; else None.
    """

    name: str
    probability: float
    low: float
    high: float
    medoid: int
    members: tuple[int, ...]
    area: int
    spread: float
    area_mm2: float | None = None
    volume_ml: float | None = None


@dataclass(frozen=True)
class _Group:
    medoid: int
    members: np.ndarray
    spread: float
    probability: float
    area: int


def find_hypotheses(
    masks: Array | Bits,
    *,
    weights: np.ndarray | None = None,
    exact_empty: bool = False,
    most: int = 5,
    threshold: float = 0.5,
    pixel: str | None = None,
    mm2: float | None = None,
    ml: float | None = None,
) -> list[Hypothesis]:
    """Group the samples of one image.

    Args:
        masks: `[S, C, *spatial]`, values 0 or 1, or packed; channel 0 is background where `C > 1`. 1 <= S <= 4096.
        weights: `[S]`, 0 or more, of the samples; None: they are equal.
        exact_empty: the weights of the empty masks sum to what the method knows of them without sampling.
        most: largest number of hypotheses, "no lesion" included, >= 2.
        threshold: least mean silhouette of several groups, in [-1, 1]; larger gives fewer hypotheses.
        pixel: what sizes are counted in; None: pixels, of a volume voxels.
        mm2: the area of a pixel, where it is known.
        ml: the volume of a voxel, where it is known.

    Returns:
        The hypotheses, the most probable first (of equals the larger area, then the earlier sample); their members are
        all the samples that have a weight, each once.

    Raises:
        InputError: masks that are none, too many of them, or another argument out of its range.
    """
    bits = masks if isinstance(masks, Bits) else _packed(as_masks(masks))
    share = _shares(weights, len(bits))
    if len(bits) > LARGEST:
        raise InputError(f"masks: expected at most {LARGEST} samples of an image, got {len(bits)}; give fewer")
    if most < 2:
        raise InputError(f'most: expected at least 2, as "no lesion" is one of them, got {most}')
    if not -1 <= threshold <= 1:
        raise InputError(f"threshold: expected a silhouette in [-1, 1], got {threshold}")
    shared = bits.foreground().shared()
    area = np.diagonal(shared)  # [S]
    empty, full = np.flatnonzero((area == 0) & (share > 0)), np.flatnonzero((area > 0) & (share > 0))
    found = [_Group(int(empty[0]), empty, 0.0, _sum(share[empty]), 0)] if len(empty) else []
    if len(full):
        both = shared[np.ix_(full, full)]
        distance = np.clip(1 - both / (area[full, None] + area[full] - both), 0, 1)
        label = group(distance, full, most - len(found), threshold)
        found += [_outline(distance, share[full], full, np.flatnonzero(label == one), area) for one in np.unique(label)]
    found.sort(key=lambda one: (-one.probability, -one.area, one.medoid))
    pixel = pixel or ("pixels" if len(bits.shape) == 3 else "voxels")
    outlines = [one.members for one in found if one.area]
    ends, nothing = intervals(outlines, empty, share, exact_empty=exact_empty)
    each = iter(ends)
    return _named(found, [next(each) if one.area else nothing for one in found], pixel, mm2, ml)


def _packed(masks: np.ndarray) -> Bits:
    bits = Bits(masks.shape[1:])
    bits.add(masks.astype(bool))
    return bits


def _shares(weights: np.ndarray | None, samples: int) -> np.ndarray:
    """Weights `[S]` with sum 1."""
    if weights is None:
        return np.full(samples, 1 / samples)
    values = np.asarray(weights, np.float64)
    if values.shape != (samples,) or not np.isfinite(values).all() or values.min() < 0 or values.sum() <= 0:
        raise InputError(f"weights: expected {samples} numbers of 0 or more, not all 0, got {list(values.shape)}")
    return values / values.sum()


def _sum(share: np.ndarray) -> float:
    """A sum that 60 times 1/100 does not leave at .6000000000000003, so that equal groups tie."""
    return round(math.fsum(share), 12)


def _outline(
    distance: np.ndarray, share: np.ndarray, numbers: np.ndarray, members: np.ndarray, area: np.ndarray
) -> _Group:
    """A group of samples, shown by the one nearest to all others of it."""
    weight = share[members] / share[members].sum()
    mean = weight @ distance[np.ix_(members, members)]
    # a rounding error must not decide between two that are equally near: the first of them it is
    best = int(np.flatnonzero(mean <= mean.min() + 1e-12)[0])
    medoid = int(numbers[members[best]])
    return _Group(medoid, numbers[members], float(mean[best]), _sum(share[members]), int(area[medoid]))


def _named(
    found: list[_Group], ends: list[tuple[float, float]], pixel: str, mm2: float | None, ml: float | None
) -> list[Hypothesis]:
    """Hypotheses in the order given, the outlines among them lettered from A on."""
    hypotheses, letter = [], 0
    for one, (low, high) in zip(found, ends, strict=True):
        square, volume = (None if size is None else one.area * size for size in (mm2, ml))
        name = "no lesion"
        if one.area:
            sizes = [f"{one.area} {pixel[:-1] if one.area == 1 else pixel}"]
            sizes += [f"{square:.3g} mm2"] if square is not None else [f"{volume:.3g} ml"] if volume is not None else []
            name = f"outline {_letters(letter)} ({', '.join(sizes)})"
            letter += 1
        probability = min(one.probability, 1.0)
        members = tuple(one.members.tolist())
        hypotheses.append(
            Hypothesis(name, probability, low, high, one.medoid, members, one.area, one.spread, square, volume)
        )
    return hypotheses


def _letters(number: int) -> str:
    """A to Z, then AA, AB, ... as a spreadsheet's columns."""
    letters = ""
    while number >= 0:
        letters = chr(ord("A") + number % 26) + letters
        number = number // 26 - 1
    return letters
