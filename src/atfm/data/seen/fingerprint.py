r"""Fingerprints of an image: one of its very pixels, and one that survives re-encoding.

The second is a perceptual hash (pHash: Zauner, "Implementation and benchmarking of perceptual image hash functions",
2010), taken without a detour over thumbnails. With `f` the image as a function on the unit square (cube), constant
within each pixel, its cosine coefficients

    c(u) = \int f(x) \prod_a cos(pi u_a x_a) dx

hardly depend on the number of pixels, and their signs on neither brightness nor contrast. The hash is the signs of the
128 lowest of them without the mean. Two images are alike if at most `ALIKE` of the signs differ; a border that was cut
off or added is allowed for by looking at some windows of the image that is asked about. What the numbers stand on is
measured by `atfm data fingerprint STORE --against SPLIT`.
"""

import hashlib
import itertools
from functools import lru_cache
from typing import NamedTuple

import numpy as np

__all__ = ["ALIKE", "BITS", "BORDERS", "EXACT_BYTES", "Fingerprint", "fingerprint", "windows"]

BITS = 128
ALIKE = 10  # signs that may differ
EXACT_BYTES = 8
# Shares of the image cut off at each side; below 0 the edge goes on beyond the image.
BORDERS = (-0.06, -0.045, -0.03, -0.015, 0.0, 0.015, 0.03, 0.045, 0.06)
SLAB = 2**22  # pixels that are hashed at a time
ROUNDING = 1e-5  # of the largest coefficient
PLAIN = 2 / 255  # an image whose values span no more shows nothing to be known by


class Fingerprint(NamedTuple):
    """What an image is known by.

    Args:
        exact: of the pixels, in 8-bit steps: the head of BLAKE2b over the shape and them.
        alike: `[BITS / 8]` uint8, the perceptual hash.
    """

    exact: bytes
    alike: np.ndarray


def fingerprint(image: np.ndarray) -> Fingerprint | None:
    """The fingerprints of an image; None where it is as good as one even colour.

    Args:
        image: `[C_in, *spatial]` in [0, 1]; three equal channels are one.
    """
    if float(image.max()) - float(image.min()) <= PLAIN:
        return None
    if len(image) == 3 and (image == image[:1]).all():
        image = image[:1]
    return Fingerprint(pixels(image), signs(grey(image), 0.0))


def pixels(image: np.ndarray) -> bytes:
    """The head of BLAKE2b over the shape and the pixels in 8-bit steps, a slab of a volume at a time."""
    digest = hashlib.blake2b(np.array(image.shape, "<u4").tobytes(), digest_size=EXACT_BYTES)
    for channel in image:
        rows = max(1, SLAB // channel[0].size)
        for at in range(0, len(channel), rows):
            digest.update(np.rint(np.clip(channel[at : at + rows], 0, 1) * 255).astype(np.uint8).tobytes())
    return digest.digest()


def windows(image: np.ndarray) -> np.ndarray:
    """The perceptual hashes of an image with its border cut off or gone on by each of `BORDERS`.

    Args:
        image: `[C_in, *spatial]` in [0, 1].

    Returns:
        `[len(BORDERS), BITS / 8]` uint8.
    """
    flat = grey(image)
    return np.stack([signs(flat, border) for border in BORDERS])


def grey(image: np.ndarray) -> np.ndarray:
    """The mean of the channels, `[*spatial]` float32."""
    mean: np.ndarray = image[0] if len(image) == 1 else image.mean(0, dtype=np.float32)
    return np.asarray(mean, np.float32)


def signs(image: np.ndarray, border: float) -> np.ndarray:
    """The signs of the lowest coefficients of a window of `[*spatial]`, packed."""
    chosen, highest = frequencies(image.ndim)
    for axis, length in enumerate(image.shape):
        # A volume stays in float32, of which float64 would be a copy, until one axis of it is short.
        weights = cosines(length, highest, border).astype(image.dtype)
        image = np.moveaxis(np.tensordot(weights, image, axes=(1, axis)), 0, axis).astype(np.float64, copy=False)
    low = image[chosen]
    # Of a symmetric image half the coefficients are 0 but for rounding, and so should be their signs.
    return np.packbits(low > ROUNDING * np.abs(low).max())


@lru_cache(maxsize=64)
def cosines(length: int, highest: int, border: float) -> np.ndarray:
    """The integrals of cos(pi u x) over each pixel, `[highest + 1, length]`, x from 0 to 1 in the window."""
    edges = np.arange(length + 1) / length
    edges[0], edges[-1] = min(border, 0), max(1 - border, 1)
    x = np.clip((edges - border) / (1 - 2 * border), 0, 1)
    u = np.arange(1, highest + 1)[:, None]
    return np.concatenate([np.diff(x)[None], np.diff(np.sin(np.pi * u * x), axis=1) / (np.pi * u)])


@lru_cache(maxsize=4)
def frequencies(axes: int) -> tuple[tuple[np.ndarray, ...], int]:
    """The `BITS` lowest frequencies without zero, by their sum and then in order, and the highest along any axis."""
    most = next(top for top in itertools.count(1) if sum(1 for u in lattice(axes, top)) > BITS)
    ordered = sorted(lattice(axes, most), key=lambda u: (sum(u), u))[1 : BITS + 1]
    return tuple(np.array(ordered).T), most


def lattice(axes: int, most: int) -> list[tuple[int, ...]]:
    """The whole numbers of `axes` axes, none below 0, that sum to at most `most`."""
    return [u for u in itertools.product(range(most + 1), repeat=axes) if sum(u) <= most]
