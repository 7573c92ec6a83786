"""Fingerprints: against the integral they stand for, and what leaves them as they are."""

import io

import numpy as np
import pytest
from PIL import Image
from scipy.fft import dctn
from scipy.ndimage import gaussian_filter

from atfm.data.seen.fingerprint import ALIKE, BITS, BORDERS, cosines, fingerprint, frequencies, windows


def scene(seed: int, *shape: int) -> np.ndarray:
    """Smooth structure with some noise, `[1, *shape]` in [0, 1]."""
    rng = np.random.default_rng(seed)
    smooth = gaussian_filter(rng.standard_normal(shape), [length / 12 for length in shape])
    image = smooth / (4 * smooth.std()) + 0.5 + 0.01 * rng.standard_normal(shape)
    return np.clip(image, 0, 1).astype(np.float32)[None]


def steps(image: np.ndarray) -> np.ndarray:
    return np.rint(image[0] * 255).astype(np.uint8)


def jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    stream = io.BytesIO()
    Image.fromarray(steps(image)).save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(stream), np.float32)[None] / 255


def resized(image: np.ndarray, *size: int) -> np.ndarray:
    return np.asarray(Image.fromarray(image[0]).resize(size[::-1], Image.Resampling.BICUBIC))[None]


def differing(one: np.ndarray, other: np.ndarray) -> int:
    """The fewest signs in which any window of one differs from the hash of the other."""
    known = np.unpackbits(fingerprint(other).alike)
    return int((np.unpackbits(windows(one), axis=1) != known).sum(1).min())


def test_the_cosines_are_integrals_over_pixels() -> None:
    length, fine = 7, 70_000
    x = (np.arange(fine) + 0.5) / fine
    for border in BORDERS:
        at = border + (1 - 2 * border) * x  # of the window, in the image, whose edge pixels go on
        pixel = np.clip((at * length).astype(int), 0, length - 1)
        naive = np.stack([np.bincount(pixel, np.cos(np.pi * u * x), length) / fine for u in range(5)])
        np.testing.assert_allclose(cosines(length, 4, border), naive, atol=1e-4)


def test_on_a_fine_grid_they_are_scipy_s_dct() -> None:
    image = scene(0, 64, 48)[0]
    ours = cosines(64, 6, 0.0) @ image @ cosines(48, 6, 0.0).T
    np.testing.assert_allclose(ours, dctn(image, type=2)[:7, :7] / (4 * image.size), atol=2e-3 * np.abs(ours).max())


@pytest.mark.parametrize("axes", [2, 3])
def test_the_lowest_frequencies_each_once_and_not_the_mean(axes) -> None:
    chosen, highest = frequencies(axes)
    listed = list(zip(*(axis.tolist() for axis in chosen), strict=True))
    assert len(set(listed)) == BITS and (0,) * axes not in listed and max(map(max, listed)) <= highest
    others = [u for u in np.ndindex(*[highest + 1] * axes) if any(u) and u not in listed]
    assert max(map(sum, listed)) <= min(map(sum, others))


@pytest.mark.parametrize(
    "change",
    [
        lambda image: jpeg(image, 75),
        lambda image: jpeg(image, 30),
        lambda image: np.rint(image * 65535).astype(np.float32) / 65535,
        lambda image: resized(image, 40, 36),
        lambda image: resized(image, 160, 144),
        lambda image: image * np.float32(0.6) + np.float32(0.1),
        lambda image: image[:, 1:-1, 1:-1],
        lambda image: image[:, 2:-2, 2:-2],
        lambda image: np.repeat(image, 3, axis=0),
        lambda image: np.pad(image, ((0, 0), (2, 2), (2, 2))),
    ],
)
def test_what_survives(change) -> None:
    images = [scene(seed, 80, 72) for seed in range(10)]
    assert sum(differing(np.clip(change(image), 0, 1), image) <= ALIKE for image in images) >= 9


def test_other_images_are_far() -> None:
    images = [scene(seed, 80, 72) for seed in range(20)]
    assert min(differing(a, b) for a in images for b in images if a is not b) > 3 * ALIKE


def test_the_exact_one_is_of_the_8_bit_pixels() -> None:
    image = steps(scene(0, 24, 20)).astype(np.float32)[None] / np.float32(255)
    sixteen = np.rint(image * 65535).astype(np.float32) / np.float32(65535)
    assert fingerprint(image).exact == fingerprint(sixteen).exact == fingerprint(np.repeat(image, 3, 0)).exact
    other = image.copy()
    other[0, 3, 4] = 1 - other[0, 3, 4]
    assert len({fingerprint(one).exact for one in (image, other, image.transpose(0, 2, 1), image[:, :-1])}) == 4


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_an_even_image_has_none(value) -> None:
    image = np.full((1, 9, 9), value, np.float32)
    assert fingerprint(image) is None
    image[0, 4, 4] = 1 - value if value != 0.5 else 1.0
    assert fingerprint(image) is not None


def test_volumes() -> None:
    volume = scene(3, 12, 40, 36)
    darker = np.clip(volume[:, :, 1:-1, 1:-1] * np.float32(0.8), 0, 1)
    assert differing(darker, volume) <= ALIKE < differing(scene(4, 12, 40, 36), volume)


def test_a_symmetric_image_has_the_same_signs_however_it_is_rounded() -> None:
    half = scene(1, 40, 20)
    image = np.concatenate([half, half[:, :, ::-1]], axis=2)
    assert differing(image * np.float32(0.77), image) == 0


def test_slab_by_slab_is_the_same(monkeypatch) -> None:
    volume = scene(5, 9, 20, 16)
    whole = fingerprint(volume).exact
    monkeypatch.setattr("atfm.data.seen.fingerprint.SLAB", 700)
    assert fingerprint(volume).exact == whole
