"""Outlines of several radiologists become nodules."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from atfm.importers.lidc.clusters import cluster, distances

RNG = np.random.default_rng(3)


def cube(x: float, size: float = 3.0) -> np.ndarray:
    axis = np.arange(0, size + 0.1)
    return np.stack(np.meshgrid(axis, axis, axis + x), -1).reshape(-1, 3)


def test_distances_are_those_of_all_pairs() -> None:
    voxels = [RNG.uniform(0, 6, (RNG.integers(1, 30), 3)) + np.array([0, 0, 4 * k]) for k in range(6)]
    naive = np.array([[cdist(one, other).min() for other in voxels] for one in voxels])
    found = distances(voxels, 3.0)
    np.testing.assert_allclose(found, np.where(naive <= 3, naive, np.inf))


def test_the_four_outlines_of_one_nodule_join_and_another_stays_alone() -> None:
    at = [0.0, 1.0, 0.5, 40.0, -1.0]
    assert cluster([0, 1, 2, 0, 3], [cube(x) for x in at], 2.5) == [[0, 1, 2, 4], [3]]


def test_a_chain_joins_what_is_far_apart() -> None:
    assert cluster([0, 1, 2], [cube(0), cube(5), cube(10)], 2.5) == [[0, 1, 2]]
    assert cluster([0, 1, 2], [cube(0), cube(5), cube(10)], 1.9) == [[0], [1], [2]]


def test_two_close_nodules_of_one_reader_come_apart() -> None:
    # Reader 0 drew two, 2 mm apart; reader 1 drew both too, a little to the left: each finds its own.
    assert cluster([0, 0, 1, 1], [cube(0), cube(5), cube(-1), cube(4)], 2.5) == [[0, 2], [1, 3]]


def test_pieces_that_another_reader_drew_as_one_stay_together() -> None:
    assert cluster([0, 0, 1], [cube(0), cube(6), cube(1, 6)], 2.5) == [[0, 1, 2]]


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_outlines_does_not_matter(seed) -> None:
    rng = np.random.default_rng(seed)
    readers = rng.integers(0, 4, 12)
    voxels = [cube(x) for x in rng.uniform(0, 40, 12)]
    order = rng.permutation(12)
    shuffled = cluster(readers[order].tolist(), [voxels[i] for i in order], 2.5)
    back = sorted(sorted(order[i] for i in group) for group in shuffled)
    assert back == cluster(readers.tolist(), voxels, 2.5)


def test_no_outlines() -> None:
    assert cluster([], [], 2.5) == []
