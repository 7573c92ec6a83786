import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from atfm.errors import InputError
from atfm.metrics.ged import (
    annotator_diversity,
    consistent,
    floor_ged_n,
    ged,
    ged_n,
    sample_diversity,
    with_self_pairs,
)
from atfm.metrics.overlap import Pairs, overlaps

MASKS = arrays(bool, st.tuples(st.integers(1, 6), st.just(1), st.just(3), st.just(3)))
SEVERAL = arrays(bool, st.tuples(st.integers(2, 6), st.just(1), st.just(3), st.just(3)))


def distances(samples: np.ndarray, annotations: np.ndarray) -> Pairs:
    return overlaps(samples, annotations).iou.distance


def d(a: np.ndarray, b: np.ndarray) -> float:
    return 1 - (a & b).sum() / (a | b).sum() if (a | b).any() else 0.0


def mean(values) -> float:
    return float(np.mean(list(values)))


@pytest.mark.parametrize(("n", "k"), [(5, 3), (2, 4), (3, 2)])
def test_ged_against_a_double_loop(draw, n: int, k: int) -> None:
    s, r = draw(n, n), draw(k + 10, k)
    across = mean(d(x, y) for x in s for y in r)
    self_counted = 2 * across - mean(d(x, y) for x in s for y in s) - mean(d(x, y) for x in r for y in r)
    d_s = mean(d(x, y) for x, y in itertools.permutations(s, 2))
    d_r = mean(d(x, y) for x, y in itertools.permutations(r, 2))
    assert ged_n(distances(s, r)) == pytest.approx(self_counted)
    assert sample_diversity(distances(s, r)) == pytest.approx(d_s)
    assert annotator_diversity(distances(s, r)) == pytest.approx(d_r)
    assert ged(distances(s, r)) == pytest.approx(2 * across - d_s - d_r)


def test_by_hand_one_sample_empty_one_full_against_the_same() -> None:
    both = np.array([[[0, 0]], [[1, 1]]], bool)  # [2, 1, 2]
    assert ged_n(distances(both, both)) == 0  # 2/2 - 1/2 - 1/2
    assert ged(distances(both, both)) == -1  # 2/2 - 1 - 1: of so few, unbiased is not precise
    assert sample_diversity(distances(both, both)) == 1


def test_all_empty_against_all_empty_is_perfect() -> None:
    nothing = np.zeros((3, 1, 4, 4), bool)
    assert ged_n(distances(nothing, nothing)) == ged(distances(nothing, nothing)) == 0


def test_with_one_mask_what_does_not_exist_is_none(draw) -> None:
    one_sample, one_annotator = distances(draw(0, 1), draw(1, 4)), distances(draw(0, 4), draw(1, 1))
    assert sample_diversity(one_sample) is None and ged(one_sample) is None
    assert annotator_diversity(one_annotator) is None and ged(one_annotator) is None
    assert 0 <= ged_n(one_sample) <= 2 and 0 <= ged_n(one_annotator) <= 2


@given(SEVERAL, SEVERAL)
def test_the_identity_of_both_forms(s: np.ndarray, r: np.ndarray) -> None:
    pairs = distances(s, r)
    unbiased, d_s, d_r = ged(pairs), sample_diversity(pairs), annotator_diversity(pairs)
    assert unbiased is not None and d_s is not None and d_r is not None
    assert ged_n(pairs) == pytest.approx(with_self_pairs(unbiased, d_s, d_r, len(s), len(r)), abs=1e-12)


@given(MASKS, MASKS, st.randoms())
def test_order_does_not_matter_and_the_range_holds(s: np.ndarray, r: np.ndarray, random) -> None:
    value = ged_n(distances(s, r))
    shuffled = s[random.sample(range(len(s)), len(s))], r[random.sample(range(len(r)), len(r))]
    assert ged_n(distances(*shuffled)) == pytest.approx(value, abs=1e-12)
    assert -1e-12 <= value <= 2  # 1 - IoU is a metric of negative type


@given(MASKS)
def test_a_set_is_at_distance_0_of_itself(s: np.ndarray) -> None:
    assert ged_n(distances(s, s)) == pytest.approx(0, abs=1e-12)


def test_the_floor_is_where_a_perfect_model_lands(draw) -> None:
    """Samples and annotators of one law: GED is 0 in the mean and GED_n is the floor."""
    law = draw(3, 40, size=(3, 3))
    rng = np.random.default_rng(0)
    pairs = [distances(law[rng.integers(40, size=8)], law[rng.integers(40, size=4)]) for _ in range(1500)]
    d_r = mean(annotator_diversity(p) for p in pairs)
    unbiased = np.array([ged(p) for p in pairs])
    assert abs(unbiased.mean()) < 3 * unbiased.std() / np.sqrt(len(pairs))
    assert mean(ged_n(p) for p in pairs) == pytest.approx(floor_ged_n(d_r, 8, 4), abs=0.01)


def test_the_floors_of_lidc() -> None:
    assert floor_ged_n(0.52, 16, 4) == pytest.approx(0.1625)
    assert floor_ged_n(0.52, 100, 4) == pytest.approx(0.1352)


def test_with_one_sample_a_middling_mask_beats_the_floor() -> None:
    """Three of four annotators draw the same: D_r is 1/2, a perfect single sample costs 5/8, the majority 1/8."""
    r = np.array([[[1, 1]], [[1, 1]], [[1, 1]], [[0, 0]]], bool)
    assert floor_ged_n(0.5, 1, 4) == 0.625
    assert ged_n(distances(r[:1], r)) == 0.125  # 2/4 - 0 - 6/16


def test_a_table_that_falls_too_fast_is_impossible() -> None:
    assert not consistent(0.188, 0.162)
    assert consistent(0.194, 0.183)
    assert consistent(0.194, 0.172) is False and consistent(0.194, 0.172, rounding=0.0005)
    assert consistent(0.250, 0.194, n=16, m=32) is False


def test_the_order_of_the_numbers_of_samples_is_checked() -> None:
    with pytest.raises(InputError, match="expected 0 < n < m, got 100 and 32"):
        consistent(0.1, 0.2, n=100, m=32)


@given(SEVERAL, MASKS)
def test_no_honest_table_is_called_impossible(s: np.ndarray, r: np.ndarray) -> None:
    """Averaged over all choices of n of the samples, GED_n of m samples cannot fall faster than 1/n - 1/m."""
    m = len(s)
    for n in range(1, m):
        small = mean(ged_n(distances(s[list(chosen)], r)) for chosen in itertools.combinations(range(m), n))
        assert consistent(small, ged_n(distances(s, r)), n=n, m=m, rounding=1e-12)
