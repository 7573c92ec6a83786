r"""`Phantom`: a simulated lesion whose distribution of annotations is known exactly.

A real set shows four opinions of an image and hides the law behind them. Here the law is ours. Every case holds the
three ambiguities of real sets, and for each of them what decides the odds can be read from the image.

Lengths are pixels at 32x32 and grow with `size`. Let `e(x)` be the depth of pixel `x` in the lesion (the distance to
its edge, negative outside; the edge is `r(a) = R (1 + sum_{k=2..4} c_k cos(k a + phi_k))`), `e'(x) >= e(x)` the depth
in the lesion joined with its attached part (a disc across the edge; `e' = e` where there is none), and `Phi` the
normal distribution function. The image has an edge of blur `w`, the contrast `A` of the lesion and `b A` of the part:

    I(x) = background(x) + A [ (1 - b) Phi(e(x)/w) + b Phi(e'(x)/w) ] + noise(x)

An annotator is one latent number and two coins, all independent, fresh for each annotator:

    u ~ N(0, 1)                                   generous or strict: where does the soft edge lie?
    v ~ Bernoulli( sigmoid((b - 0.55) / 0.10) )   does the attached part belong?
    s ~ Bernoulli( sigmoid((A - 0.13) / 0.025) )  is anything there at all?
    Y(x) = s [ d_v(x) + w u > 0 ],                d_0 = e,  d_1 = e'

So the annotators of one image are nested wherever their coins agree, `u` moves the outline by as much as the image is
blurred (an annotator cuts the edge profile `Phi(d/w)` at the level `Phi(-u)`, uniform in (0, 1)), and without the
coins the mean mask is the edge profile itself. With `q_v` and `q_s` the odds of the coins,

    P(Y(x) = 1)   = q_s [ (1 - q_v) Phi(e(x)/w) + q_v Phi(e'(x)/w) ]
    P(Y is empty) = 1 - q_s [ (1 - q_v) Phi(max e / w) + q_v Phi(max e' / w) ]

A network that learns the law scores an unbiased GED of 0 up to the noise; the constants give sets about as diverse as
LIDC (two annotators differ by 1 - IoU of about 0.4, one mask in six is empty).
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, ndtr, ndtri

from atfm.data.layout import decode_image
from atfm.data.phantom.law import ANNOTATORS, NOISE, SHAPE, stream
from atfm.data.phantom.outline import background, depths
from atfm.errors import InputError

__all__ = ["Phantom", "part_probability", "phantom_case", "presence_probability"]


def presence_probability(contrast: float) -> float:
    """The odds that an annotator sees a lesion of this contrast, `sigmoid((A - 0.13) / 0.025)`."""
    return float(expit((contrast - 0.13) / 0.025))


def part_probability(part_contrast: float) -> float:
    """The odds that an annotator counts a part of this relative contrast in, `sigmoid((b - 0.55) / 0.10)`."""
    return float(expit((part_contrast - 0.55) / 0.10))


@dataclass(frozen=True)
class Phantom:
    """One image and the exact law of its annotations.

    Args:
        image: `[1, H, W]` float32 in [0, 1], in steps of 1/255.
        depth: `[H, W]` depth in the lesion in pixels, `e`; negative outside.
        depth_with_part: `[H, W]` depth in the lesion joined with its attached part, `e'`; equal to `depth` without one.
        blur: width `w` of the edge in pixels, > 0.
        contrast: `A`, of the lesion against the background, in grey values.
        part_contrast: `b`, of the part relative to the lesion, in [0, 1]; 0 where there is no part.
        number: of the case in its set.
        seed: of the set.
    """

    image: np.ndarray
    depth: np.ndarray
    depth_with_part: np.ndarray
    blur: float
    contrast: float
    part_contrast: float
    number: int
    seed: int

    def annotate(self, n: int, rng: np.random.Generator | None = None) -> np.ndarray:
        """Draw `n` annotators.

        Annotator `k` is the same whether 4 or 100 are drawn.

        Args:
            n: how many, >= 1.
            rng: where the latent numbers come from; the case's own stream if None, so the same `n` every time.

        Returns:
            `[n, H, W]` uint8 masks of 0 and 1.

        Raises:
            InputError: `n < 1`.
        """
        if n < 1:
            raise InputError(f"phantom: annotators: expected at least 1, got {n}")
        rng = stream(self.seed, self.number, ANNOTATORS) if rng is None else rng
        uniform = rng.random((n, 3))  # one row for each annotator keeps annotator k in place when n grows
        part = uniform[:, 1] < part_probability(self.part_contrast)
        present = uniform[:, 2] < presence_probability(self.contrast)
        return self.masks(ndtri(uniform[:, 0]), part, present)

    def masks(self, u: np.ndarray, part: np.ndarray, present: np.ndarray) -> np.ndarray:
        """The masks of given annotators, `Y(x) = s [d_v(x) + w u > 0]`.

        Args:
            u: `[n]` latent numbers, positive is generous.
            part: `[n]` bool, the attached part belongs.
            present: `[n]` bool, there is a lesion at all.

        Returns:
            `[n, H, W]` uint8 masks of 0 and 1.
        """
        cut = -self.blur * u[:, None, None]  # [n, 1, 1]
        depth: np.ndarray = np.where(part[:, None, None], self.depth_with_part, self.depth)  # [n, H, W]
        drawn: np.ndarray = (depth > cut) & present[:, None, None]
        return drawn.astype(np.uint8)

    def probability(self) -> np.ndarray:
        """The mean mask in closed form, `q_s [(1 - q_v) Phi(e/w) + q_v Phi(e'/w)]`, `[H, W]` float64."""
        return self._over_coins(ndtr(self.depth / self.blur), ndtr(self.depth_with_part / self.blur))

    def empty_probability(self) -> float:
        """The probability of an empty mask in closed form: the lesion is denied, or `u` is too strict for any pixel."""
        some = ndtr(self.depth.max() / self.blur), ndtr(self.depth_with_part.max() / self.blur)
        return 1.0 - float(self._over_coins(*some))

    def outcomes(self) -> tuple[np.ndarray, np.ndarray]:
        """Every mask that can be drawn, with its probability.

        Nested masks change only where `-w u` passes the depth of a pixel, so each branch of the law has at most
        `H W + 1` of them; expectations over the law (its diversity, its distance to a model) are finite sums.

        Returns:
            `[M, H, W]` uint8 masks and `[M]` float64 probabilities > 0 that sum to 1; a mask that several branches
            reach (the empty one) is listed once for each.
        """
        present, part = presence_probability(self.contrast), part_probability(self.part_contrast)
        masks, odds = [np.zeros((1, *self.depth.shape), np.uint8)], [np.array([1.0 - present])]
        for depth, weight in ((self.depth, 1.0 - part), (self.depth_with_part, part)):
            edges = np.concatenate([[-np.inf], np.unique(depth), [np.inf]])  # cuts in [edge i, edge i+1) draw alike
            chance = present * weight * np.diff(ndtr(edges / self.blur))
            possible = chance > 0
            masks.append((depth > edges[:-1][possible, None, None]).astype(np.uint8))
            odds.append(chance[possible])
        return np.concatenate(masks), np.concatenate(odds)

    def _over_coins(self, without: np.ndarray, joined: np.ndarray) -> np.ndarray:
        part = part_probability(self.part_contrast)
        return presence_probability(self.contrast) * ((1.0 - part) * without + part * joined)


def phantom_case(seed: int, number: int, *, size: int = 32) -> Phantom:
    """Case `number` of the set `seed`: the same whatever else is generated.

    Args:
        seed: of the set, >= 0.
        number: of the case, >= 0.
        size: height and width in pixels, >= 16; all lengths but the grain of the noise grow with it.

    Returns:
        The image and its law.

    Raises:
        InputError: an argument out of its range.
    """
    for name, value, least in (("seed", seed, 0), ("number", number, 0), ("size", size, 16)):
        if value < least:
            raise InputError(f"phantom: {name}: expected at least {least}, got {value}")
    rng = stream(seed, number, SHAPE)
    scale = size / 32
    radius = scale * rng.uniform(3.6, 6.6)
    blur = radius * rng.uniform(0.06, 0.32)  # tied to the radius: a blur near it would leave no lesion to outline
    contrast = rng.uniform(0.09, 0.22) if rng.random() < 0.5 else rng.uniform(0.22, 0.5)
    part_contrast = rng.uniform(0.3, 0.85) if rng.random() < 0.7 else 0.0
    depth, depth_with_part = depths(rng, size, radius, has_part=part_contrast > 0)

    lesion, joined = ndtr(depth / blur), ndtr(depth_with_part / blur)
    image = background(stream(seed, number, NOISE), size)
    image += contrast * ((1.0 - part_contrast) * lesion + part_contrast * joined)
    steps = np.rint(255 * np.clip(image, 0.0, 1.0)).astype(np.uint8)  # eight bits, as a scanner's export has
    return Phantom(decode_image(steps[None]), depth, depth_with_part, blur, contrast, part_contrast, number, seed)
