import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from atfm.metrics.calibration import dice_of_mean, variance_ncc

SEVERAL = arrays(bool, st.tuples(st.integers(2, 5), st.just(1), st.just(3), st.just(2)))


def rows(*masks: list[int]) -> np.ndarray:
    return np.array(masks, bool)[:, None]  # [N, P] -> [N, 1, P]


def test_dice_of_mean_by_hand() -> None:
    annotations = rows([1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0])
    probability = np.array([[0.9, 0.6, 0.5, 0.1]])
    assert dice_of_mean(probability, annotations) == pytest.approx((1 + 2 / 3 + 0) / 3)


def test_dice_of_mean_of_nothing_follows_the_convention() -> None:
    nothing = rows([0, 0], [0, 0])
    assert dice_of_mean(np.zeros((1, 2)), nothing) == 1
    assert dice_of_mean(np.zeros((1, 2)), nothing, empty=0) == 0


def test_classes_are_decided_by_the_largest_probability() -> None:
    annotation = np.array([[[0, 0], [1, 0], [0, 1]]], bool)  # [1, C, P]: class 1, class 2
    assert dice_of_mean(np.array([[0.3, 0.3], [0.4, 0.3], [0.3, 0.4]]), annotation) == 1


def test_ncc_against_numpy(draw) -> None:
    s, r = draw(1, 9, 1, (6, 6)), draw(2, 4, 1, (6, 6))
    want = np.corrcoef(s.var(0).ravel(), r.var(0).ravel())[0, 1]
    assert variance_ncc(s, r) == pytest.approx(want)


def test_ncc_of_classes_adds_the_variances(draw) -> None:
    s, r = draw(3, 9, 4, (6, 6)), draw(4, 4, 4, (6, 6))
    want = np.corrcoef(s[:, 1:].var(0).sum(0).ravel(), r[:, 1:].var(0).sum(0).ravel())[0, 1]
    assert variance_ncc(s, r) == pytest.approx(want)


def test_ncc_of_constant_maps() -> None:
    agreed, split = rows([1, 0], [1, 0]), rows([1, 0], [0, 0])
    assert variance_ncc(agreed, agreed) == 1
    assert variance_ncc(split, agreed) == variance_ncc(agreed, split) == 0
    thirds = rows([1, 1, 0], [1, 0, 1], [1, 0, 0])[:, :, 1:]  # on in 1 of 3 everywhere
    mixed = rows([1, 1], [1, 0], [0, 0])  # on in 2 and in 1 of 3: the same variance
    assert variance_ncc(thirds, mixed) == 1


def test_ncc_does_not_exist_for_one_mask(draw) -> None:
    assert variance_ncc(draw(0, 1), draw(1, 4)) is None
    assert variance_ncc(draw(0, 4), draw(1, 1)) is None


@given(SEVERAL, SEVERAL)
def test_ncc_is_symmetric_and_in_range(s: np.ndarray, r: np.ndarray) -> None:
    value = variance_ncc(s, r)
    assert value is not None and -1 <= value <= 1
    assert variance_ncc(r, s) == pytest.approx(value)
    assert variance_ncc(s, s) == pytest.approx(1)
