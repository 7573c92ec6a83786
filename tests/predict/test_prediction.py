"""What the samples say together, against loops; chunks, batches and seeds change nothing that they may not."""

import math

import numpy as np
import pytest
import torch

from atfm.errors import ConfigError, InputError
from atfm.hypotheses.bits import Bits
from atfm.methods.samples import Samples
from atfm.models import Model
from atfm.predict import Chunk, Origin, Prediction, gather

RNG = np.random.default_rng(0)
IMAGE = RNG.integers(0, 256, (16, 16), np.uint8)
ORIGIN = Origin("small", "", 0)


def predicted(model: Model, masks: np.ndarray, weights: np.ndarray | None = None, empty: float | None = None):
    chunk = Chunk(0, len(masks), masks, weights, empty)
    return gather(model.prepare(IMAGE, spacing=(0.5, 0.5)), [chunk], ORIGIN)


@pytest.mark.parametrize("shape", [(1, 16, 16), (3, 5, 7), (1, 1, 1)])
def test_bits_give_back_what_they_took(shape: tuple[int, ...]) -> None:
    masks = RNG.random((11, *shape)) < 0.3
    bits = Bits(shape)
    bits.add(masks[:4])
    bits.add(masks[4:])
    np.testing.assert_array_equal(bits.all(), masks)
    np.testing.assert_array_equal(bits[7], masks[7])
    assert len(bits) == 11 and bits.nbytes == 11 * math.ceil(np.prod(shape) / 8)
    assert Bits(shape).all().shape == (0, *shape)


@pytest.mark.parametrize("weighted", [False, True])
def test_maps_are_those_of_a_loop(model: Model, weighted: bool) -> None:
    masks = RNG.random((5, 1, 16, 16)) < 0.4
    weights = np.array([0.4, 0.3, 0.2, 0.1, 0.0]) if weighted else np.full(5, 0.2)
    prediction = predicted(model, masks, weights if weighted else None)
    mean = sum(weight * mask[0] for weight, mask in zip(weights, masks, strict=True))
    np.testing.assert_allclose(prediction.mean_probability[0], mean, atol=1e-6)
    for i, j in np.ndindex(16, 16):
        p = mean[i, j]
        bits = 0 if min(p, 1 - p) < 1e-9 else -p * math.log2(p) - (1 - p) * math.log2(1 - p)
        assert prediction.entropy[i, j] == pytest.approx(bits, abs=1e-5)
    np.testing.assert_array_equal(prediction.areas, masks.sum((1, 2, 3)))
    np.testing.assert_array_equal(prediction.masks, masks)


def test_weights_decide_hypotheses_and_emptiness(model: Model) -> None:
    masks = np.zeros((8, 1, 16, 16), bool)
    masks[[2, 4, 5], :, 2:6, 2:6] = masks[[1, 6], :, 9:15, 9:15] = masks[7, :, 9:15, 9:14] = True
    prediction = predicted(model, masks, np.array([0.25, 0.15, 0.05, 0.25, 0.05, 0.1, 0.1, 0.05]))
    assert [(one.probability, one.members) for one in prediction.hypotheses] == [
        (0.5, (0, 3)),
        (0.3, (1, 6, 7)),
        (0.2, (2, 4, 5)),
    ]
    assert [one.area_mm2 for one in prediction.hypotheses] == [0, 9, 4]
    assert prediction.hypotheses[1].name == "outline A (36 pixels, 9 mm2)"
    assert prediction.empty == prediction.drawn_empty == 0.5
    effective = 1 / (2 * 0.25**2 + 0.15**2 + 3 * 0.05**2 + 2 * 0.1**2)
    low, high = prediction.hypotheses[0].low, prediction.hypotheses[0].high
    z = 1.959964
    half = z * math.sqrt(0.25 / effective + z * z / (4 * effective**2)) / (1 + z * z / effective)
    assert (high - low) / 2 == pytest.approx(half)
    silent = predicted(model, masks, np.array([0.5, 0.25, 0.25, 0, 0, 0, 0, 0]))
    assert sorted(number for one in silent.hypotheses for number in one.members) == [0, 1, 2]


def test_what_a_method_knows_of_emptiness_goes_before_the_share(model: Model) -> None:
    masks = np.zeros((4, 1, 16, 16), bool)
    masks[0, 0, 3, 3] = True
    known = predicted(model, masks, empty=0.6)
    assert (known.empty, known.drawn_empty) == (0.6, 0.75)
    nothing, outline = known.hypotheses
    assert (nothing.name, nothing.probability, nothing.low, nothing.high) == ("no lesion", 0.6, 0.6, 0.6)
    # the only outline is whatever is not empty, and so as well known
    assert outline.probability == pytest.approx(0.4) and (outline.low, outline.high) == pytest.approx((0.4, 0.4))
    alone = predicted(model, masks[1:], empty=0.6)  # no sample shows what is there otherwise: as drawn
    assert [(one.name, one.probability) for one in alone.hypotheses] == [("no lesion", 1.0)]


def test_foreground_of_classes_where_no_class_was_drawn(make_model) -> None:
    model = make_model(channels=3)
    masks = np.zeros((2, 3, 16, 16), bool)  # outside of a window nothing is set, not even the background
    masks[:, 0, 4:8, 4:8] = True
    masks[0, 2, 4, 4], masks[0, 0, 4, 4] = True, False
    prediction = predicted(model, masks)
    assert prediction.foreground.sum() == prediction.foreground[4, 4] == 0.5
    assert prediction.labels(0)[4, 4] == 2 and prediction.labels(0).sum() == 2
    assert prediction.entropy[0, 0] == 0 and prediction.entropy[4, 4] == pytest.approx(1)


@pytest.mark.parametrize("chunk", [1, 3, 7, 50])
def test_chunks_change_nothing(model: Model, chunk: int) -> None:
    whole, parts = model.sample(IMAGE, 7, 3), model.sample(IMAGE, 7, 3, chunk=chunk)
    assert isinstance(whole, Prediction) and isinstance(parts, Prediction)
    assert (whole.masks != parts.masks).mean() < 1e-3


def test_a_caller_hears_of_chunks_and_can_stop(model: Model) -> None:
    told: list[tuple[int, int]] = []
    model.sample(IMAGE, 5, chunk=2, progress=lambda done, of: told.append((done, of)))
    assert told == [(2, 5), (4, 5), (5, 5)]
    stream = model.stream(IMAGE, 1000, 3, chunk=2)
    first = [next(stream), next(stream)]
    assert [(chunk.first, chunk.done, chunk.of) for chunk in first] == [(0, 2, 1000), (2, 4, 1000)]
    stopped = gather(model.prepare(IMAGE), first, ORIGIN)
    assert (stopped.masks != model.sample(IMAGE, 4, 3).masks).mean() < 1e-3
    with pytest.raises(InputError, match="at least one, got none"):
        gather(model.prepare(IMAGE), [], ORIGIN)


def test_no_more_than_a_chunk_is_drawn_at_a_time(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []
    sample = model.method.sample

    def watched(image: torch.Tensor, n: int, **options: object) -> Samples:
        drawn.append(n)
        return sample(image, n, **options)

    monkeypatch.setattr(model.method, "sample", watched)
    monkeypatch.setattr("atfm.predict.memory.NUMBERS", 3 * 256)
    assert len(model.sample(IMAGE, 8)) == 8
    assert drawn == [3, 3, 2]


def test_a_batch_is_drawn_as_its_images_alone(model: Model) -> None:
    images = RNG.integers(0, 256, (3, 1, 16, 16), np.uint8)
    batch = model.sample(images, 4, 5)
    assert isinstance(batch, list) and len(batch) == 3
    for number, (image, one) in enumerate(zip(images, batch, strict=True)):
        np.testing.assert_array_equal(model.sample(image, 4, 5, key=f"image-{number}").masks, one.masks)
    listed = model.sample([images[0, 0], torch.from_numpy(images[1])], 4, 5)
    for one, other in zip(listed, batch, strict=False):
        np.testing.assert_array_equal(one.masks, other.masks)
    with pytest.raises(InputError, match="key: expected none for a batch"):
        model.sample(images, 4, key="a")


def test_steps_of_one_call_leave_the_model_as_it_was(model: Model) -> None:
    before = model.sample(IMAGE, 4).masks
    other = model.sample(IMAGE, 4, steps=9)
    assert other.origin.steps == 9
    assert model.method.with_steps(2).steps == model.method.steps == 2
    np.testing.assert_array_equal(model.sample(IMAGE, 4).masks, before)


@pytest.mark.parametrize("wrong", [0, -1, 1.5, True])
def test_counts_below_one_or_broken_are_refused(model: Model, wrong) -> None:
    for options in ({"n": wrong}, {"n": 2, "steps": wrong}, {"n": 2, "chunk": wrong}):
        with pytest.raises(InputError, match=f"expected a whole number, at least 1.*got {wrong}"):
            model.sample(IMAGE, **options)


def test_steps_of_a_model_without_a_solver(model: Model) -> None:
    alone = Model(model.method.truncation, "gtr", frozenset(), {})
    with pytest.raises(ConfigError, match="steps: this model has no flow"):
        alone.sample(IMAGE, 2, steps=3)


def test_a_person_reads_it(model: Model) -> None:
    masks = np.zeros((4, 1, 16, 16), bool)
    masks[0, 0, 3:5, 3:5] = True
    text = repr(predicted(model, masks))
    assert text.splitlines()[0] == "Prediction of 4 samples, 16 x 16, no lesion 75%"
    assert "75% (30% to 95%)  no lesion" in text and "outline A (4 pixels, 1 mm2)" in text
