"""Intervals of hypotheses hold the probability of the law, where every mask that can be drawn is known."""

import itertools

import numpy as np
import pytest
from scipy.stats import binomtest

from atfm.data.phantom.grey import phantom_case
from atfm.errors import InputError
from atfm.hypotheses.counted import intervals, wilson_interval
from atfm.hypotheses.hypotheses import Hypothesis, find_hypotheses
from atfm.metrics.overlap import pairwise_iou


def falls(masks: np.ndarray, odds: np.ndarray, drawn: np.ndarray, found: list[Hypothesis]) -> dict[str, float]:
    """How likely a further sample falls into each outline: every mask of the law goes to the nearest makers."""
    outlines = [one for one in found if one.area]
    near = [1 - pairwise_iou(masks, drawn[[i for i in one.members if i % 2 == 0]]).mean(1) for one in outlines]
    marked = masks.any((1, 2, 3))
    into = np.argmin(near, 0)
    truth = {one.name: float(odds[marked & (into == number)].sum()) for number, one in enumerate(outlines)}
    return truth | {"no lesion": float(odds[~marked].sum())}


def held(masks: np.ndarray, odds: np.ndarray, drawn: np.ndarray) -> list[bool]:
    """Whether the interval of each outline holds its probability, where there are several."""
    found = find_hypotheses(drawn)
    truth = falls(masks, odds, drawn, found)
    outlines = [one for one in found if one.area]
    return [one.low <= truth[one.name] <= one.high for one in outlines] if len(outlines) > 1 else []


def counted_twice(masks: np.ndarray, odds: np.ndarray, drawn: np.ndarray) -> list[bool]:
    """The same where the samples that made the groups are counted, as was done before."""
    twice = drawn.repeat(2, 0)  # those of even number are all
    found = find_hypotheses(twice)
    truth = falls(masks, odds, twice, found)
    outlines = [one for one in found if one.area]
    ends = [wilson_interval(len(one.members) / 2, len(drawn)) for one in outlines]
    inside = [low <= truth[one.name] <= high for one, (low, high) in zip(outlines, ends, strict=True)]
    return inside if len(inside) > 1 else []


def test_on_the_phantom_intervals_hold_the_probability_of_a_group() -> None:
    """Of the images with several outlines, clear or not; counting what made the groups holds some .89."""
    ours, before = [], []
    for number in range(110):
        phantom = phantom_case(11, number, size=16)
        masks, odds = phantom.outcomes()
        masks, odds = masks[odds > 1e-7][:, None] > 0, odds[odds > 1e-7]
        drawn = phantom.annotate(100, np.random.default_rng([8, number]))[:, None] > 0
        ours += held(masks, odds, drawn)
        before += counted_twice(masks, odds, drawn)
    assert len(ours) > 180
    assert np.mean(ours) >= 0.93, f"{np.mean(ours):.3f} of {len(ours)}"
    assert np.mean(before) < np.mean(ours)


def test_where_there_are_no_groups_intervals_hold_all_the_same() -> None:
    """Seven coins, each a part of the outline, of a size of its own: whatever groups are found are chance."""
    coins = np.array(list(itertools.product((False, True), repeat=7)))
    lines = np.concatenate([np.ones((128, 1), bool), coins], 1)[:, None, :, None]  # [M, 1, 8, 1]
    masks = lines & (np.arange(17) < np.array([11, 10, 11, 12, 13, 14, 15, 17])[:, None])  # [M, 1, 8, 17]
    odds = np.full(128, 1 / 128)
    ours, before = [], []
    for draw in range(80):
        drawn = masks[np.random.default_rng([60, draw]).choice(128, 60)]
        found = find_hypotheses(drawn, threshold=-1)
        truth = falls(masks, odds, drawn, found)
        ours += [one.low <= truth[one.name] <= one.high for one in found]
        twice = drawn.repeat(2, 0)
        found = find_hypotheses(twice, threshold=-1)
        truth = falls(masks, odds, twice, found)
        for one in found:
            low, high = wilson_interval(len(one.members) / 2, 60)
            before.append(low <= truth[one.name] <= high)
    assert len(ours) > 150 and np.mean(ours) >= 0.92 and np.mean(before) < 0.87


@pytest.mark.parametrize(("count", "total"), [(0, 1), (1, 1), (0, 40), (40, 40), (3, 10), (70, 100)])
def test_interval_is_wilsons(count: int, total: int) -> None:
    theirs = binomtest(count, total).proportion_ci(0.95, method="wilson")
    assert wilson_interval(count, total) == pytest.approx((theirs.low, theirs.high), abs=1e-7)


@pytest.mark.parametrize(("count", "total"), [(-1, 4), (5, 4), (0, 0)])
def test_interval_of_impossible_counts(count: int, total: int) -> None:
    with pytest.raises(InputError, match="count: expected 0 to a total"):
        wilson_interval(count, total)


def test_the_half_that_made_the_groups_is_not_counted() -> None:
    share = np.full(12, 1 / 12)
    first, second, empty = np.array([0, 2, 4, 5, 7]), np.array([1, 3, 6, 8, 10]), np.array([9, 11])
    (one, other), nothing = intervals([first, second], empty, share, exact_empty=False)
    assert one == other == pytest.approx(wilson_interval(2, 6))  # of 1, 3, 5, 7, 9 and 11
    assert nothing == pytest.approx(wilson_interval(2, 12))


def test_an_interval_holds_the_share_of_all() -> None:
    share = np.full(40, 1 / 40)
    first = np.arange(0, 40, 2)  # all that made the groups, and none of those that are counted
    (one, other), _ = intervals([first, np.arange(1, 40, 2)], np.array([], int), share, exact_empty=False)
    assert one == (0, 0.5) and other == (0.5, 1)


def test_a_single_outline_is_the_opposite_of_no_lesion() -> None:
    share = np.full(10, 1 / 10)
    (one,), nothing = intervals([np.arange(7)], np.arange(7, 10), share, exact_empty=False)
    assert nothing == pytest.approx(wilson_interval(3, 10)) and one == pytest.approx(wilson_interval(7, 10))


def test_what_is_known_of_empty_masks_is_no_longer_counted() -> None:
    share = np.array([0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.2, 0.2])
    (one, other), nothing = intervals(
        [np.array([0, 1, 2]), np.array([3, 4, 5])], np.array([6, 7]), share, exact_empty=True
    )
    assert nothing == (0.4, 0.4)
    low, high = wilson_interval(1, 3)  # of 1, 3 and 5, which mark something
    assert one == pytest.approx((0.6 * low, 0.6 * high))
    assert other == pytest.approx((0.6 * wilson_interval(2, 3)[0], 0.6 * wilson_interval(2, 3)[1]))
    (alone,), _ = intervals([np.arange(6)], np.array([6, 7]), share, exact_empty=True)
    assert alone == (0.6, 0.6)


def test_where_nobody_is_left_to_count_anything_is_possible() -> None:
    (one, _), _ = intervals(
        [np.array([0]), np.array([2])], np.array([], int), np.array([0.5, 0, 0.5]), exact_empty=False
    )
    assert one == (0, 1)


def test_weighted_samples_count_for_as_many_as_they_are_worth() -> None:
    share = np.array([0.25, 0.3, 0.25, 0.1, 0.0, 0.1])
    (one, _), _ = intervals([np.array([0, 1]), np.array([2, 3, 5])], np.array([], int), share, exact_empty=False)
    size = 0.5**2 / (0.3**2 + 0.1**2 + 0.1**2)
    assert one == pytest.approx(wilson_interval(0.6 * size, size))
