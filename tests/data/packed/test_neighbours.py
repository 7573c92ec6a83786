"""Neighbours are those that a reader has, and their weights find a law that is there."""

import numpy as np

from atfm.data.packed.neighbours import BIAS, OWN, PAD, SHIFT, TERMS, around, bordered, fitted, raster, shifted


def test_borders_and_shifts() -> None:
    line = bordered(np.array([1, 2, 3, 0, 0, 4, 5, 6, 0, 0]), 3)
    assert line.tolist() == [1, 2, 3, 3, 1, 4, 5, 6, 6, 4]
    assert shifted(line, 2, 9).tolist() == [9, 9, 1, 2, 3, 3, 1, 4, 5, 6]
    assert shifted(line, -3, 9).tolist() == [3, 1, 4, 5, 6, 6, 4, 9, 9, 9]
    assert shifted(line, 20, 9).tolist() == [9] * 10


def test_what_is_around_a_pixel() -> None:
    planes = np.random.default_rng(0).integers(0, 256, (2, 9, 7), np.uint8)
    lines = np.stack([raster(plane) for plane in planes])
    terms = around(lines, np.array([50, 60]), 1, 7 + PAD)
    assert terms.shape == (TERMS, 9 * (7 + PAD)) and (terms[-1] == BIAS).all()
    at = 5 * (7 + PAD) + 4  # row 5, column 4
    assert [terms[k, at] for k in range(4)] == [planes[1, 5, 3], planes[1, 4, 4], planes[1, 4, 3], planes[1, 4, 5]]
    assert [terms[len(OWN) + k, at] for k in (4, 3, 7)] == [planes[0, 5, 4], planes[0, 5, 5], planes[0, 4, 4]]
    assert terms[0, 0] == 60 and terms[len(OWN) + 7, 0] == 50  # before the first pixel there is the mean
    assert not around(lines, np.array([50, 60]), 0, 7 + PAD)[len(OWN) : -1].any()


def test_weights_find_a_law() -> None:
    rng = np.random.default_rng(0)
    first = rng.integers(0, 200, (20, 30)).astype(np.uint8)
    second = np.rint(0.5 * first + 40).astype(np.uint8)
    lines = np.stack([raster(first), raster(second)])
    terms = around(lines, np.array([100, 100]), 1, 30 + PAD)
    coefficients = fitted(lines[1], terms, 30).astype(np.int64)
    assert abs(coefficients[len(OWN) + 4] / 2**SHIFT - 0.5) < 0.02
    inner = np.arange(len(lines[1])) % (30 + PAD) < 30
    assert np.abs((coefficients @ terms / 2**SHIFT - lines[1])[inner]).max() < 2
