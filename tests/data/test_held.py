"""Cases on the device: padding of annotators, one-hot classes, sizes, the type of the store, bytes."""

import numpy as np
import pytest
import torch

from atfm.data.augment import AugmentationRange, draw
from atfm.data.case import Case
from atfm.data.held import Held, held_bytes
from atfm.data.plan import Plan
from atfm.data.source import source_of
from atfm.errors import InputError


def case(number: int, annotators: int, shape: tuple[int, ...] = (6, 6), classes: int = 2) -> Case:
    rng = np.random.default_rng(number)
    image = (rng.integers(0, 256, (1, *shape)) / 255).astype(np.float32)
    masks = rng.integers(0, classes, (annotators, *shape), np.uint8)
    return Case(image, masks, f"c{number}", f"p{number}", (1.0,) * len(shape))


@pytest.mark.parametrize("shape", [(6, 6), (3, 16), (5, 19), (2, 3, 9)])
def test_a_batch_holds_the_very_cases(shape: tuple[int, ...]) -> None:
    cases = [case(number, annotators, shape) for number, annotators in enumerate((2, 4, 1, 3))]
    held = Held(cases, 1)
    batch = held.batch(torch.tensor([1, 0, 3, 1]))
    assert batch.annotations.shape == (4, 4, 1, *shape)
    assert batch.present.tolist() == [[True] * 4, [True, True, False, False], [True] * 3 + [False], [True] * 4]
    for row, index in enumerate([1, 0, 3, 1]):
        one, own = cases[index], cases[index].annotators
        np.testing.assert_array_equal(batch.image[row].numpy(), one.image)
        np.testing.assert_array_equal(batch.annotations[row, :own, 0].numpy(), one.masks)
        assert not batch.annotations[row, own:].any()
        np.testing.assert_array_equal(held.image(index).numpy(), one.image)
        masks, counts = held.annotations(index)
        np.testing.assert_array_equal(masks[:, 0], one.masks)
        assert counts.shape == shape and counts.all()
    assert held.batch([2, 0]).annotations.shape[1] == 2  # no more rows than these two have


def test_classes_become_one_hot() -> None:
    labelled = case(0, 3, classes=4)
    annotations = Held([labelled], 4).batch([0]).annotations
    assert annotations.shape == (1, 3, 4, 6, 6)
    assert (annotations.sum(2) == 1).all()
    np.testing.assert_array_equal(annotations[0].argmax(1).numpy(), labelled.masks)
    with pytest.raises(InputError, match="case c0: masks: expected labels 0 to 2, got 3; set the number of classes"):
        Held([labelled], 3)


def test_two_values_4_hu_apart_in_a_window_of_2000_stay_two_in_training() -> None:
    image = np.full((1, 8, 8), (100 + 1000) / 2000, np.float32)
    image[:, :, 4:] = (104 + 1000) / 2000
    fine = Case(image, np.zeros((1, 8, 8), np.uint8), "ct", "p")
    for drawn in (None, draw(AugmentationRange(flip=False), 1, torch.Generator().manual_seed(0), (8, 8))):
        seen = Held([fine], 1).batch([0], drawn).image[0, 0]
        assert 2000 * (seen[:, 5:] - seen[:, :3]).mean().item() == pytest.approx(4, rel=1e-3)
    for drawn in (None, draw(AugmentationRange(flip=False), 1, torch.Generator().manual_seed(0), (4, 6))):
        seen = Held([fine], 1, crop=(4, 6)).batch([0], drawn).image
        assert 2000 * (seen.max() - seen.min()).item() == pytest.approx(4, rel=1e-3)


def test_several_sizes_and_no_cases_are_refused() -> None:
    with pytest.raises(InputError, match=r"case c1: expected an image of \[6, 6\] like the first .* set fit\.canvas"):
        Held([case(0, 2), case(1, 2, (8, 8))], 1)
    with pytest.raises(InputError, match=r"case c1: expected an image of 1 channels and 2 spatial axes"):
        Held([case(0, 2), case(1, 2, (2, 8, 8))], 1)
    with pytest.raises(InputError, match="no case"):
        Held([], 1)


@pytest.mark.parametrize(("classes", "crop"), [(1, None), (3, None), (1, (4, 4)), (3, (4, 4))])
def test_a_case_takes_no_room_for_annotators_it_lacks(classes: int, crop: tuple[int, ...] | None) -> None:
    few = [case(number, 2, (16, 20), max(classes, 2)) for number in range(8)]
    crowd = case(8, 50, (16, 20), max(classes, 2))
    bytes_of = [held_bytes(source_of(cases), classes, crop=crop is not None) for cases in (few, [*few, crowd])]
    mask = 16 * 20 if classes > 1 else 16 * 3  # rows of 20 bits take 3 bytes
    assert bytes_of[0] == 8 * (16 * 20 + 2 * mask) + (8 * 256 * 12 if crop else 0)
    assert bytes_of[1] - bytes_of[0] == 16 * 20 + 50 * mask + (256 * 12 if crop else 0)
    memory = Held([*few, crowd], classes, crop=crop).reader
    held = memory._images.nbytes + memory._masks.nbytes  # type: ignore[attr-defined]
    assert held == 9 * 16 * 20 + (8 * 2 + 50 + 1) * mask


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
@pytest.mark.parametrize("crop", [None, (8, 8)])
def test_a_batch_on_a_gpu_is_that_of_the_cpu_and_is_not_waited_for(crop: tuple[int, ...] | None) -> None:
    cases = [case(number, 1 + number % 3, (16, 20)) for number in range(12)]
    plan = Plan(0, "stage", 12, 5, AugmentationRange(warp=0.5, scale=0.2, shift=2.0, contrast=0.1), (8, 8))
    ours, theirs = (Held(cases, 1, device, crop=crop) for device in ("cuda", "cpu"))
    ours.batch(*plan(0), (8, 8))
    torch.cuda.set_sync_debug_mode("error")
    try:
        batches = list(ours.batches(plan, [(step, 0) for step in range(4)]))
    finally:
        torch.cuda.set_sync_debug_mode("default")
    for got, expected in zip(batches, theirs.batches(plan, [(step, 0) for step in range(4)]), strict=True):
        torch.testing.assert_close(got.image.cpu(), expected.image, atol=1e-4, rtol=0)
        assert (got.annotations.cpu() != expected.annotations).float().mean() < 0.01  # ties of the nearest pixel
        assert torch.equal(got.present.cpu(), expected.present)
