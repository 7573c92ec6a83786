r"""Many samples of one image -> a few named outlines, each with its probability: "no lesion", "outline A (213 pixels)".

The distance of two samples is `d = 1 - IoU` of their foreground. The empty masks are a hypothesis of their own; the
others are grouped by average linkage (UPGMA; Sokal and Michener, 1958). How many groups there are is told by the mean
silhouette (Rousseeuw, 1987): with `a` the mean distance of a sample to the others of its group and `b` the least mean
distance to another group,

    s = (b - a) / max(a, b),    s = 0 in a group of one

The fewest groups are taken whose mean silhouette is within a tenth of the best one, and one group alone where not even
the best reaches 0.5, below which a structure is weak (Kaufman and Rousseeuw, 1990). Each group is shown by its medoid,
a mask that was really drawn. The share `p` of the `n` samples estimates its probability, between (Wilson, 1927)

    [ p + z^2 / 2n  -+  z sqrt( p (1 - p) / n + z^2 / 4n^2 ) ] / (1 + z^2 / n),    z = 1.96 for 95 %

Samples that carry weights `w`, with sum 1, count by them: `p` is the sum of a group's, the medoid is nearest to the
others by them, and `n = 1 / sum w^2` is the number of equal samples that would know as much (Kish, 1965). A sample of
weight 0 says nothing and is in no group.

The interval is of the model's own probability, known from `n` samples; it does not say whether the model is right.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from atfm.errors import InputError
from atfm.metrics.masks import Array, areas, as_masks, foreground
from atfm.metrics.overlap import pairwise_iou

__all__ = ["LARGEST", "Hypothesis", "find_hypotheses", "wilson_interval"]

_Z = 1.959964  # 97.5 % of the normal distribution
LARGEST = 4096  # samples: a matrix of their distances takes 134 MB, and there are several
_NEAR_BEST = 0.9  # of the best silhouette: two clear groups, one of them wide, often score a little better as three
_APART = 0.1  # 1 - IoU: outlines as close as this differ by less than a reader's hand does


@dataclass(frozen=True)
class Hypothesis:
    """One reading of an image.

    Args:
        name: in words, unique among the hypotheses of an image.
        probability: share of the samples, by their weights, in (0, 1].
        low, high: its 95 % interval.
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
    masks: Array,
    *,
    weights: np.ndarray | None = None,
    most: int = 5,
    threshold: float = 0.5,
    mm2: float | None = None,
    ml: float | None = None,
) -> list[Hypothesis]:
    """Group the samples of one image.

    Args:
        masks: `[S, C, *spatial]`, values 0 or 1; channel 0 is background where `C > 1`. 1 <= S <= 4096.
        weights: `[S]`, 0 or more, of the samples; None: they are equal.
        most: largest number of hypotheses, "no lesion" included, >= 2.
        threshold: least mean silhouette of several groups, in [-1, 1]; larger gives fewer hypotheses.
        mm2: the area of a pixel, where it is known.
        ml: the volume of a voxel, where it is known.

    Returns:
        The hypotheses, the most probable first (of equals the larger area, then the earlier sample); their members are
        all the samples that have a weight, each once.

    Raises:
        InputError: masks that are none, too many of them, or another argument out of its range.
    """
    masks = as_masks(masks)
    share = _shares(weights, len(masks))
    if len(masks) > LARGEST:
        raise InputError(f"masks: expected at most {LARGEST} samples of an image, got {len(masks)}; give fewer")
    if most < 2:
        raise InputError(f'most: expected at least 2, as "no lesion" is one of them, got {most}')
    if not -1 <= threshold <= 1:
        raise InputError(f"threshold: expected a silhouette in [-1, 1], got {threshold}")
    masks = foreground(masks)
    area = areas(masks).sum(1)  # [S]
    empty, full = np.flatnonzero((area == 0) & (share > 0)), np.flatnonzero((area > 0) & (share > 0))
    found = [_Group(int(empty[0]), empty, 0.0, _sum(share[empty]), 0)] if len(empty) else []
    if len(full):
        drawn = masks if len(full) == len(masks) else masks[full]
        distance = np.clip(1 - pairwise_iou(drawn, drawn), 0, 1)
        label = _groups(distance, most - len(found), threshold)
        found += [_outline(distance, share[full], full, np.flatnonzero(label == one), area) for one in np.unique(label)]
    found.sort(key=lambda group: (-group.probability, -group.area, group.medoid))
    pixel = "pixels" if masks.ndim == 4 else "voxels"
    return _named(found, 1 / float(np.square(share).sum()), pixel, mm2, ml)


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


def wilson_interval(count: float, total: float) -> tuple[float, float]:
    """The 95 % interval of a probability of which `count` of `total` draws are known (Wilson, 1927; see the top).

    Args:
        count: draws that showed it, 0 to `total`; weighted draws make no whole number.
        total: draws, >= 1.

    Returns:
        Both ends, in [0, 1].

    Raises:
        InputError: a count out of its range.
    """
    if not 0 <= count <= total or total < 1:
        raise InputError(f"count: expected 0 to a total of at least 1, got {count} of {total}")
    share, square = count / total, _Z**2 / total
    middle = share + square / 2
    half = _Z * math.sqrt(share * (1 - share) / total + square / (4 * total))
    return max(0.0, (middle - half) / (1 + square)), min(1.0, (middle + half) / (1 + square))


def _groups(distance: np.ndarray, most: int, threshold: float) -> np.ndarray:
    """A label for each of the samples, of whom every two are `distance` `[S, S]` apart."""
    one = np.ones(len(distance), int)
    if most < 2 or len(distance) < 3:  # of two samples no silhouette can say whether they are one outline or two
        return one
    tree = linkage(squareform(distance, checks=False), "average")
    cuts = []
    for k in range(2, min(most, len(distance) - 1) + 1):
        labels = fcluster(tree, k, "maxclust")  # fewer than k where ties would have to be broken
        if tree[1 - k, 2] >= _APART and labels.max() == k:
            cuts.append((_silhouette(distance, labels - 1), labels))
    best = max((score for score, _ in cuts), default=-1.0)
    if not cuts or best < threshold:
        return one
    return next(labels for score, labels in cuts if score >= min(best, _NEAR_BEST * best))


def _silhouette(distance: np.ndarray, labels: np.ndarray) -> float:
    """The mean silhouette, in [-1, 1], of a grouping `[S]` into labels from 0 on."""
    member = np.eye(labels.max() + 1)[labels]  # [S, groups]
    size, own, rows = member.sum(0), labels, np.arange(len(labels))
    total = distance @ member  # [S, groups]
    inside = total[rows, own] / np.maximum(size[own] - 1, 1)
    outside = total / size
    outside[rows, own] = np.inf
    nearest = outside.min(1)
    larger = np.maximum(inside, nearest)
    score = np.divide(nearest - inside, larger, out=np.zeros(len(rows)), where=(larger > 0) & (size[own] > 1))
    return float(score.mean())


def _outline(
    distance: np.ndarray, share: np.ndarray, numbers: np.ndarray, group: np.ndarray, area: np.ndarray
) -> _Group:
    """A group of samples, shown by the one nearest to all others of it."""
    weight = share[group] / share[group].sum()
    mean = weight @ distance[np.ix_(group, group)]
    # a rounding error must not decide between two that are equally near: the first of them it is
    best = int(np.flatnonzero(mean <= mean.min() + 1e-12)[0])
    medoid = int(numbers[group[best]])
    return _Group(medoid, numbers[group], float(mean[best]), _sum(share[group]), int(area[medoid]))


def _named(found: list[_Group], total: float, pixel: str, mm2: float | None, ml: float | None) -> list[Hypothesis]:
    """Hypotheses in the order given, the outlines among them lettered from A on."""
    hypotheses, letter = [], 0
    for group in found:
        square, volume = (None if size is None else group.area * size for size in (mm2, ml))
        name = "no lesion"
        if group.area:
            sizes = [f"{group.area} {pixel[:-1] if group.area == 1 else pixel}"]
            sizes += [f"{square:.3g} mm2"] if square is not None else [f"{volume:.3g} ml"] if volume is not None else []
            name = f"outline {_letters(letter)} ({', '.join(sizes)})"
            letter += 1
        probability = min(group.probability, 1.0)
        low, high = wilson_interval(probability * total, total)
        members = tuple(group.members.tolist())
        hypotheses.append(
            Hypothesis(name, probability, low, high, group.medoid, members, group.area, group.spread, square, volume)
        )
    return hypotheses


def _letters(number: int) -> str:
    """A to Z, then AA, AB, ... as a spreadsheet's columns."""
    letters = ""
    while number >= 0:
        letters = chr(ord("A") + number % 26) + letters
        number = number // 26 - 1
    return letters
