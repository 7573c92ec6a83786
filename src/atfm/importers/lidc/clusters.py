"""Which outlines of several radiologists mean the same nodule: LIDC's files do not say.

The rule is that of pylidc (Hancock and Magnan, Journal of Medical Imaging 3:044504, 2016), with the distance measured
between the masks: two outlines belong together if the closest of their pixels are no further apart than a limit, at
first the distance between slices, and so do those that are joined by others (single linkage). A nodule in which one
radiologist has two outlines may be two nodules close to each other: its limit is lowered, by a tenth each time, until
every radiologist has one, or until only overlapping outlines are left together. The latter are one nodule, which one
radiologist drew in pieces.
"""

from collections.abc import Sequence

import numpy as np
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

__all__ = ["cluster", "distances"]

LOWER = 0.9
LEAST = 0.1  # mm; masks that do not overlap are at least a pixel apart


def cluster(readers: Sequence[int], voxels: Sequence[np.ndarray], limit: float) -> list[list[int]]:
    """Group outlines into nodules.

    Args:
        readers: whose each outline is.
        voxels: `[N, 3]` centres of the voxels of each, in millimetres; none may be empty.
        limit: the largest distance within a nodule, in millimetres.

    Returns:
        Numbers of the outlines of each nodule, both in ascending order.
    """
    apart = distances(voxels, limit)
    return sorted(split(list(range(len(voxels))), readers, apart, limit))


def split(members: list[int], readers: Sequence[int], apart: np.ndarray, limit: float) -> list[list[int]]:
    """The parts of `members` that are connected under `limit`, each split further while a reader is in it twice."""
    _, labels = connected_components(apart[np.ix_(members, members)] <= limit, directed=False)
    found: list[list[int]] = []
    for label in range(int(labels.max(initial=-1)) + 1):
        part = [member for member, own in zip(members, labels, strict=True) if own == label]
        whose = [readers[member] for member in part]
        if len(set(whose)) == len(whose) or limit <= LEAST:
            found.append(part)
        else:
            found += split(part, readers, apart, max(limit * LOWER, LEAST))
    return found


def distances(voxels: Sequence[np.ndarray], limit: float) -> np.ndarray:
    """The smallest distance between the voxels of any two outlines, `[N, N]`; infinity for those beyond `limit`."""
    trees = [cKDTree(points) for points in voxels]
    apart = np.full((len(trees), len(trees)), np.inf)
    np.fill_diagonal(apart, 0)
    for i, one in enumerate(trees):
        for j, other in enumerate(trees[:i]):
            gap = np.maximum(one.mins - other.maxes, other.mins - one.maxes).clip(0)
            if np.linalg.norm(gap) <= limit:  # the boxes; most are far apart
                near, _ = other.query(one.data, distance_upper_bound=np.nextafter(limit, np.inf))
                apart[i, j] = apart[j, i] = np.min(near)
    return apart
