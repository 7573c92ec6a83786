"""Samples of one image in groups: made by every other sample, and joined by the rest.

The makers, those of even number, are grouped by average linkage (UPGMA; Sokal and Michener, 1958). How many groups
there are is told by the mean silhouette (Rousseeuw, 1987): with `a` the mean distance of a sample to the others of its
group and `b` the least mean distance to another group,

    s = (b - a) / max(a, b),    s = 0 in a group of one

The fewest groups are taken whose mean silhouette is within a tenth of the best one, and one group alone where not even
the best reaches 0.5, below which a structure is weak (Kaufman and Rousseeuw, 1990). Each of the rest joins the group
with the least mean distance to its makers: whatever the groups are, a further sample of the model would join them with
the same odds, so that what is counted among the rest is binomial.
"""

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

__all__ = ["group", "makes", "silhouette"]

_NEAR_BEST = 0.9  # of the best silhouette: two clear groups, one of them wide, often score a little better as three
_APART = 0.1  # 1 - IoU: outlines as close as this differ by less than a reader's hand does


def group(distance: np.ndarray, numbers: np.ndarray, most: int, threshold: float) -> np.ndarray:
    """Return a label for each of the samples, from 1 on.

    Args:
        distance: `[S, S]`, how far every two are apart.
        numbers: `[S]`, their numbers among all samples of the image, ascending.
        most: largest number of groups.
        threshold: least mean silhouette of several groups.
    """
    made = np.flatnonzero(makes(numbers))
    if not len(made):  # none of them may make groups: they are one
        return np.ones(len(numbers), int)
    return _joined(distance, made, _groups(distance[np.ix_(made, made)], most, threshold))


def makes(numbers: np.ndarray) -> np.ndarray:
    """Tell which samples make the groups, bool `[S]`: those of even number."""
    return np.asarray(numbers % 2 == 0)


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
            cuts.append((silhouette(distance, labels - 1), labels))
    best = max((score for score, _ in cuts), default=-1.0)
    if not cuts or best < threshold:
        return one
    return next(labels for score, labels in cuts if score >= min(best, _NEAR_BEST * best))


def _joined(distance: np.ndarray, made: np.ndarray, label: np.ndarray) -> np.ndarray:
    """The labels of the makers, and of each other sample that of the group whose makers are nearest on average."""
    kinds = np.unique(label)
    member = (label[:, None] == kinds).astype(np.float64)  # [makers, groups]
    mean = distance[:, made] @ member / member.sum(0)  # [S, groups]
    whole = kinds[(mean <= mean.min(1, keepdims=True) + 1e-12).argmax(1)]  # of two equally near groups the first
    whole[made] = label
    return np.asarray(whole)


def silhouette(distance: np.ndarray, labels: np.ndarray) -> float:
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
