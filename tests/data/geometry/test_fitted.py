import pickle

import numpy as np
import pytest
import torch

from atfm.data.augment import AugmentationRange
from atfm.data.case import Case
from atfm.data.geometry.fitted import Fitted
from atfm.data.geometry.rule import Fit
from atfm.data.held import Held, held_bytes
from atfm.data.plan import Plan
from atfm.data.source import InMemory, Selection
from atfm.data.store import Store, StoreWriter
from atfm.data.streamed import Streamed

SIZES = [((40, 56), 0.5), ((30, 30), 1.0), ((24, 61), 0.8)]


def made(number: int, size: tuple[int, ...], mm: float, grid: bool = True) -> Case:
    rng = np.random.default_rng(number)
    image = rng.random((1, *size), np.float32)
    if grid:
        image = np.rint(image * 255).astype(np.float32) / np.float32(255)
    masks = np.zeros((2 + number % 2, *size), np.uint8)
    masks[0, 4:20, 5:17] = 1
    masks[1, 9, 9] = 1
    return Case(image, masks, f"c{number}", f"p{number}", (mm, mm))


@pytest.fixture
def store(tmp_path) -> Store:
    with StoreWriter(tmp_path / "s", name="s", splits={"train": ["p0", "p1", "p2"]}) as writer:
        for number, (size, mm) in enumerate(SIZES):
            writer.add(made(number, size, mm))
    return Store.open(tmp_path / "s")


def test_a_store_is_seen_at_one_spacing(store: Store) -> None:
    cases = Fitted(Selection(store, [0, 1, 2]), Fit(spacing=(1.6, 1.6), usual=(0.8, 0.8)), 1)
    assert cases.shapes.tolist() == [[13, 18], [15, 15], [12, 31]]  # 40 * .5 / 1.6 = 12.5
    np.testing.assert_allclose(cases.spacings, [[1.6, 1.6], [1, 1], [1.6, 1.6]])
    case = cases[2]
    assert np.array_equal(case.image, cases.image(2) / np.float32(255))
    seen = cases.grid(2).bring(store[2].image)
    np.testing.assert_allclose(case.image, seen, atol=0.5 / 255 + 1e-6)
    assert case.masks.any((1, 2)).tolist() == [True, True]  # the single pixel did not vanish
    assert store[2].image.shape == (1, 24, 61)


def test_images_off_the_grid_of_8_bits_are_not_rounded() -> None:
    cases = Fitted(InMemory([made(0, (20, 20), 1.0, grid=False)]), Fit(canvas=(8, 8)), 1)
    assert cases.image(0).dtype == np.float32
    assert np.array_equal(cases.image(0), cases.grid(0).bring(cases.source.image(0)).clip(0, 1))


@pytest.mark.parametrize(
    ("fit", "crop"), [(Fit(canvas=(16, 24)), None), (Fit(step=(1.7, 2.3)), (8, 8)), (Fit(canvas=(32, 32)), (16, 16))]
)
def test_held_and_streamed_are_the_same_bit_for_bit(store: Store, fit: Fit, crop: tuple[int, int] | None) -> None:
    cases = Fitted(Selection(store, [0, 1, 2]), fit, 1)
    limits = AugmentationRange(warp=0.5, rotate=20, shift=2)
    plan = Plan(0, "s", 3, 4, limits, crop or (16, 24))
    held, streamed = Held(cases, 1, crop=crop), Streamed(pickle.loads(pickle.dumps(cases)), 1, crop=crop)
    asked = [(step, 0) for step in range(4)]
    for ours, theirs in zip(held.batches(plan, asked), streamed.batches(plan, asked), strict=True):
        assert torch.equal(ours.image, theirs.image)
        assert torch.equal(ours.annotations, theirs.annotations)
        assert torch.equal(ours.present, theirs.present)
    assert held_bytes(cases, 1, crop=False) == cases.shapes.prod(1).sum() + sum(
        len(case.masks) * case.masks.shape[1] * -(-case.masks.shape[2] // 8) for case in cases
    )


def test_what_needs_no_resampling_is_read_as_it_is(store: Store) -> None:
    source = Selection(store, [0])
    cases = Fitted(source, Fit(step=(1.0, 1.0)), 1)
    assert np.array_equal(cases.image(0), source.image(0))
    assert np.array_equal(cases.labels(0), source.labels(0))
