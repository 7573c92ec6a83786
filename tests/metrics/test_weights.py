"""Samples with weights: every score against a naive loop, and against the same samples drawn as often as they weigh."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from atfm.errors import InputError
from atfm.metrics.calibration import empty_share, variance_ncc
from atfm.metrics.crps import crps, crps_area
from atfm.metrics.distribution import DistributionScores
from atfm.metrics.ged import ged, ged_n, sample_diversity, with_self_pairs
from atfm.metrics.masks import most_likely, share
from atfm.metrics.matching import best_k_iou_n, d_max_n, hm_iou_n, mdm_n
from atfm.metrics.overlap import overlaps
from atfm.metrics.reliability import ReliabilityBins
from atfm.metrics.scores import score_case
from atfm.metrics.single import GED, MDM, BestKIoU, DMax, HMIoU
from atfm.metrics.weights import as_weights, effective_samples, first

WEIGHTS = np.array([0.07, 0.4, 0.0, 0.33, 0.2])
COUNTS = np.array([2, 1, 0, 3, 1])  # of seven draws
# what does not depend on the number of draws, only on how likely each sample is
OF_THE_DRAW = ("hm_iou_5", "mdm_5", "d_max_5", "ged_5", "dice_of_mean", "ncc", "d_sr", "empty_predicted")


def d(a: np.ndarray, b: np.ndarray) -> float:
    return 1 - (a & b).sum() / (a | b).sum() if (a | b).any() else 0.0


def test_ged_against_a_weighted_double_loop(draw) -> None:
    s, r, w = draw(0, 5), draw(1, 3), WEIGHTS
    across = sum(w[i] * d(s[i], y) / 3 for i in range(5) for y in r)
    within = sum(w[i] * w[j] * d(s[i], s[j]) for i in range(5) for j in range(5))
    between = np.mean([d(x, y) for x in r for y in r])
    distance = overlaps(s, r).iou.distance
    assert ged_n(distance, w) == pytest.approx(2 * across - within - between)
    pairs = list(itertools.permutations(range(5), 2))
    d_s = sum(w[i] * w[j] * d(s[i], s[j]) for i, j in pairs) / sum(w[i] * w[j] for i, j in pairs)
    d_r = np.mean([d(x, y) for x, y in itertools.permutations(r, 2)])
    assert sample_diversity(distance, w) == pytest.approx(d_s)
    assert ged(distance, w) == pytest.approx(2 * across - d_s - d_r)
    # and the identity of both forms, with the effective number of samples in place of n
    assert ged_n(distance, w) == pytest.approx(with_self_pairs(ged(distance, w), d_s, d_r, 1 / (w @ w), 3))


@pytest.mark.parametrize("classes", [1, 3])
def test_a_sample_of_weight_2_of_n_is_one_that_is_drawn_twice(draw, classes: int) -> None:
    s, r = draw(2, 5, classes), draw(3, 4, classes)
    drawn = s.repeat(COUNTS, 0)
    weighted = score_case(s, r, weights=COUNTS / 7, ns=(5,), per_class=classes > 1)
    repeated = score_case(drawn, r, ns=(7,), per_class=classes > 1)
    for name in OF_THE_DRAW:
        for column in (name, *(f"{name}/{c}" for c in range(1, classes) if classes > 1)):
            assert weighted[column] == pytest.approx(repeated[column.replace("_5", "_7")], abs=1e-9), column


def test_the_unbiased_form_takes_two_draws_that_agree_for_more_than_one_that_weighs_double(draw) -> None:
    """Seen twice, a mask is evidence of little spread: D_s of counts is the V form times 7 / 6, of weights more."""
    s, r = draw(2, 5), draw(3, 4)
    distance, drawn = overlaps(s, r).iou.distance, overlaps(s.repeat(COUNTS, 0), r).iou.distance
    v, w = float(drawn.samples.mean()), COUNTS / 7
    assert sample_diversity(drawn) == pytest.approx(v * 7 / 6)
    assert sample_diversity(distance, w) == pytest.approx(v / (1 - w @ w))


def test_the_unbiased_form_is_unbiased(draw) -> None:
    """Independent samples of the annotators' law with fixed weights: GED is 0 in the mean, GED_n the floor."""
    law = draw(3, 40, size=(3, 3))
    rng, w = np.random.default_rng(0), np.array([0.5, 0.2, 0.1, 0.1, 0.05, 0.05])
    rows = [
        score_case(law[rng.integers(40, size=6)], law[rng.integers(40, size=4)], weights=w, ns=(6,))
        for _ in range(1500)
    ]
    unbiased = np.array([row["ged"] for row in rows])
    assert abs(unbiased.mean()) < 3 * unbiased.std() / np.sqrt(len(rows)) < 0.05
    floor = np.mean([row["floor_ged_6"] for row in rows])
    assert np.mean([row["ged_6"] for row in rows]) == pytest.approx(floor, abs=0.03)
    assert floor == pytest.approx(np.mean([row["annotator_diversity"] for row in rows]) * (w @ w + 1 / 4))


def test_of_samples_from_each_expert_the_unbiased_form_is_as_much_too_diverse_as_the_page_says() -> None:
    """Two experts, each with a law over two masks, two samples of each: all 16 drawings, by their probability."""
    masks = np.array([[[1, 0, 0]], [[1, 1, 0]], [[1, 1, 1]], [[0, 0, 1]]], bool)
    law, pi = np.array([[0.6, 0.4, 0, 0], [0, 0, 0.7, 0.3]]), np.array([0.25, 0.75])
    w = np.repeat(pi / 2, 2)
    between = np.array([[d(x, y) for y in masks] for x in masks])
    mean = 0.0
    for drawn in itertools.product(range(4), repeat=4):
        chance = math.prod(law[number // 2][mask] for number, mask in enumerate(drawn))
        if chance:
            mean += chance * sample_diversity(overlaps(masks[list(drawn)], masks[:1]).iou.distance, w)
    d_mixture = (pi @ law) @ between @ (pi @ law)
    d_within = np.array([one @ between @ one for one in law])
    share = pi**2 / 2
    assert mean - d_mixture == pytest.approx((share * (d_mixture - d_within)).sum() / (1 - share.sum()))
    assert mean > d_mixture


def best_of_the_corners(iou: np.ndarray, weights: np.ndarray) -> float:
    """The transport by trying every corner: each has at most n + K - 1 pairs that carry mass."""
    n, k = iou.shape
    cells, best = list(itertools.product(range(n), range(k))), -1.0
    mass = np.concatenate([weights, np.full(k, 1 / k)])
    for chosen in itertools.combinations(cells, n + k - 1):
        sums = np.zeros((n + k, n + k - 1))
        for column, (i, j) in enumerate(chosen):
            sums[i, column] = sums[n + j, column] = 1
        moved, _, rank, _ = np.linalg.lstsq(sums, mass, rcond=None)
        if rank == n + k - 1 and np.allclose(sums @ moved, mass) and moved.min() > -1e-9:
            best = max(best, sum(part * iou[cell] for part, cell in zip(moved, chosen, strict=True)))
    return best


@pytest.mark.parametrize(("n", "k"), [(2, 2), (3, 2), (2, 3), (3, 3), (4, 2)])
def test_hm_iou_against_every_corner_of_the_transport(n: int, k: int) -> None:
    rng = np.random.default_rng(10 * n + k)
    iou, w = rng.random((n, k)), rng.dirichlet(np.ones(n))
    assert hm_iou_n(iou, w) == pytest.approx(best_of_the_corners(iou, w), abs=1e-9)


@given(st.integers(0, 999))
def test_hm_iou_of_counts_is_that_of_the_repeated_samples(seed: int) -> None:
    rng = np.random.default_rng(seed)
    iou, counts = rng.random((4, 3)), rng.integers(0, 4, 4)
    counts[0] += counts.sum() == 0
    assert hm_iou_n(iou, counts / counts.sum()) == pytest.approx(hm_iou_n(iou.repeat(counts, 0)), abs=1e-9)


def test_what_is_never_drawn_is_best_of_nothing() -> None:
    score = np.array([[1.0, 1.0], [0.2, 0.4], [0.6, 0.1]])
    w = np.array([0.0, 0.01, 0.99])
    assert mdm_n(score, w) == pytest.approx((0.6 + 0.4) / 2) and d_max_n(score, w) == 0.6
    assert best_k_iou_n(score, w) == pytest.approx((0.6 + 0.4) / 2)
    assert best_k_iou_n(score, np.array([0.0, 0.0, 1.0])) == 0.6  # one sample, matched with one annotator
    assert hm_iou_n(score, np.array([0.0, 0.0, 1.0])) == pytest.approx(0.35)


@given(st.integers(0, 999))
def test_crps_against_a_weighted_double_loop(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y, w = rng.integers(0, 20, 6), rng.integers(0, 20, 3), rng.dirichlet(np.ones(6))
    error = sum(w[i] * abs(x[i] - b) / 3 for i in range(6) for b in y)
    pairs = list(itertools.permutations(range(6), 2))
    spread = sum(w[i] * w[j] * abs(x[i] - x[j]) for i, j in pairs) / sum(w[i] * w[j] for i, j in pairs)
    assert crps(x, y, w) == pytest.approx(error - spread / 2, abs=1e-9)


def test_ncc_against_the_weighted_variance(draw) -> None:
    s, r = draw(1, 5, 4, (6, 6)), draw(2, 4, 4, (6, 6))
    p = np.einsum("s,schw->chw", WEIGHTS, s[:, 1:].astype(float))
    want = np.corrcoef((p * (1 - p)).sum(0).ravel(), r[:, 1:].var(0).sum(0).ravel())[0, 1]
    assert variance_ncc(s, r, WEIGHTS) == pytest.approx(want)
    assert score_case(s, r, weights=WEIGHTS)["ncc"] == pytest.approx(want)


def test_pixels_of_one_variance_stay_equal_whatever_the_rounding() -> None:
    """0.1 + 0.2 is not 0.3, and 1 - 0.3 is not 0.7: the map is constant all the same, as is that of the annotators."""
    s = np.array([[[1, 0]], [[1, 0]], [[0, 1]], [[0, 0]]], bool)  # shares .1 + .2 and .7
    assert variance_ncc(s, s[:2] ^ s[2:3], np.array([0.1, 0.2, 0.7, 0.0])) == 1


def test_a_pixel_of_one_half_is_background_whatever_the_order() -> None:
    s = np.array([[[1]], [[1]], [[1]], [[0]]], bool)
    for w in itertools.permutations([0.1, 0.15, 0.25]):
        assert not most_likely(share(s, np.array([*w, 0.5]))).any()


def test_mean_probability_and_share_of_empty_against_a_loop(draw) -> None:
    s = draw(4, 5)
    want = sum(weight * mask for weight, mask in zip(WEIGHTS, s.astype(float), strict=True))
    np.testing.assert_allclose(share(s, WEIGHTS), want)
    s[1], s[3] = False, True
    others = sum(WEIGHTS[i] for i in (0, 2, 4) if not s[i].any())
    assert empty_share(s, WEIGHTS) == pytest.approx(0.4 + others)


@given(st.integers(1, 7), st.integers(1, 4), st.integers(0, 99))
def test_equal_weights_are_none_to_the_last_bit(n: int, k: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    s, r = (np.moveaxis(np.eye(3, dtype=bool)[rng.integers(0, 3, (many, 3, 3))], -1, 1) for many in (n, k))
    equal = torch.full((n,), 1.0).softmax(0)
    row = score_case(s, r, weights=equal, ns=(1, 2, n))
    assert row.pop("effective_samples") == n
    assert row == score_case(s, r, ns=(1, 2, n))


def test_the_first_n_keep_their_proportions(draw) -> None:
    s, r, w = draw(5, 5), draw(6, 3), WEIGHTS
    row = score_case(s, r, weights=w, ns=(2, 4))
    alone = score_case(s[:2], r, weights=w[:2] / w[:2].sum(), ns=(2,))
    assert {name: row[name] for name in row if name.endswith("_2")} == pytest.approx(
        {name: alone[name] for name in alone if name.endswith("_2")}
    )
    assert first(w, 2) == pytest.approx([7 / 47, 40 / 47]) and first(np.array([0.3, 0.3, 0.4]), 2) is None


def test_of_samples_without_weight_nothing_is_scored(draw) -> None:
    s, r, w = draw(7, 3), draw(8, 4), np.array([0.0, 0.4, 0.6])
    row = score_case(s, r, weights=w, ns=(1, 3))
    assert not {"ged_1", "hm_iou_1", "mdm_1"} & row.keys() and {"floor_ged_1", "ged_3", "ged"} <= row.keys()
    assert MDM(1).update(s, r, weights=w) == {}
    only = score_case(s, r, weights=[0.0, 0.0, 1.0], ns=(3,))
    assert not {"ged", "diversity", "ncc"} & only.keys(), "one sample has no diversity"
    assert only["ged_3"] == pytest.approx(score_case(s[2:], r, ns=(1,))["ged_1"])


def test_where_one_sample_has_nearly_all_the_weight_diversity_is_that_of_the_others_to_it() -> None:
    s = np.array([[[1, 1]], [[1, 0]], [[0, 0]]], bool)
    w = np.array([1 - 3e-14, 1e-14, 2e-14])
    assert sample_diversity(overlaps(s, s).iou.distance, w) == pytest.approx((0.5 + 2 * 1) / 3)


def test_ignored_pixels_and_classes_go_with_weights(draw) -> None:
    s, r = draw(9, 5, 3), draw(10, 4, 3)
    ignore = np.zeros((5, 4), bool)
    ignore[1:3] = True
    kept = [0, 3, 4]
    want = score_case(s[:, :, kept], r[:, :, kept], weights=WEIGHTS, ns=(5,), per_class=True)
    assert score_case(s, r, weights=WEIGHTS, ns=(5,), per_class=True, ignore=ignore) == pytest.approx(want)


def test_gathered_scores_take_weights(draw) -> None:
    s, r = [draw(i, 5) for i in range(2)], [draw(i + 20, 3) for i in range(2)]
    weights = [WEIGHTS, np.full(5, 0.2)]
    scores, bins = DistributionScores(ns=(3, 5)), ReliabilityBins(20)
    scores.update_batch(s, r, weights=weights, case_ids=["a", "b"])
    rows = [score_case(x, y, weights=w, ns=(3, 5)) for x, y, w in zip(s, r, weights, strict=True)]
    assert [{**row, "case": None, "patient": None} for row in scores.rows()] == [
        {"case": None, "patient": None, **row} for row in rows
    ]
    for x, y, w in zip(s, r, weights, strict=True):
        bins.update(share(x, as_weights(w, 5)), y)
    assert scores.compute()["ece"].mean == bins.ece
    for score in (GED(3), GED(), HMIoU(3), MDM(3), DMax(3), BestKIoU(3)):
        score.update_batch(s, r, weights=weights)
        assert score.compute() == pytest.approx(np.mean([row[score.name] for row in rows])), score.name


def test_crps_of_areas_of_classes_is_their_mean(draw) -> None:
    s, r = draw(11, 5, 3), draw(12, 4, 3)
    each = [crps(s[:, c].sum((1, 2)), r[:, c].sum((1, 2)), WEIGHTS) for c in (1, 2)]
    assert crps_area(s, r, WEIGHTS) == pytest.approx(np.mean(each))


def test_effective_samples_by_hand() -> None:
    assert effective_samples(None, 7) == 7 == effective_samples(np.full(7, 1 / 7), 7)
    assert effective_samples([0.5, 0.5, 0.0], 3) == pytest.approx(2)
    assert effective_samples([1.0, 0.0, 0.0], 3) == 1


def test_weights_of_float32_sum_to_1_exactly_enough() -> None:
    w = as_weights(torch.randn(1000, generator=torch.Generator().manual_seed(0)).softmax(0), 1000)
    assert w is not None and w.dtype == np.float64 and abs(w.sum() - 1) < 1e-14


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([0.5, 0.5], r"expected \[3\], one for each sample, got \[2\]"),
        ([[0.2, 0.3, 0.5]], r"got \[1, 3\]"),
        ([0.7, 0.5, -0.2], "negative or not finite"),
        ([0.5, 0.5, math.nan], "negative or not finite"),
        ([0.5, 0.5, 0.5], "a sum of 1, got 1.5; divide them by their sum"),
        ([0.0, 0.0, 0.0], "a sum of 1, got 0"),
        ([1.0, 1.0, 1.0], "a sum of 1, got 3"),
    ],
)
def test_weights_that_do_not_fit_are_refused(draw, weights: list[float], message: str) -> None:
    with pytest.raises(InputError, match=f"weights: .*{message}"):
        score_case(draw(0, 3), draw(1, 2), weights=weights)
    with pytest.raises(InputError, match="weights"):
        ged_n(overlaps(draw(0, 3), draw(1, 2)).iou.distance, weights)
