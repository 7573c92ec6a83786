import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from atfm.errors import InputError
from atfm.metrics.calibration import ReliabilityBins, crps, crps_area, dice_of_mean, variance_ncc

NUMBERS = arrays(float, st.integers(1, 8), elements=st.integers(0, 20))
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


@given(NUMBERS, NUMBERS)
def test_crps_against_a_double_loop(x: np.ndarray, y: np.ndarray) -> None:
    error = np.mean([abs(a - b) for a in x for b in y])
    spread = np.mean([abs(a - b) for a in x for b in x])
    assert crps(x, y) == pytest.approx(error - spread / 2, abs=1e-9)
    assert crps(x, y) >= -1e-9


def test_crps_is_the_area_between_the_distribution_functions() -> None:
    x, y = np.array([1.0, 4.0, 4.0, 7.0]), 5.0
    grid = np.arange(0, 10, 1e-3) + 5e-4
    below = (x[:, None] <= grid).mean(0)
    assert crps(x, np.array([y])) == pytest.approx(((below - (y <= grid)) ** 2).sum() * 1e-3, abs=1e-6)


def test_crps_of_the_area_counts_pixels() -> None:
    assert crps_area(rows([1, 1, 1, 0]), rows([1, 0, 0, 0], [0, 0, 0, 0])) == 2.5  # |3 - 1| and |3 - 0|
    both = rows([1, 1, 1, 0], [0, 0, 0, 0])
    assert crps_area(both, both) == pytest.approx(1.5 - 0.75)


def test_crps_of_the_area_leaves_out_the_background(draw) -> None:
    s, r = draw(5, 4, 3), draw(6, 3, 3)
    assert crps_area(s, r) == pytest.approx((crps_area(s[:, 1:2], r[:, 1:2]) + crps_area(s[:, 2:], r[:, 2:])) / 2)


def test_ece_by_hand() -> None:
    bins = ReliabilityBins(bins=2)
    bins.update(np.array([[0.1, 0.3, 0.5, 1.0]]), rows([0, 1, 1, 1], [0, 0, 1, 1]))
    np.testing.assert_array_equal(bins.pixels, [2, 2])
    np.testing.assert_allclose(bins.predicted, [0.2, 0.75])
    np.testing.assert_allclose(bins.drawn, [0.25, 1.0])
    assert bins.ece == pytest.approx((2 * 0.05 + 2 * 0.25) / 4)


def test_ece_over_cases_against_a_loop_over_pixels(draw) -> None:
    rng = np.random.default_rng(0)
    bins, pixels = ReliabilityBins(bins=5), []
    for case, annotators in enumerate((2, 4, 1)):
        p, r = rng.random((1, 5, 4)), draw(case, annotators)
        bins.update(torch.from_numpy(p), torch.from_numpy(r))
        pixels += [(p[0, i, j], r[:, 0, i, j].mean()) for i in range(5) for j in range(4)]
    want = 0.0
    for b in range(5):
        inside = [(p, y) for p, y in pixels if b / 5 <= p < (b + 1) / 5]
        want += abs(sum(p - y for p, y in inside)) / len(pixels)
    assert bins.ece == pytest.approx(want)


def test_a_calibrated_model_has_no_error() -> None:
    bins = ReliabilityBins()
    annotations = np.random.default_rng(1).random((7, 1, 32, 32)) < 0.4
    bins.update(annotations.mean(0), annotations)
    assert bins.ece == pytest.approx(0, abs=1e-12)


def test_empty_bins_show_their_centre() -> None:
    bins = ReliabilityBins(bins=4)
    np.testing.assert_allclose(bins.predicted, [0.125, 0.375, 0.625, 0.875])
    with pytest.raises(InputError, match="no case was added yet"):
        _ = bins.ece


def test_bins_of_two_processes_merge_and_travel(draw) -> None:
    rng = np.random.default_rng(3)
    whole, parts = ReliabilityBins(5), [ReliabilityBins(5), ReliabilityBins(5)]
    for case in range(4):
        p, r = rng.random((1, 5, 4)), draw(case, 3)
        whole.update(p, r)
        parts[case % 2].update(p, r)
    copy = ReliabilityBins(5)
    copy.load_state_dict(parts[0].state_dict())
    copy.merge(parts[1])
    assert copy.ece == pytest.approx(whole.ece)
    np.testing.assert_array_equal(copy.pixels, whole.pixels)
    assert parts[0].pixels.sum() == 40  # what was saved stays as it was
    with pytest.raises(InputError, match="expected 5 bins as here, got 4"):
        copy.merge(ReliabilityBins(4))
    with pytest.raises(InputError, match=r"expected sums of \[3, 4\], got \[3, 5\]"):
        ReliabilityBins(4).load_state_dict(copy.state_dict())


def test_ignored_pixels_are_in_no_bin(draw) -> None:
    p, r = np.random.default_rng(4).random((3, 5, 4)), draw(0, 3, 3)
    ignore = np.zeros((5, 4), bool)
    ignore[1:3] = True
    bins, kept = ReliabilityBins(5), ReliabilityBins(5)
    bins.update(p, r, ignore=ignore)
    kept.update(p[:, [0, 3, 4]], r[:, :, [0, 3, 4]])
    assert bins.ece == kept.ece and bins.pixels.sum() == 2 * 12


def test_no_bins_are_refused() -> None:
    with pytest.raises(InputError, match="expected at least 1, got 0"):
        ReliabilityBins(0)
