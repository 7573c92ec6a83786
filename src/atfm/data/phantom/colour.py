r"""The colour phantom: a pigmented lesion of the skin, under a dermatoscope, whose odds can be seen in colour only.

Lengths are pixels at 32x32 and grow with `size`. `e(x)` is the depth of a pixel in the lesion, `e'(x)` in the lesion
joined with an attached area, `w` the blur of the edge, as in `atfm.data.phantom.grey`. The attached area is stained by
pigment (`d_p`, brown) and by blood (`d_r`, red) in the shares `b` and `1 - b`. Both darken grey by exactly as much:

    I(x) = skin(x) + A Phi(e/w) d_p + A [Phi(e'/w) - Phi(e/w)] (b d_p + (1 - b) d_r) + hairs(x) + noise(x)
    luma(d_p) = luma(d_r),    luma = (0.299, 0.587, 0.114)

An annotator outlines pigment: `u ~ N(0, 1)` says where the soft edge lies and

    v ~ Bernoulli( sigmoid((b - 0.5) / 0.12) )     does the attached area belong?
    Y(x) = [ d_v(x) + w u > 0 ],                   d_0 = e,  d_1 = e'

A method that turns the image to grey knows the outlines but not the odds.
"""

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.special import expit, ndtr

from atfm.data.layout import decode_image
from atfm.data.phantom.law import NOISE, SHAPE, Law, Simulated, stream
from atfm.data.phantom.outline import depths

__all__ = ["LUMA", "colour_phantom", "pigment_probability"]

LUMA = np.array([0.299, 0.587, 0.114])
_SKIN = np.array([0.84, 0.66, 0.56])
_PIGMENT = np.array([-0.36, -0.40, -0.36])
_RED = np.array([-0.02, -0.55, 0.0])
_RED[2] = (LUMA @ _PIGMENT - LUMA[:2] @ _RED[:2]) / LUMA[2]
_GRAIN, _TEXTURE = 0.012, 0.010


def pigment_probability(share: float) -> float:
    """The odds that an annotator counts an area of this share of pigment in, `sigmoid((b - 0.5) / 0.12)`."""
    return float(expit((share - 0.5) / 0.12))


def colour_phantom(seed: int, number: int, size: int = 32) -> Simulated:
    """Case `number` of the set `seed`: the same whatever else is generated.

    Args:
        seed: of the set, >= 0.
        number: of the case, >= 0.
        size: height and width in pixels, >= 16.

    Returns:
        The image `[3, size, size]` and its law; traits `contrast`, `blur` and `pigment`, which is 0 without an area.
    """
    rng = stream(seed, number, SHAPE)
    scale = size / 32
    radius = scale * rng.uniform(4.0, 7.0)
    blur = radius * rng.uniform(0.06, 0.28)
    contrast = rng.uniform(0.5, 1.0)
    share = rng.uniform(0.1, 0.9)
    has_area = rng.random() < 0.75
    depth, joined = depths(rng, size, radius, has_part=has_area)

    noise = stream(seed, number, NOISE)
    lesion, area = ndtr(depth / blur), ndtr(joined / blur) - ndtr(depth / blur)  # [H, W]
    stain = share * _PIGMENT + (1.0 - share) * _RED
    image = _skin(noise, size) + contrast * (lesion * _PIGMENT[:, None, None] + area * stain[:, None, None])
    image = image * _hairs(noise, size) + _GRAIN * noise.standard_normal(image.shape)
    steps = np.rint(255 * np.clip(image, 0.0, 1.0)).astype(np.uint8)  # eight bits, as a camera has

    odds = pigment_probability(share) if has_area else 0.0
    law = Law(np.array([1.0 - odds, odds]), np.stack([depth, joined])[:, None] / blur)
    traits = {"contrast": contrast, "blur": blur, "pigment": share if has_area else 0.0}
    return Simulated(decode_image(steps), law, traits, seed, number, (1.0, 1.0))


def _skin(rng: np.random.Generator, size: int) -> np.ndarray:
    """Skin, lighter or darker, with a slope of the light and a soft texture, `[3, H, W]`."""
    tone = _SKIN * rng.uniform(0.88, 1.08) + rng.normal(0.0, 0.015, 3)
    slope = rng.normal(0.0, 0.03, 2)
    ramp = np.linspace(-1.0, 1.0, size)
    width = 1.2 * size / 32
    texture = gaussian_filter(rng.standard_normal((size, size)), width, mode="wrap")
    # white noise smoothed by a Gaussian of width c keeps the standard deviation 1 / (2 c sqrt(pi))
    light = slope[0] * ramp[:, None] + slope[1] * ramp + _TEXTURE * 2.0 * width * np.sqrt(np.pi) * texture
    return np.asarray(tone[:, None, None] + light)


def _hairs(rng: np.random.Generator, size: int) -> np.ndarray:
    """Up to two dark, slightly bent hairs that mean nothing: what they leave of the light, `[H, W]`."""
    axis = (np.arange(size) - (size - 1) / 2) * 32 / size
    left = np.ones((size, size))
    for _ in range(int(rng.integers(3))):
        angle, away, bend = rng.uniform(0.0, np.pi), rng.uniform(-13.0, 13.0), rng.normal(0.0, 0.008)
        along = np.cos(angle) * axis + np.sin(angle) * axis[:, None]
        across = np.cos(angle) * axis[:, None] - np.sin(angle) * axis - away - bend * along**2
        left *= 1.0 - 0.55 * np.exp(-0.5 * (across / 0.45) ** 2)
    return left
