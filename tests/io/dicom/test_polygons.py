"""Polygons on a plane of pixels: closed forms, and matplotlib's paths as a second opinion."""

import numpy as np
import pytest
from matplotlib.path import Path as Outline

from atfm.errors import InputError
from atfm.io.dicom import polygons
from atfm.io.dicom.polygons import area, filled, on_line

SHAPE = (40, 50)
ROWS, COLUMNS = np.mgrid[: SHAPE[0], : SHAPE[1]]


def circle(radius: float, centre: tuple[float, float] = (20.3, 18.7), corners: int = 720) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    return np.stack([centre[0] + radius * np.cos(angle), centre[1] + radius * np.sin(angle)], axis=1)


def test_a_circle_holds_the_centres_nearer_than_its_radius() -> None:
    distance = np.hypot(COLUMNS - 20.3, ROWS - 18.7)
    inside = filled(circle(9.5), SHAPE)
    clear = np.abs(distance - 9.5) > 1e-3  # a polygon of 720 corners is a little smaller than its circle
    np.testing.assert_array_equal(inside[clear], (distance < 9.5)[clear])
    assert area(circle(9.5)) == pytest.approx(np.pi * 9.5**2, rel=1e-4)


def test_a_rectangle_between_centres_is_exact() -> None:
    corners = np.array([[3.5, 4.5], [10.5, 4.5], [10.5, 8.5], [3.5, 8.5]])
    inside = filled(corners, SHAPE)
    assert inside.sum() == 7 * 4 == area(corners) and inside[5:9, 4:11].all() and not on_line(corners, SHAPE).any()


@pytest.mark.parametrize("step", [1, -1])
def test_centres_on_the_path_are_on_it_whichever_way_it_runs(step: int) -> None:
    corners = np.array([[3.0, 4], [10, 4], [10, 8], [3, 8]])[::step]
    on = on_line(corners, SHAPE)
    assert on.sum() == 2 * (7 + 4) and (filled(corners, SHAPE) | on).sum() == 8 * 5
    slanted = np.array([[0.0, 0], [12, 12], [0, 12]])[::step] + 0.004  # as decimals of two digits may have it
    body = filled(slanted, SHAPE) | on_line(slanted, SHAPE)
    np.testing.assert_array_equal(body, (COLUMNS <= ROWS) & (ROWS <= 12))


@pytest.mark.parametrize("seed", range(12))
def test_random_polygons_as_matplotlib_has_them(seed: int) -> None:
    rng = np.random.default_rng(seed)
    angle = np.sort(rng.random(60)) * 2 * np.pi
    radius = rng.uniform(3, 30, 60)  # also beyond the image
    points = np.stack([25 + radius * np.cos(angle), 20 + radius * np.sin(angle)], axis=1)
    outline = Outline(np.vstack([points, points[:1]]))
    centres = np.stack([COLUMNS.ravel(), ROWS.ravel()], axis=1)
    np.testing.assert_array_equal(filled(points, SHAPE), outline.contains_points(centres).reshape(SHAPE))


def test_a_keyhole_has_its_hole_whichever_way_it_runs() -> None:
    outer, inner = circle(12, corners=90), circle(6, corners=90)
    for hole in (inner, inner[::-1]):
        keyhole = np.vstack([outer, outer[:1], hole, hole[:1]])  # to the inner border and back along the same channel
        distance = np.hypot(COLUMNS - 20.3, ROWS - 18.7)
        ring = filled(keyhole, SHAPE)
        assert ring[(distance > 6.1) & (distance < 11.9)].all()
        assert not ring[(distance < 5.9) | (distance > 12.1)].any()


def test_many_crossings_are_counted_in_parts_and_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    points = circle(15)
    whole = filled(points, SHAPE)
    monkeypatch.setattr(polygons, "AT_ONCE", 7)
    np.testing.assert_array_equal(filled(points, SHAPE), whole)
    monkeypatch.setattr(polygons, "MOST_CROSSINGS", 20)
    with pytest.raises(InputError, match="nobody drew it"):
        filled(points, SHAPE)
