import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from atfm.metrics import overlap
from atfm.metrics.overlap import overlaps, pairwise_dice, pairwise_iou

LABELS = arrays(np.uint8, st.tuples(st.integers(1, 5), st.just(3), st.just(2)), elements=st.integers(0, 2))
EXCLUSIVE = LABELS.map(lambda labels: np.stack([labels == 1, labels == 2], 1))


def naive(a: np.ndarray, b: np.ndarray, score: str, empty: float = 1.0) -> np.ndarray:
    result = np.zeros((len(a), len(b)))
    for i, x in enumerate(a):
        for j, y in enumerate(b):
            for p, q in zip(x, y, strict=True):
                both, either, total = int((p & q).sum()), int((p | q).sum()), int(p.sum() + q.sum())
                value = both / either if score == "iou" and either else 2 * both / total if total else empty
                result[i, j] += value / len(x)
    return result


@pytest.mark.parametrize(("channels", "size"), [(1, (5, 4)), (3, (5, 4)), (2, (3, 2, 4)), (1, (7,))])
@pytest.mark.parametrize("empty", [1.0, 0.0])
def test_pairwise_scores_against_a_double_loop(draw, channels: int, size: tuple[int, ...], empty: float) -> None:
    a, b = draw(1, 7, channels, size), draw(2, 4, channels, size)
    np.testing.assert_allclose(pairwise_iou(a, b, empty=empty), naive(a, b, "iou", empty), rtol=1e-12)
    np.testing.assert_allclose(pairwise_dice(a, b, empty=empty), naive(a, b, "dice", empty), rtol=1e-12)


def test_overlaps_are_the_pairwise_scores(draw) -> None:
    s, r = draw(3, 6, 2), draw(4, 3, 2)
    both = overlaps(s, r)
    for pairs, score in ((both.iou, pairwise_iou), (both.dice, pairwise_dice)):
        np.testing.assert_allclose(pairs.samples, score(s, s), rtol=1e-12)
        np.testing.assert_allclose(pairs.across, score(s, r), rtol=1e-12)
        np.testing.assert_allclose(pairs.annotators, score(r, r), rtol=1e-12)


def test_the_first_samples_are_a_drawing_of_their_own(draw) -> None:
    s, r = draw(5, 6), draw(6, 3)
    part, whole = overlaps(s[:2], r).iou, overlaps(s, r).iou.first(2)
    np.testing.assert_array_equal(part.samples, whole.samples)
    np.testing.assert_array_equal(part.across, whole.across)
    np.testing.assert_array_equal(whole.distance.across, 1 - part.across)


def test_areas_and_single_classes_are_read_from_the_same_counts(draw) -> None:
    s, r = draw(11, 5, 3), draw(12, 4, 3)
    both = overlaps(s, r)
    np.testing.assert_array_equal(both.sample_areas, s.sum((2, 3)))
    np.testing.assert_array_equal(both.annotator_areas, r.sum((2, 3)))
    for channel in range(3):
        one = slice(channel, channel + 1)
        np.testing.assert_array_equal(both.of_class(channel).iou.across, pairwise_iou(s[:, one], r[:, one]))
        np.testing.assert_array_equal(both.of_class(channel).dice.samples, pairwise_dice(s[:, one], s[:, one]))


@pytest.mark.parametrize("score", ["iou", "dice"])
def test_classes_that_neither_mask_has_can_be_left_out(draw, score: str) -> None:
    a, b = draw(13, 6, 3), draw(14, 5, 3)
    channels = np.stack([naive(a[:, [c]], b[:, [c]], score, empty=np.nan) for c in range(3)])  # [C, S, T]
    counted = ~np.isnan(channels)
    want = np.where(counted.any(0), np.nansum(channels, 0) / np.maximum(counted.sum(0), 1), 1.0)
    function = pairwise_iou if score == "iou" else pairwise_dice
    np.testing.assert_allclose(function(a, b, empty=None), want, rtol=1e-12)
    assert not counted.all()  # the convention was needed


def test_overlap_by_hand() -> None:
    a, b, nothing = np.array([1, 1, 0, 0]), np.array([0, 1, 1, 1]), np.zeros(4)
    left, right = np.stack([a, nothing])[:, None], np.stack([b, nothing])[:, None]  # [2, 1, 4]
    np.testing.assert_allclose(pairwise_iou(left, right), [[1 / 4, 0], [0, 1]])
    np.testing.assert_allclose(pairwise_dice(left, right), [[2 / 5, 0], [0, 1]])
    assert pairwise_iou(left, right, empty=0)[1, 1] == 0


def test_few_pixels_at_a_time_give_the_same(draw, monkeypatch: pytest.MonkeyPatch) -> None:
    s, r = draw(7, 5, 2, (9, 9)), draw(8, 3, 2, (9, 9))
    whole = overlaps(s, r).iou, pairwise_iou(s, r)
    monkeypatch.setattr(overlap, "_CHUNK", 40)
    np.testing.assert_array_equal(overlaps(s, r).iou.samples, whole[0].samples)
    np.testing.assert_array_equal(pairwise_iou(s, r), whole[1])


def test_counts_are_exact_where_float32_would_round() -> None:
    masks = np.ones((2, 1, 2**24 + 2), bool)  # 2^24 + 1 is no float32
    masks[1, 0, 0] = False
    assert pairwise_iou(masks[:1], masks[1:])[0, 0] == (2**24 + 1) / (2**24 + 2)


def test_views_and_tensors_give_the_same(draw) -> None:
    s, r = draw(9, 6, 3), draw(10, 6, 3)
    want = pairwise_iou(s[::2, 1:], r[::-1, 1:])
    np.testing.assert_array_equal(pairwise_iou(torch.from_numpy(s)[::2, 1:], r[::-1, 1:].astype(np.float32)), want)


@given(EXCLUSIVE, EXCLUSIVE)
def test_ranges_symmetry_and_agreement_with_oneself(a: np.ndarray, b: np.ndarray) -> None:
    iou, dice = pairwise_iou(a, b), pairwise_dice(a, b)
    assert (iou >= 0).all() and (iou <= dice).all() and (dice <= 1).all()
    np.testing.assert_array_equal(iou, pairwise_iou(b, a).T)
    assert (np.diagonal(overlaps(a, b).iou.samples) == 1).all()
