r"""The phantom of volumes: a lesion somewhere in a field larger than what a network sees at a time, in thick slices.

The field is a cube of 48 mm: `size` rows and columns and two thirds as many slices, half as thick again as a pixel is
wide. Lengths are millimetres. With `a` the bearing of a voxel from the lesion's centre and `|x|` its distance, the
depth in the lesion is `e(x) = r(a) - |x|`, of a surface `r(a) = R (1 + sum_i h_i [ (a . a_i)^2 - 1/3 ])`; a ball across
its edge is the attached part, and `e' = max(e, part)`. The image and the three ambiguities are those of the plane:

    I(x) = background(x) + A [ (1 - b) Phi(e/w) + b Phi(e'/w) ] + noise(x)
    u ~ N(0, 1),  v ~ Bernoulli( sigmoid((b - 0.55) / 0.10) ),  s ~ Bernoulli( sigmoid((A - 0.13) / 0.025) )
    Y(x) = s [ d_v(x) + w u > 0 ],    d_0 = e,  d_1 = e'
"""

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.special import ndtr

from atfm.data.layout import decode_image
from atfm.data.phantom.grey import part_probability, presence_probability
from atfm.data.phantom.law import NOISE, SHAPE, Law, Simulated, stream

__all__ = ["volume_phantom"]

_FIELD = 48.0  # millimetres
_GRAIN, _TEXTURE = 0.012, 0.007


def volume_phantom(seed: int, number: int, size: int = 48) -> Simulated:
    """Case `number` of the set `seed`: the same whatever else is generated.

    Args:
        seed: of the set, >= 0.
        number: of the case, >= 0.
        size: rows and columns, >= 16; the slices are two thirds as many.

    Returns:
        The image `[1, 2/3 size, size, size]` and its law; traits `contrast`, `part`, `blur` and `radius`.
    """
    rng = stream(seed, number, SHAPE)
    radius = rng.uniform(4.5, 8.0)
    blur = radius * rng.uniform(0.06, 0.28)
    contrast = rng.uniform(0.09, 0.22) if rng.random() < 0.5 else rng.uniform(0.22, 0.5)
    part = rng.uniform(0.3, 0.85) if rng.random() < 0.7 else 0.0
    shape = (2 * size // 3, size, size)
    spacing = tuple(_FIELD / length for length in shape)
    depth, joined = _depths(rng, shape, radius, has_part=part > 0)

    image = _background(stream(seed, number, NOISE), shape, spacing)
    image += contrast * ((1.0 - part) * ndtr(depth / blur) + part * ndtr(joined / blur))
    steps = np.rint(255 * np.clip(image, 0.0, 1.0)).astype(np.uint8)

    present, belongs = presence_probability(contrast), part_probability(part)
    odds = np.array([1.0 - present, present * (1.0 - belongs), present * belongs])
    law = Law(odds, np.stack([np.full_like(depth, -np.inf), depth / blur, joined / blur])[:, None])
    traits = {"contrast": contrast, "part": part, "blur": blur, "radius": radius}
    return Simulated(decode_image(steps[None]), law, traits, seed, number, spacing)


def _depths(
    rng: np.random.Generator, shape: tuple[int, ...], radius: float, *, has_part: bool
) -> tuple[np.ndarray, np.ndarray]:
    """The depths `[D, H, W]` in the lesion, and in the lesion joined with its part, in millimetres."""
    centre = rng.uniform(-13.0, 13.0, 3)
    axes = _unit(rng.standard_normal((4, 3)))  # a_i
    height = rng.normal(0.0, 0.22, 4)
    bearing = _unit(rng.standard_normal(3))
    reach, middle = rng.uniform(0.6, 0.8), rng.uniform(0.45, 0.7)

    def surface(direction: np.ndarray) -> np.ndarray:
        wave = ((direction @ axes.T) ** 2 - 1 / 3) @ height
        return radius * np.maximum(1.0 + wave, 0.5)

    grid = np.stack(np.meshgrid(*(_axis(length) for length in shape), indexing="ij"), -1) - centre  # [D, H, W, 3]
    distance = np.linalg.norm(grid, axis=-1)
    depth = surface(grid / np.maximum(distance, 1e-9)[..., None]) - distance
    if not has_part:
        return depth, depth
    part_radius = reach * radius
    away = float(surface(bearing)) + middle * part_radius
    return depth, np.maximum(depth, part_radius - np.linalg.norm(grid - away * bearing, axis=-1))


def _axis(length: int) -> np.ndarray:
    """The middles of the voxels of one axis, in millimetres from the middle of the field."""
    return (np.arange(length) - (length - 1) / 2) * (_FIELD / length)


def _unit(vectors: np.ndarray) -> np.ndarray:
    return np.asarray(vectors / np.linalg.norm(vectors, axis=-1, keepdims=True))


def _background(rng: np.random.Generator, shape: tuple[int, ...], spacing: tuple[float, ...]) -> np.ndarray:
    """A grey level with a slight slope, a texture of 1.5 mm and grain, `[D, H, W]`."""
    level, slope = rng.uniform(0.15, 0.35), rng.normal(0.0, 0.03, 3)
    width = 1.5 / np.array(spacing)
    texture = gaussian_filter(rng.standard_normal(shape), width, mode="wrap")
    # white noise smoothed by a Gaussian of width c keeps the standard deviation 1 / sqrt(2 c sqrt(pi)) along each axis
    texture *= _TEXTURE * np.sqrt(np.prod(2.0 * width * np.sqrt(np.pi)))
    ramps = (np.linspace(-1.0, 1.0, length) for length in shape)
    light = sum(
        s * ramp.reshape(-1, *[1] * (2 - axis)) for axis, (s, ramp) in enumerate(zip(slope, ramps, strict=True))
    )
    return np.asarray(level + light + texture + _GRAIN * rng.standard_normal(shape))
