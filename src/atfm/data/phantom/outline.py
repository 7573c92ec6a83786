"""Outlines with waves, the depth of pixels in them, and the grey background of simulated images."""

import numpy as np
from scipy.ndimage import gaussian_filter

__all__ = ["background", "depths"]

_EDGE_POINTS = 64  # at R = 6.6 two neighbours lie 0.65 pixels apart; halfway between them a tangent is off by 0.01
_GRAIN = 0.012  # standard deviation of white noise ...
_TEXTURE = 0.007  # ... and of the smooth texture: together they move a fitted contrast by about 0.004


def depths(
    rng: np.random.Generator,
    size: int,
    radius: float,
    *,
    has_part: bool,
    centre: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """The depths `[H, W]` in a freshly drawn lesion, and in the lesion joined with its part, a disc across its edge.

    Args:
        rng: where the shape comes from.
        size: height and width in pixels.
        radius: `R` in `r(a) = R (1 + sum_{k=2..4} c_k cos(k a + phi_k))`, in pixels.
        has_part: whether there is a part; else both depths are the same.
        centre: x and y in pixels from the middle of the image; drawn about it if None.

    Returns:
        Distances to the edge in pixels, negative outside.
    """
    centre = rng.uniform(-2.5, 2.5, 2) * size / 32 if centre is None else centre
    order = np.arange(2, 5)[:, None]  # [3, 1]: order 1 would only move the centre, orders above 4 are noise
    height = rng.normal(0.0, 0.22 / order)
    phase = rng.uniform(0.0, 2 * np.pi, order.shape)
    bearing, reach, middle = rng.uniform(0.0, 2 * np.pi), rng.uniform(0.6, 0.8), rng.uniform(0.45, 0.7)

    axis = np.arange(size) - (size - 1) / 2
    x, y = axis - centre[0], (axis - centre[1])[:, None]  # [W], [H, 1]
    angle = np.linspace(0.0, 2 * np.pi, _EDGE_POINTS, endpoint=False)
    wave = order * angle + phase  # [3, points]
    edge = radius * np.maximum(1.0 + (height * np.cos(wave)).sum(0), 0.45)
    depth = _depth_in_outline(x, y, angle, edge)
    if not has_part:
        return depth, depth

    start = np.interp(bearing, angle, edge, period=2 * np.pi)
    part_radius = reach * radius
    away = start + middle * part_radius
    part = part_radius - np.hypot(x - away * np.cos(bearing), y - away * np.sin(bearing))
    return depth, np.maximum(depth, part)


def _depth_in_outline(x: np.ndarray, y: np.ndarray, angle: np.ndarray, edge: np.ndarray) -> np.ndarray:
    """Signed distance `<p - x, normal(p)>` of the pixels `[H, W]` to an outline, `p` its point nearest to each."""
    px, py = edge * np.cos(angle), edge * np.sin(angle)  # [points]
    # outwards: the outline runs from x to y, so its tangent turned by -90 degrees
    nx, ny = np.roll(py, -1) - np.roll(py, 1), np.roll(px, 1) - np.roll(px, -1)
    length = np.hypot(nx, ny)
    # The nearest point has the largest <x, p> - |p|^2 / 2; in float32, where a near tie changes nothing, half the time.
    row = (x[:, None] * px - 0.5 * edge**2).astype(np.float32)  # [W, points]
    column = (y * py).astype(np.float32)  # [H, points]
    near = (row + column[:, None]).argmax(-1)  # [H, W]
    return np.asarray(((px[near] - x) * nx[near] + (py[near] - y) * ny[near]) / length[near])


def background(rng: np.random.Generator, size: int) -> np.ndarray:
    """A grey level with a slight slope, a smooth texture and grain, `[H, W]`."""
    level, slope = rng.uniform(0.15, 0.35), rng.normal(0.0, 0.03, 2)
    ramp = np.linspace(-1.0, 1.0, size)
    correlation = 1.2 * size / 32
    texture = gaussian_filter(rng.standard_normal((size, size)), correlation, mode="wrap")
    # white noise smoothed by a Gaussian of width c keeps the standard deviation 1 / (2 c sqrt(pi))
    texture *= _TEXTURE * 2.0 * correlation * np.sqrt(np.pi)
    grain = _GRAIN * rng.standard_normal((size, size))
    return np.asarray(level + slope[0] * ramp[:, None] + slope[1] * ramp + texture + grain)
