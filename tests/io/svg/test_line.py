"""Outlines run along the edges of pixels and enclose the mask; what is too ragged is drawn coarser, never left out."""

import re

import numpy as np
import pytest
from matplotlib.path import Path as Polygon

from atfm.io.outlines import rings
from atfm.io.svg.line import outline

RNG = np.random.default_rng(0)


def filled(ways: list[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    """The pixels that lie in an odd number of closed ways."""
    grid = np.stack(np.meshgrid(np.arange(shape[1]), np.arange(shape[0])), -1).reshape(-1, 2) + 0.5
    inside = np.zeros(shape, bool)
    for way in ways:
        inside ^= Polygon(np.vstack([way, way[:1]])).contains_points(grid).reshape(shape)
    return inside


def walked(path: str) -> list[np.ndarray]:
    """The closed ways of an SVG path of M, h, v and z, moved and scaled as it says."""
    ways = []
    for way in re.search(r' d="([^"]*)"', path)[1].split("z")[:-1]:
        first, *steps = re.findall(r"[Mhv][^Mhv]*", way)
        at = np.array(first[1:].split(), int)
        corners = [at]
        for step in steps:
            corners.append(corners[-1] + (np.array([1, 0]) if step[0] == "h" else np.array([0, 1])) * int(step[1:]))
        ways.append(np.array(corners))
    moved, scaled = re.search(r"translate\((\d+) (\d+)\)", path), re.search(r"scale\((\d+)\)", path)
    by, to = int(scaled[1]) if scaled else 1, np.array(moved.groups(), int) if moved else np.zeros(2, int)
    return [way * by + to for way in ways]


@pytest.mark.parametrize("density", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_rings_enclose_exactly_the_mask(density: float) -> None:
    mask = RNG.random((14, 11)) < density
    np.testing.assert_array_equal(filled(rings(mask), mask.shape), mask)


def test_an_outline_encloses_its_part_of_the_mask() -> None:
    mask = np.zeros((60, 80), bool)
    mask[20:41, 30:60] = True
    mask[25:30, 35:40] = False
    mask[2, 2] = True  # outside the box
    path = outline(mask, (25, 15, 40, 40), 'stroke="#fff"')
    wanted = mask.copy()
    wanted[2, 2] = False
    np.testing.assert_array_equal(filled(walked(path), mask.shape), wanted)
    assert 'stroke="#fff"' in path and len(path) < 200
    assert outline(mask, (62, 50, 10, 10), "") == ""


def test_a_large_mask_is_drawn_on_coarser_pixels() -> None:
    y, x = np.indices((1000, 1200))
    mask = np.hypot(x - 600, y - 500) < 400
    path = outline(mask, (0, 0, 1200, 1000), "")
    assert len(path) < 4200
    found = filled([way for way in walked(path)], (1001, 1204))[:1000, :1200]
    assert (found & mask).sum() * 2 / (found.sum() + mask.sum()) > 0.98


@pytest.mark.parametrize("density", [0.5, 0.001, 0.999])
def test_noise_takes_no_more_than_it_may(density: float) -> None:
    mask = RNG.random((512, 512)) < density
    path = outline(mask, (0, 0, 512, 512), "", 1000)
    assert path and len(path) < 1000 + 120
