"""LIDC's rule of the outline against hand-drawn cases, a naive loop, and a flood fill."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from atfm.importers.lidc.contours import enclosed, pasted, slices_of
from atfm.importers.lidc.xml import Roi

# Outlines by letters in order; o is inside, # an outline's pixel that is not lettered.
DRAWN = {
    "a square": """
        abcd
        l..e
        k..f
        jihg""",
    "a diamond": """
        ..a..
        .h.b.
        g...c
        .f.d.
        ..e..""",
    "a bay that two tips nearly close": """
        abcdefg
        t.....h
        s.pon.i
        rq..mlj
        .....k.""",
}
INSIDE = {
    "a square": {(1, 1), (1, 2), (2, 1), (2, 2)},
    "a diamond": {(1, 2), (2, 1), (2, 2), (2, 3), (3, 2)},
    "a bay that two tips nearly close": {(1, 1), (1, 2), (1, 3), (1, 4), (1, 5), (2, 1), (2, 5)},
}


def outline(drawing: str) -> np.ndarray:
    rows = [line.strip() for line in drawing.strip().splitlines()]
    found = {letter: (x, y) for y, row in enumerate(rows) for x, letter in enumerate(row) if letter.isalpha()}
    return np.array([found[letter] for letter in sorted(found)], np.int16)


def inside_of(points: np.ndarray, shape: tuple[int, int] = (24, 24)) -> np.ndarray:
    return pasted([enclosed(points)[0]], 0, 0, shape)


def by_loop(points: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Every pixel by itself: on no edge, and a winding number, summed from angles, other than 0."""
    inside = np.zeros(shape, bool)
    for y in range(shape[0]):
        for x in range(shape[1]):
            turns, on = 0.0, False
            for (x0, y0), (x1, y1) in zip(points.tolist(), np.roll(points, -1, 0).tolist(), strict=True):
                ax, ay, bx, by = x0 - x, y0 - y, x1 - x, y1 - y
                on |= ax * by == ay * bx and ax * bx + ay * by <= 0
                turns += np.arctan2(ax * by - ay * bx, ax * bx + ay * by)
            inside[y, x] = not on and abs(turns) > 1
    return inside


@pytest.mark.parametrize("name", DRAWN)
def test_hand_drawn(name) -> None:
    points = outline(DRAWN[name])
    assert set(zip(*np.nonzero(inside_of(points)), strict=True)) == INSIDE[name]
    np.testing.assert_array_equal(inside_of(points), by_loop(points, (24, 24)))
    np.testing.assert_array_equal(inside_of(points[::-1]), inside_of(points))  # whichever way it was drawn
    np.testing.assert_array_equal(inside_of(np.roll(points, 3, 0)), inside_of(points))  # wherever it began


@pytest.mark.parametrize(
    "points", [[(5, 5)], [(5, 5), (6, 5)], [(5, 5), (6, 5), (7, 5), (6, 5)], [(5, 5)] * 4, [(5, 5), (6, 6), (5, 6)]]
)
def test_outlines_that_enclose_nothing(points) -> None:
    assert not inside_of(np.array(points, np.int16)).any()
    assert slices_of([Roi("1", True, np.array(points, np.int16))], {"1": 0}) == {}


def test_an_outline_drawn_on_over_its_beginning_is_no_hole() -> None:
    once = outline(DRAWN["a square"])
    for more in (1, 4, len(once)):
        np.testing.assert_array_equal(inside_of(np.concatenate([once, once[:more]])), inside_of(once))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 11)), min_size=1, max_size=10))
def test_any_polygon_is_that_of_a_naive_loop(corners) -> None:
    points = np.array(corners, np.int16)
    np.testing.assert_array_equal(inside_of(points, (13, 13)), by_loop(points, (13, 13)))


def edge_of(mask: np.ndarray) -> np.ndarray:
    """The pixels just outside a mask without holes, in the order of a walk round it."""
    ring = ndimage.binary_dilation(mask) & ~mask
    centre = np.array(np.nonzero(mask)).mean(1)
    rows, columns = np.nonzero(ring)
    order = np.argsort(np.arctan2(rows - centre[0], columns - centre[1]))
    return np.stack([columns[order], rows[order]], 1).astype(np.int16)


@pytest.mark.parametrize("radius", [2.3, 4, 6.5, 9.2])
def test_the_border_outside_a_disc_gives_the_disc_back(radius) -> None:
    rows, columns = np.mgrid[:24, :24]
    disc = (rows - 11) ** 2 + (columns - 12) ** 2 < radius**2
    points = edge_of(disc)
    np.testing.assert_array_equal(inside_of(points), disc)
    drawn = np.zeros((24, 24), bool)
    drawn[points[:, 1], points[:, 0]] = True
    np.testing.assert_array_equal(inside_of(points), ndimage.binary_fill_holes(drawn) & ~drawn)


def test_exclusions_take_their_edge_with_them(xml) -> None:
    whole = Roi("1", True, np.array(xml.box(2, 2, 12, 12), np.int16))
    hole = Roi("1", False, np.array(xml.box(5, 5, 8, 9), np.int16))
    mask = pasted([slices_of([hole, whole], {"1": 4})[4]], 0, 0, (16, 16))  # in whatever order
    expected = np.zeros((16, 16), bool)
    expected[3:12, 3:12] = True
    expected[5:10, 5:9] = False
    np.testing.assert_array_equal(mask, expected)
    assert slices_of([whole, Roi("1", False, whole.points)], {"1": 4}) == {}
    island = Roi("1", True, np.array(xml.box(11, 11, 14, 14), np.int16))
    together = pasted([slices_of([whole, island], {"1": 4})[4]], 0, 0, (16, 16))
    expected[5:10, 5:9] = True
    expected[12:14, 12:14] = True
    np.testing.assert_array_equal(together, expected)


@pytest.mark.parametrize("top", [-30, -3, 0, 5, 30])
@pytest.mark.parametrize("left", [-30, -2, 1, 30])
def test_a_window_that_reaches_beyond(xml, top, left) -> None:
    patch = enclosed(np.array(xml.box(2, 3, 9, 8), np.int16))[0]
    large = np.zeros((100, 100), bool)
    large[40 + 4 : 40 + 8, 40 + 3 : 40 + 9] = True
    window = large[40 + top : 40 + top + 6, 40 + left : 40 + left + 7]
    np.testing.assert_array_equal(pasted([patch], top, left, (6, 7)), window)
