"""Parts of larger images: where they lie, what they hold, and that augmentation reaches beyond them."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from atfm.data.augment import Augmentation, AugmentationRange, apply, draw
from atfm.data.case import Case
from atfm.data.crop import marked_points, slabs
from atfm.data.held import Held
from atfm.errors import InputError

STILL = AugmentationRange(flip=False, lesion=0.0)


def case(name: str, shape: tuple[int, ...], annotators: int = 2, marked: tuple[int, ...] | None = None) -> Case:
    """An image whose pixels are all different, and masks of one pixel."""
    values = np.random.default_rng(len(name)).permutation(np.arange(np.prod(shape)) % 256)
    masks = np.zeros((annotators, *shape), np.uint8)
    if marked:
        masks[(0, *marked)] = 1
    image = (values.reshape(1, *shape) / 255).astype(np.float32)
    return Case(image, masks, name, name, spacing=(1.0,) * len(shape))


def held(shape: tuple[int, ...], window: tuple[int, ...], marked: tuple[int, ...] | None = None) -> Held:
    return Held([case("a", shape, marked=marked)], 1, crop=window)


def corner_of(part: np.ndarray, whole: np.ndarray) -> tuple[int, ...]:
    """Where a part lies in an image, by comparing them at every place."""
    windows = np.lib.stride_tricks.sliding_window_view(whole, part.shape)
    places = np.argwhere(np.isclose(windows, part, atol=1e-3).all(axis=tuple(range(-part.ndim, 0))))
    assert len(places) == 1
    return tuple(places[0].tolist())


@pytest.mark.parametrize(("shape", "window"), [((20, 15), (8, 6)), ((9, 12, 10), (4, 8, 8))])
def test_without_change_a_crop_is_a_part_of_the_image(shape: tuple[int, ...], window: tuple[int, ...]) -> None:
    cases = held(shape, window, marked=tuple(n // 2 for n in shape))
    whole, masks = cases.image(0)[0], torch.from_numpy(cases.annotations(0)[0][:, 0]).float()
    drawn = draw(STILL, 40, torch.Generator().manual_seed(0), window)
    batch = cases.batch([0] * 40, drawn)
    seen = []
    for image, annotations in zip(batch.image, batch.annotations, strict=True):
        corner = corner_of(image[0].numpy(), whole.numpy())
        box = tuple(slice(first, first + width) for first, width in zip(corner, window, strict=True))
        assert torch.equal(annotations[:, 0], masks[:, *box])
        seen.append(corner)
    assert len(set(seen)) > 20
    for axis, (length, width) in enumerate(zip(shape, window, strict=True)):
        places = {corner[axis] for corner in seen}
        assert min(places) >= 0 and max(places) <= length - width


def test_a_share_of_the_crops_is_laid_over_a_marked_pixel() -> None:
    cases = held((60, 60), (8, 8), marked=(3, 50))
    for share, least, most in ((0.0, 0.0, 0.15), (0.5, 0.35, 0.7), (1.0, 1.0, 1.0)):
        drawn = draw(replace(STILL, lesion=share), 100, torch.Generator().manual_seed(1), (8, 8))
        hit = cases.batch([0] * 100, drawn).annotations.flatten(1).any(1).float().mean()
        assert least <= hit <= most
    drawn = draw(replace(STILL, lesion=1.0), 200, torch.Generator().manual_seed(1), (8, 8))
    _, _, _, y, x = cases.batch([0] * 200, drawn).annotations.nonzero().unbind(1)
    assert set(x.tolist()) == set(range(8))  # anywhere within the crop ...
    assert set(y.tolist()) == set(range(4))  # ... as far as the border of the image lets it


def test_only_what_a_warp_reaches_is_read_and_nothing_is_missing() -> None:
    """Against the same warp of the whole image: a part that were too small would show its border."""
    limits = AugmentationRange(warp=1.0, scale=0.3, shift=4.0, lesion=0.0, contrast=0.2)
    for shape, window in (((64, 50), (16, 12)), ((20, 40, 36), (8, 16, 16))):
        cases = held(shape, window, marked=tuple(n // 2 for n in shape))
        drawn = draw(limits, 12, torch.Generator().manual_seed(2), window)
        assert drawn.place is not None
        corner = (drawn.place.double() * (torch.tensor(shape) - torch.tensor(window) + 1)).floor()
        centre = (corner + (torch.tensor(window) - torch.tensor(shape)) / 2).float()
        masks = torch.from_numpy(cases.annotations(0)[0][:, 0]).float()
        image, labels = cases.image(0).expand(12, -1, *shape), masks.expand(12, -1, *shape)
        image, labels = apply(drawn, image, labels, window, centre)
        got = cases.batch([0] * 12, drawn)
        torch.testing.assert_close(got.image, image, atol=2e-3, rtol=0)
        assert (got.annotations[:, :, 0] != labels).float().mean() < 0.01  # ties of the nearest pixel


def test_images_of_many_sizes_and_annotators_make_one_batch() -> None:
    cases = [case("a", (20, 30), 1), case("b", (40, 16), 5), case("c", (6, 12), 2)]
    held = Held(cases, 1, crop=(16, 16))
    assert (held.size, held.channels, len(held)) == ((16, 16), 1, 3)
    drawn = draw(AugmentationRange(), 4, torch.Generator().manual_seed(0), (16, 16))
    batch = held.batch(torch.tensor([2, 0, 1, 0]), drawn)
    assert batch.image.shape == (4, 1, 16, 16)
    assert batch.annotations.shape == (4, 5, 1, 16, 16)
    assert batch.present.sum(1).tolist() == [2, 1, 5, 1]
    few = held.batch(torch.tensor([2, 0]), replace_rows(drawn, 2))
    assert few.annotations.shape[:2] == (2, 2)
    torch.testing.assert_close(few.image, batch.image[:2], atol=1e-5, rtol=0)  # whatever stands beside them
    for index, one in enumerate(cases):
        np.testing.assert_array_equal(held.image(index).numpy(), one.image)
        np.testing.assert_array_equal(held.annotations(index)[0][:, 0], one.masks)


def replace_rows(drawn: Augmentation, rows: int) -> Augmentation:
    return Augmentation(*(getattr(drawn, name)[:rows] for name in ("matrix", "gain", "offset", "place", "pick")))


def test_a_small_image_is_grown_by_reflection_with_its_masks() -> None:
    held = Held([case("a", (6, 12), marked=(1, 4))], 1, crop=(16, 12))
    drawn = draw(STILL, 1, torch.Generator().manual_seed(0), (16, 12))
    for batch in (held.batch(torch.tensor([0])), held.batch(torch.tensor([0]), drawn)):
        row = batch.image[0, 0, :, 4]
        torch.testing.assert_close(row[5:11], held.image(0)[0, :, 4], atol=1e-4, rtol=0)
        torch.testing.assert_close(row[:5], row[[10, 9, 8, 7, 6]], atol=1e-4, rtol=0)
        assert batch.annotations[0, 0, 0, :, 4].nonzero().flatten().tolist() == [4, 6, 14]


def test_beyond_the_image_there_are_no_labels() -> None:
    full = Case(np.ones((1, 8, 8), np.float32), np.ones((2, 8, 8), np.uint8), "full", "p")
    half = AugmentationRange(flip=False, warp=1.0, rotate=0.0, shift=5.0)
    drawn = draw(half, 30, torch.Generator().manual_seed(0), (8, 8))
    batch = Held([full], 1, crop=(8, 8)).batch([0] * 30, drawn)
    image, labels = apply(drawn, torch.ones(30, 1, 8, 8), torch.ones(30, 2, 8, 8), (8, 8))
    assert torch.equal(batch.annotations[:, :, 0], labels)
    assert (labels == 0).any() and torch.allclose(image, batch.image)


def test_a_crop_of_other_axes_is_refused() -> None:
    with pytest.raises(InputError, match=r"case a: expected 3 spatial axes for the crop \[4, 4, 4\]"):
        Held([case("a", (20, 30))], 1, crop=(4, 4, 4))
    with pytest.raises(InputError, match=r"set fit\.canvas to scale all into one size, or crop to train on parts"):
        Held([case("a", (20, 30)), case("b", (20, 31))], 1)


@pytest.mark.parametrize("shape", [(40, 30), (12, 20, 30), (3, 4100, 4100)])
def test_marked_points_are_even_among_all_of_them(shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    masks = np.zeros((2, *shape), np.uint8)
    masks[rng.integers(0, 2, 2000), *(rng.integers(0, n, 2000) for n in shape)] = 1
    masks[:, 0, :3] = 9  # says nothing
    found = marked_points(lambda box: masks[:, *box], shape, 9)
    everywhere = np.argwhere((masks == 1).any(0))
    np.testing.assert_array_equal(found, everywhere[np.linspace(0, len(everywhere) - 1, 256).astype(int)])
    few = np.zeros((1, *shape), np.uint8)
    assert marked_points(lambda box: few[:, *box], shape, None).shape == (0, len(shape))
    few[0, -1, -1] = 1
    assert len(marked_points(lambda box: few[:, *box], shape, None)) == min(256, few.sum())


def test_slabs_cover_a_case_once() -> None:
    for shape in ((5, 7), (300, 4000, 4000), (1, 9000, 9000), (2**24 + 5, 1)):
        boxes = slabs(shape)
        assert boxes[0][0].start == 0 and boxes[-1][0].stop == shape[0]
        assert all(a[0].stop == b[0].start for a, b in pairwise(boxes))
