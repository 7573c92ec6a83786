import itertools
from math import lcm

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from atfm.metrics import matching
from atfm.metrics.matching import best_k_iou_n, d_max_n, hm_iou_n, mdm_n

SCORES = arrays(float, st.tuples(st.integers(1, 6), st.integers(1, 4)), elements=st.floats(0, 1))


def naive_hm_iou(iou: np.ndarray) -> float:
    """The best of all permutations of the annotators, repeated as the samples are."""
    n, k = iou.shape
    side = lcm(n, k)
    samples = [i for i in range(n) for _ in range(side // n)]
    annotators = [j for j in range(k) for _ in range(side // k)]
    return max(iou[samples, list(assigned)].sum() for assigned in itertools.permutations(annotators)) / side


def score(n: int, k: int) -> np.ndarray:
    return np.random.default_rng(10 * n + k).random((n, k))


@pytest.mark.parametrize(("n", "k"), [(1, 1), (3, 3), (2, 4), (6, 2), (2, 3), (3, 2), (1, 4), (5, 1)])
@pytest.mark.parametrize("largest", [350, 0])
def test_hm_iou_against_all_permutations(n: int, k: int, largest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matching, "_LARGEST_ASSIGNMENT", largest)
    assert hm_iou_n(score(n, k)) == pytest.approx(naive_hm_iou(score(n, k)))


@pytest.mark.parametrize(("n", "k"), [(100, 7), (50, 8), (27, 14)])
def test_the_transport_is_the_assignment(n: int, k: int, monkeypatch: pytest.MonkeyPatch) -> None:
    scores = []
    for largest in (0, 1000):
        monkeypatch.setattr(matching, "_LARGEST_ASSIGNMENT", largest)
        scores.append(hm_iou_n(score(n, k)))
    assert scores[0] == pytest.approx(scores[1])


def test_numbers_without_a_common_divisor_are_no_burden() -> None:
    assert score(100, 99).mean() < hm_iou_n(score(100, 99)) < 1  # 9,900 x 9,900 if it were repeated


def test_by_hand_a_sample_that_nobody_drew_costs() -> None:
    iou = np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    assert hm_iou_n(iou) == 0.75  # annotator 0 is met twice, annotator 1 once and missed once
    assert best_k_iou_n(iou) == mdm_n(iou) == d_max_n(iou) == 1


@pytest.mark.parametrize(("n", "k"), [(5, 3), (3, 3), (2, 4), (1, 1)])
def test_best_k_against_all_choices(n: int, k: int) -> None:
    iou = score(n, k) if n >= k else score(n, k).T
    choices = itertools.permutations(range(len(iou)), iou.shape[1])
    best = max(np.mean([iou[i, j] for j, i in enumerate(chosen)]) for chosen in choices)
    assert best_k_iou_n(score(n, k)) == pytest.approx(best)


def test_best_of_n_against_a_double_loop() -> None:
    dice = score(6, 4)
    assert mdm_n(dice) == pytest.approx(sum(max(dice[s, r] for s in range(6)) for r in range(4)) / 4)
    assert d_max_n(dice) == max(dice[s, r] for s in range(6) for r in range(4))


@given(SCORES, st.randoms())
def test_order_does_not_matter_and_the_scores_are_ordered(iou: np.ndarray, random) -> None:
    n, k = iou.shape
    shuffled = iou[random.sample(range(n), n)][:, random.sample(range(k), k)]
    for metric in (hm_iou_n, best_k_iou_n, mdm_n, d_max_n):
        assert metric(shuffled) == pytest.approx(metric(iou))
    assert iou.mean() - 1e-12 <= hm_iou_n(iou) <= best_k_iou_n(iou) + 1e-12
    assert mdm_n(iou) <= d_max_n(iou) + 1e-12


@given(SCORES, st.integers(2, 3))
def test_repeating_every_sample_changes_no_hm_iou(iou: np.ndarray, times: int) -> None:
    assert hm_iou_n(iou.repeat(times, 0)) == pytest.approx(hm_iou_n(iou))


@given(SCORES)
def test_more_samples_never_hurt_a_best_of_n_score(iou: np.ndarray) -> None:
    for metric in (mdm_n, d_max_n):
        values = [metric(iou[:n]) for n in range(1, len(iou) + 1)]
        assert values == sorted(values)
