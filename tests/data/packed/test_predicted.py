"""Planes come back bit for bit, whatever is in them, and become small where a neighbour tells of them."""

import numpy as np
import pytest

from atfm.data.packed.neighbours import CHAIN
from atfm.data.packed.predicted import by_lane, from_predicted, stretches, to_predicted


@pytest.mark.parametrize("n", [1, CHAIN, 70])
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (9, 5), (5, 16)])
@pytest.mark.parametrize("kind", ["noise", "black", "white", "edges"])
def test_planes_come_back(n, size, kind) -> None:
    rng = np.random.default_rng(n)
    planes = {
        "noise": rng.integers(0, 256, (n, *size)),
        "black": np.zeros((n, *size)),
        "white": np.full((n, *size), 255),
        "edges": rng.integers(0, 2, (n, *size)) * 255,
    }[kind].astype(np.uint8)
    np.testing.assert_array_equal(from_predicted(to_predicted(planes), planes.shape), planes)


def test_a_plane_that_the_one_before_tells_costs_little() -> None:
    rng = np.random.default_rng(0)
    first = rng.integers(0, 256, (1, 32, 32))
    alike = np.clip(first * 0.7 + 20 + rng.integers(-1, 2, (64, 32, 32)), 0, 255).astype(np.uint8)
    unlike = rng.integers(0, 256, (64, 32, 32)).astype(np.uint8)
    assert len(to_predicted(alike)) < 0.5 * len(to_predicted(unlike))


def test_the_plane_before_lies_a_chain_of_lanes_ahead() -> None:
    planes = np.arange(2 * CHAIN + 3)
    lanes = by_lane(planes)
    chains = len(lanes) // CHAIN
    assert chains == 3 and sorted(lanes[lanes > 0]) == sorted(planes[1:])
    for lane, plane in enumerate(lanes):
        if plane % CHAIN:
            assert lanes[lane - chains] == plane - 1


def test_every_lane_has_every_row_once() -> None:
    seen = np.zeros((CHAIN * 2, 5), int)
    for row, first, end in stretches(5, CHAIN * 2):
        for lane in range(first, end):
            seen[lane, row - 2 * (lane // 2)] += 1
    assert (seen == 1).all()
