"""Outlines enclose exactly the pixels of the mask, whatever rule fills them."""

import numpy as np
import pytest

from atfm.io.outlines import outlines


def filled(corners: np.ndarray, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Which pixel centres are inside, by the even-odd and by the winding rule: a naive loop over edges."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    crossed, winding = np.zeros(shape, int), np.zeros(shape, int)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, 0), strict=True):
        if y0 != y1:
            hit = ((y0 > rows) != (y1 > rows)) & (columns < x0 + (x1 - x0) * (rows - y0) / (y1 - y0))
            crossed += hit
            winding += np.where(hit, 1 if y1 > y0 else -1, 0)
    return crossed % 2 == 1, winding != 0


def area(corners: np.ndarray) -> float:
    x, y = corners.T
    return 0.5 * float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))


@pytest.mark.parametrize("seed", range(20))
def test_both_rules_fill_each_piece_once_and_its_area_is_that_of_its_pixels(seed: int) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(10):
        mask = rng.random(rng.integers(1, 12, 2)) < rng.random()
        found = np.zeros(mask.shape, int)
        for corners in outlines(mask):
            even_odd, winding = filled(corners, mask.shape)
            np.testing.assert_array_equal(even_odd, winding)
            assert area(corners) == even_odd.sum()
            found += even_odd
        np.testing.assert_array_equal(found, mask)


def test_a_pixel_is_a_square_round_its_centre() -> None:
    mask = np.zeros((3, 4), bool)
    mask[1, 2] = True
    (corners,) = outlines(mask)
    assert {tuple(corner) for corner in corners} == {(1.5, 0.5), (2.5, 0.5), (2.5, 1.5), (1.5, 1.5)}
    assert outlines(np.zeros((3, 3), bool)) == []


def test_a_hole_is_joined_by_a_channel_of_no_width() -> None:
    ring = np.ones((5, 5), bool)
    ring[2, 2] = False
    (corners,) = outlines(ring)
    assert [1.5, 1.5] in corners.tolist() and len({tuple(corner) for corner in corners}) == 9
    assert sum(corner == [-0.5, 1.5] for corner in corners.tolist()) == 2  # in and out
    assert area(corners) == 24


def test_pixels_that_touch_by_a_corner_are_two_outlines_and_a_hole_may_hold_an_island() -> None:
    assert len(outlines(np.eye(2, dtype=bool))) == 2
    target = np.zeros((7, 7), bool)
    target[[0, -1]] = target[:, [0, -1]] = True
    target[3, 3] = True
    assert sorted(map(area, outlines(target))) == [1, 24]
