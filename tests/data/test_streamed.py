"""Cases read ahead of the training: the same batches as from memory, bit for bit, however many processes read."""

import itertools
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import torch

from atfm.data.augment import AugmentationRange
from atfm.data.batch import Batch
from atfm.data.case import Case
from atfm.data.held import Held
from atfm.data.plan import Plan
from atfm.data.source import Selection
from atfm.data.store import Store, StoreWriter
from atfm.data.streamed import Streamed, default_workers
from atfm.errors import StoreError

LIMITS = AugmentationRange(warp=0.5, scale=0.2, shift=2.0, contrast=0.1, brightness=0.1)


def stored(path: Path, shapes: list[tuple[int, ...]], classes: int, *, exact: bool, void: int | None = None) -> Store:
    """A store of cases with 1 to 5 annotators; their pixels are 8-bit steps, or not."""
    rng = np.random.default_rng(0)
    with StoreWriter(path, name="mixed", classes=classes, ignore_label=void) as writer:
        for number, shape in enumerate(shapes):
            grey = rng.integers(0, 256, (2, *shape)).astype(np.float32) / np.float32(255)
            image = grey if exact else rng.random((2, *shape), np.float32)
            masks = rng.integers(0, max(classes, 2), (1 + number % 5, *shape), np.uint8)
            if void is not None:
                masks[-1, :2] = void
            masks[:, 2:] = 0
            writer.add(Case(image, masks, f"c{number}", f"p{number}", (1.0,) * len(shape)))
    return Store.open(path)


def steps(first: int, end: int) -> Iterator[tuple[int, int]]:
    return ((step, 0) for step in range(first, end))


def same(one: Batch, other: Batch) -> bool:
    pairs = [(getattr(one, field.name), getattr(other, field.name)) for field in fields(Batch)]
    return all(a is b is None or torch.equal(a, b) for a, b in pairs)


KINDS = {
    "grey": ([(12, 16)] * 9, 1, None, (8, 12), {"exact": True}),
    "float": ([(12, 13)] * 9, 1, None, (12, 13), {"exact": False}),
    "classes": ([(12, 13)] * 9, 4, None, (8, 8), {"exact": True, "void": 255}),
    "volume": ([(5, 8, 9)] * 9, 1, None, (4, 8, 8), {"exact": True}),
    "crops": ([(20, 17), (9, 30), (5, 7), (16, 16), (8, 40)], 1, (8, 16), (8, 16), {"exact": False}),
    "crops-classes": ([(20, 17), (9, 30), (5, 7), (16, 16), (8, 40)], 3, (8, 8), (8, 8), {"exact": True, "void": 200}),
    "crops-volume": ([(9, 17, 24), (20, 9, 11), (3, 20, 20)], 1, (4, 8, 8), (4, 8, 8), {"exact": True}),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_batches_are_those_of_held_cases_bit_for_bit(tmp_path: Path, kind: str) -> None:
    shapes, classes, crop, window, about = KINDS[kind]
    store = stored(tmp_path / "store", shapes, classes, **about)  # type: ignore[arg-type]
    chosen = Selection(store, range(1, len(store)))
    options = {"crop": crop, "ignore_label": about.get("void")}
    held = Held(chosen, classes, **options)  # type: ignore[arg-type]
    streams = [Streamed(chosen, classes, workers=workers, **options) for workers in (0, 1, 2)]  # type: ignore[arg-type]
    plan = Plan(7, "stage", len(chosen), 3, LIMITS, window)
    expected = list(held.batches(plan, steps(2, 9)))
    assert len(expected) == 7 and len({batch.image.sum().item() for batch in expected}) == 7
    for streamed in streams:
        assert all(same(*pair) for pair in zip(streamed.batches(plan, steps(2, 9)), expected, strict=True))
    for first, batch in ((6, expected[4]), (2, expected[0])):  # to go on, or to stop, in the midst of an epoch
        got = next(itertools.islice(streams[1].batches(plan, steps(first, 9)), 1))
        assert same(got, batch)
    for i in range(len(chosen)):
        assert torch.equal(streams[0].image(i), held.image(i))
        for one, other in zip(streams[0].annotations(i), held.annotations(i), strict=True):
            np.testing.assert_array_equal(one, other)
    assert same(streams[0].batch([1, 0]), held.batch([1, 0]))
    assert (streams[0].size, streams[0].channels, len(streams[0])) == (held.size, 2, len(held))
    assert streams[0].case_ids == held.case_ids == [f"c{number}" for number in range(1, len(store))]


def test_only_what_a_step_sees_is_read(tmp_path: Path) -> None:
    store = stored(tmp_path / "store", [(8, 8)] * 6, 1, exact=True)
    reader = Streamed(Selection(store, range(6)), 1)
    plan = Plan(0, "stage", 6, 2, LIMITS, (8, 8))
    list(reader.batches(plan, [(1, 0)]))
    assert np.flatnonzero(store.pixels._sound["image_crc"]).tolist() == sorted(plan(1)[0].tolist())


@pytest.mark.parametrize("workers", [0, 1])
def test_a_damaged_case_is_told_in_one_line(tmp_path: Path, workers: int) -> None:
    store = stored(tmp_path / "store", [(8, 8)] * 4, 1, exact=True)
    content = bytearray((store.path / "images.npy").read_bytes())
    content[-1] ^= 1
    (store.path / "images.npy").write_bytes(content)
    streamed = Streamed(Selection(Store.open(store.path), range(4)), 1, workers=workers)
    with pytest.raises(StoreError, match=r"images\.npy: damaged in case c3") as error:
        list(streamed.batches(Plan(0, "stage", 4, 4, LIMITS, (8, 8)), [(0, 0)]))
    assert len(str(error.value).splitlines()) == 1


def test_there_is_always_somebody_to_read_ahead() -> None:
    assert 1 <= default_workers() <= 8
