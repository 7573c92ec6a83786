"""Parts of larger images: where they lie, what they hold, and that augmentation reaches beyond them."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from atfm.data.augment import AugmentationRange, apply, draw
from atfm.data.case import Case
from atfm.data.crop import Crop, cut, start
from atfm.data.resident import Resident
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


def part(shape: tuple[int, ...], marked: tuple[int, ...] | None = None) -> Crop:
    return Crop.of(case("a", shape, marked=marked), torch.device("cpu"))


@pytest.mark.parametrize(("shape", "window"), [((20, 15), (8, 6)), ((9, 12, 10), (4, 8, 8))])
def test_without_change_a_crop_is_a_part_of_the_image(shape: tuple[int, ...], window: tuple[int, ...]) -> None:
    whole = part(shape)
    drawn = draw(STILL, 40, torch.Generator().manual_seed(0), window)
    seen = set()
    for row in range(40):
        corner = start(whole, drawn, row, window)
        seen.add(tuple(corner))
        box = tuple(slice(first, first + width) for first, width in zip(corner, window, strict=True))
        image, labels = cut(whole, drawn, row, window)
        torch.testing.assert_close(image, whole.image[:, *box] / 255, atol=1e-4, rtol=0)
        assert torch.equal(labels, whole.labels[:, *box].float())
    assert len(seen) > 20
    for axis, (length, width) in enumerate(zip(shape, window, strict=True)):
        places = {corner[axis] for corner in seen}
        assert min(places) >= 0 and max(places) <= length - width


def test_a_share_of_the_crops_is_laid_over_a_marked_pixel() -> None:
    whole = part((60, 60), marked=(3, 50))
    for share, least, most in ((0.0, 0.0, 0.15), (0.5, 0.35, 0.7), (1.0, 1.0, 1.0)):
        drawn = draw(replace(STILL, lesion=share), 100, torch.Generator().manual_seed(1), (8, 8))
        hit = np.mean([cut(whole, drawn, row, (8, 8))[1].sum().item() > 0 for row in range(100)])
        assert least <= hit <= most
    drawn = draw(replace(STILL, lesion=1.0), 200, torch.Generator().manual_seed(1), (8, 8))
    inside = {tuple(cut(whole, drawn, row, (8, 8))[1][0].nonzero()[0].tolist()) for row in range(200)}
    assert {x for _, x in inside} == set(range(8))  # anywhere within the crop ...
    assert {y for y, _ in inside} == set(range(4))  # ... as far as the border of the image lets it


def test_only_what_a_warp_reaches_is_read_and_nothing_is_missing() -> None:
    """Against the same warp of the whole image: a cut-out that were too small would show its border."""
    limits = AugmentationRange(warp=1.0, scale=0.3, shift=4.0, lesion=0.0, contrast=0.2)
    for shape, window in (((64, 50), (16, 12)), ((20, 40, 36), (8, 16, 16))):
        whole = part(shape, marked=tuple(n // 2 for n in shape))
        drawn = draw(limits, 12, torch.Generator().manual_seed(2), window)
        for row in range(12):
            own = replace(drawn, matrix=drawn.matrix[[row]], gain=drawn.gain[[row]], offset=drawn.offset[[row]])
            corner = start(whole, drawn, row, window)
            centre = [c + w / 2 - n / 2 for c, w, n in zip(corner, window, shape, strict=True)]
            image, labels = apply(own, whole.image[None] / 255, whole.labels[None].float(), window, centre)
            got = cut(whole, drawn, row, window)
            torch.testing.assert_close(got[0], image[0], atol=2e-3, rtol=0)
            assert (got[1] != labels[0]).float().mean() < 0.01  # ties of the nearest pixel


def test_images_of_many_sizes_and_annotators_make_one_batch() -> None:
    cases = [case("a", (20, 30), 1), case("b", (40, 16), 5), case("c", (6, 12), 2)]
    held = Resident(cases, 1, crop=(16, 16))
    assert (held.size, held.channels, len(held)) == ((16, 16), 1, 3)
    drawn = draw(AugmentationRange(), 4, torch.Generator().manual_seed(0), (16, 16))
    batch = held.batch(torch.tensor([2, 0, 1, 0]), drawn)
    assert batch.image.shape == (4, 1, 16, 16)
    assert batch.annotations.shape == (4, 5, 1, 16, 16)
    assert batch.present.sum(1).tolist() == [2, 1, 5, 1]
    few = held.batch(torch.tensor([2, 0]), drawn)
    assert few.annotations.shape[:2] == (2, 2)
    for index, one in enumerate(cases):
        whole = held.whole(index)
        np.testing.assert_allclose(whole.image[0].numpy(), one.image, atol=1e-6)
        np.testing.assert_array_equal(whole.annotations[0, :, 0].numpy(), one.masks)
        assert whole.present.all()


def test_a_small_image_is_grown_by_reflection_with_its_masks() -> None:
    held = Resident([case("a", (6, 12), marked=(1, 4))], 1, crop=(16, 12))
    batch = held.batch(torch.tensor([0]))
    row = batch.image[0, 0, :, 4]
    torch.testing.assert_close(row[5:11], held.whole(0).image[0, 0, :, 4])
    torch.testing.assert_close(row[:5], row[[10, 9, 8, 7, 6]])
    assert batch.annotations[0, 0, 0, :, 4].nonzero().flatten().tolist() == [4, 6, 14]


def test_a_crop_of_other_axes_is_refused() -> None:
    with pytest.raises(InputError, match=r"case a: expected 3 spatial axes for the crop \[4, 4, 4\]"):
        Resident([case("a", (20, 30))], 1, crop=(4, 4, 4))
    with pytest.raises(InputError, match="set crop to train on parts of one size"):
        Resident([case("a", (20, 30)), case("b", (20, 31))], 1)
