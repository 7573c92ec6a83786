r"""The phantom of several classes: a lesion (label 1) with a core (label 2), whose border and existence are ambiguous.

Lengths are pixels at 32x32 and grow with `size`. `e(x)` is the depth of a pixel in the lesion and `w` the blur of its
edge, as in `atfm.data.phantom.grey`; `c(x)` and `w_c` are those of the core, a shape of its own within the lesion:

    I(x) = background(x) + A Phi(e/w) + A_c Phi(c/w_c) + noise(x)

An annotator is one latent number `u ~ N(0, 1)`, which moves both edges, and a coin:

    s ~ Bernoulli( sigmoid((A_c - 0.13) / 0.03) )     is there a core?
    Y(x) = [ e/w + u > 0 ] + s [ min(c/w_c, e/w) + u > 0 ]

What is not core is lesion, so that leaving the core out is an opinion about both labels.
"""

import numpy as np
from scipy.special import expit, ndtr

from atfm.data.layout import decode_image
from atfm.data.phantom.law import NOISE, SHAPE, Law, Simulated, stream
from atfm.data.phantom.outline import background, depths

__all__ = ["classes_phantom", "core_probability"]


def core_probability(contrast: float) -> float:
    """The odds that an annotator sees a core of this contrast, `sigmoid((A_c - 0.13) / 0.03)`."""
    return float(expit((contrast - 0.13) / 0.03))


def classes_phantom(seed: int, number: int, size: int = 32) -> Simulated:
    """Case `number` of the set `seed`: the same whatever else is generated.

    Args:
        seed: of the set, >= 0.
        number: of the case, >= 0.
        size: height and width in pixels, >= 16.

    Returns:
        The image `[1, size, size]` and its law over the labels 0, 1 and 2; traits `contrast`, `core`, `blur` and
        `core_blur`.
    """
    rng = stream(seed, number, SHAPE)
    radius = size / 32 * rng.uniform(6.0, 9.5)
    blur = radius * rng.uniform(0.05, 0.2)
    contrast = rng.uniform(0.18, 0.4)
    core_radius = radius * rng.uniform(0.4, 0.6)
    core_blur = core_radius * rng.uniform(0.08, 0.35)
    core_contrast = rng.uniform(0.06, 0.2) if rng.random() < 0.6 else rng.uniform(0.2, 0.4)
    depth, _ = depths(rng, size, radius, has_part=False)
    bearing, away = rng.uniform(0.0, 2 * np.pi), rng.uniform(0.0, 0.3) * radius
    middle = np.unravel_index(depth.argmax(), depth.shape) - np.full(2, (size - 1) / 2)  # y, x of the deepest pixel
    centre = middle[::-1] + away * np.array([np.cos(bearing), np.sin(bearing)])
    core, _ = depths(rng, size, core_radius, has_part=False, centre=centre)

    image = background(stream(seed, number, NOISE), size)
    image += contrast * ndtr(depth / blur) + core_contrast * ndtr(core / core_blur)
    steps = np.rint(255 * np.clip(image, 0.0, 1.0)).astype(np.uint8)

    odds = core_probability(core_contrast)
    lesion = depth / blur
    inner = np.minimum(core / core_blur, lesion)
    nothing = np.full_like(inner, -np.inf)
    law = Law(np.array([1.0 - odds, odds]), np.stack([np.stack([lesion, nothing]), np.stack([lesion, inner])]))
    traits = {"contrast": contrast, "core": core_contrast, "blur": blur, "core_blur": core_blur}
    return Simulated(decode_image(steps[None]), law, traits, seed, number, (1.0, 1.0))
