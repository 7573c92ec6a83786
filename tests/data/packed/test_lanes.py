"""Lanes give back what was written, in little more than their entropy."""

import numpy as np
import pytest

from atfm.data.packed.lanes import SYMBOLS, Model, Reader, write_lanes


def drawn(lanes: int, steps: int, contexts: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    where = rng.integers(0, contexts, (steps, lanes))
    spread = np.array([1, 4, 40])[where]
    return where, np.clip(np.rint(rng.normal(128, spread)), 0, 255).astype(np.uint8)


def model_of(where: np.ndarray, symbols: np.ndarray, contexts: int) -> tuple[Model, np.ndarray]:
    counts = np.zeros((contexts, SYMBOLS), np.int64)
    np.add.at(counts, (where, symbols), 1)
    return Model.of(counts), counts


def test_symbols_come_back_from_any_stretch_of_lanes() -> None:
    where, symbols = drawn(50, 300, 3)
    model, _ = model_of(where, symbols, 3)
    ends = [(i % 20, 50 - i % 7) for i in range(300)]
    steps = [(a, b, w[a:b], s[a:b]) for (a, b), w, s in zip(ends, where, symbols, strict=True)]
    states, words = write_lanes(model, 50, reversed(steps))
    reader = Reader(model, states, words)
    for first, end, contexts, wanted in steps:
        np.testing.assert_array_equal(reader.read(first, end, contexts), wanted)
    assert reader.position == len(words)
    assert (reader.states == 1 << 16).all()  # where writing began
    with pytest.raises(ValueError, match="too early"):
        for _ in range(100):
            reader.read(0, 50, where[0])


def test_the_size_is_the_entropy() -> None:
    where, symbols = drawn(100, 500, 3)
    model, counts = model_of(where, symbols, 3)
    steps = [(0, 100, w, s) for w, s in zip(where, symbols, strict=True)]
    _, words = write_lanes(model, 100, reversed(steps))
    share = counts / counts.sum(1, keepdims=True)
    entropy = -(counts * np.log2(np.where(counts, share, 1))).sum()
    assert entropy < 16 * len(words) + 32 * 100 < 1.01 * entropy + 32 * 100


def test_frequencies_add_up_and_never_forget_a_symbol() -> None:
    counts = np.zeros((3, SYMBOLS), np.int64)
    counts[0] = 1
    counts[1, :200] = 1
    counts[1, 7] = 10**9
    model = Model.of(counts)
    assert (model.frequencies.sum(1) == 2**14).all()
    assert ((model.frequencies > 0) == (counts > 0))[:2].all() and model.frequencies[2, 0] == 2**14
    with pytest.raises(ValueError, match="add up"):
        Model(np.ones((1, SYMBOLS)))


def test_one_symbol_alone_takes_no_word() -> None:
    counts = np.zeros((1, SYMBOLS), np.int64)
    counts[0, 9] = 5
    steps = [(0, 4, np.zeros(4, np.intp), np.full(4, 9, np.uint8))] * 1000
    states, words = write_lanes(Model.of(counts), 4, steps)
    assert len(words) == 0
    np.testing.assert_array_equal(Reader(Model.of(counts), states, words).read(0, 4, np.zeros(4, np.intp)), 9)
