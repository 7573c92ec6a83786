import numpy as np
import pytest
import torch

from atfm.errors import InputError
from atfm.metrics.reliability import ReliabilityBins


def rows(*masks: list[int]) -> np.ndarray:
    return np.array(masks, bool)[:, None]  # [N, P] -> [N, 1, P]


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
    p, r = np.random.default_rng(4).dirichlet([1, 1, 1], (5, 4)).transpose(2, 0, 1), draw(0, 3, 3)
    ignore = np.zeros((5, 4), bool)
    ignore[1:3] = True
    bins, kept = ReliabilityBins(5), ReliabilityBins(5)
    bins.update(p, r, ignore=ignore)
    kept.update(p[:, [0, 3, 4]], r[:, :, [0, 3, 4]])
    assert bins.ece == kept.ece and bins.pixels.sum() == 2 * 12


def test_no_bins_are_refused() -> None:
    with pytest.raises(InputError, match="expected at least 1, got 0"):
        ReliabilityBins(0)
