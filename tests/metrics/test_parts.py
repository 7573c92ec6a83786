"""GED by its parts: D_sr, D_ss and D_rr; whether anything is there, and the shape; the model's samples as readers."""

import numpy as np
import pytest

from atfm.metrics.overlap import overlaps
from atfm.metrics.scores import score_case


def distance(a: np.ndarray, b: np.ndarray) -> float:
    return 1 - (a & b).sum() / (a | b).sum() if (a | b).any() else 0.0


def apart(masks: np.ndarray) -> float:
    pairs = [(i, j) for i in range(len(masks)) for j in range(len(masks)) if i != j]
    return float(np.mean([distance(masks[i], masks[j]) for i, j in pairs]))


def test_ged_is_two_brackets_of_three_distances(draw) -> None:
    s, r = draw(0, 7), draw(1, 4)
    row = score_case(s, r, ns=(7,))
    assert row["d_sr"] == pytest.approx(np.mean([distance(x, y) for x in s for y in r]))
    assert row["diversity"] == pytest.approx(apart(s)) and row["annotator_diversity"] == pytest.approx(apart(r))
    brackets = (row["d_sr"] - row["diversity"]) + (row["d_sr"] - row["annotator_diversity"])
    assert row["ged"] == pytest.approx(brackets)


def test_the_presence_part_is_the_unbiased_square_of_two_shares(draw) -> None:
    """2 (p - q)^2 less what chance adds to it: 2 p (1 - p) / (S - 1) and 2 q (1 - q) / (K - 1)."""
    for seed in range(5):
        s, r = draw(seed, 9), draw(seed + 20, 5)
        p, q = (float((~masks.any((1, 2, 3))).mean()) for masks in (s, r))
        want = 2 * (p - q) ** 2 - 2 * p * (1 - p) / 8 - 2 * q * (1 - q) / 4
        row = score_case(s, r, ns=(9,))
        assert row["ged_presence"] == pytest.approx(want)
        assert row["ged_shape"] == pytest.approx(row["ged"] - want)


def test_the_presence_part_is_unbiased() -> None:
    rng = np.random.default_rng(0)
    p, q = 0.7, 0.4
    rows = [score_case(rng.random((4, 1, 1, 1)) < p, rng.random((3, 1, 1, 1)) < q, ns=(4,)) for _ in range(4000)]
    assert np.mean([row["ged_presence"] for row in rows]) == pytest.approx(2 * (p - q) ** 2, abs=0.02)
    assert all(row["ged_shape"] == pytest.approx(0) for row in rows)  # a pixel has no shape


def test_where_all_mark_something_the_shape_is_all(draw) -> None:
    s, r = draw(0, 6), draw(1, 4)
    s[:, 0, 0, 0] = r[:, 0, 0, 0] = True
    row = score_case(s, r, ns=(6,))
    assert row["ged_presence"] == 0 and row["ged_shape"] == row["ged"]


def test_of_classes_the_parts_are_means_of_the_classes(draw) -> None:
    row = score_case(draw(0, 6, 3), draw(1, 4, 3), ns=(6,), per_class=True)
    for part in ("ged_presence", "ged_shape"):
        assert row[part] == pytest.approx((row[f"{part}/1"] + row[f"{part}/2"]) / 2)
    assert row["ged/1"] == pytest.approx(row["ged_presence/1"] + row["ged_shape/1"])


@pytest.mark.parametrize("empty", [1.0, 0.0, None])
def test_presence_is_the_overlap_of_masks_of_one_pixel(draw, empty: float | None) -> None:
    s, r = draw(2, 6, 3)[:, 1:], draw(3, 4, 3)[:, 1:]
    dots = [masks.any((2, 3))[:, :, None, None] for masks in (s, r)]  # [N, C, 1, 1]
    found = overlaps(s, r, empty=empty).presence
    for channel in range(2):
        one = overlaps(dots[0][:, [channel]], dots[1][:, [channel]], empty=empty).iou
        alone = overlaps(s[:, [channel]], r[:, [channel]], empty=empty).presence
        np.testing.assert_array_equal(alone.across, one.across)
        np.testing.assert_array_equal(alone.samples, one.samples)
    assert found.across.shape == (6, 4)


def test_own_readers_are_the_last_samples(draw) -> None:
    s, r = draw(4, 11), draw(5, 4)
    row = score_case(s, r, ns=(11,))
    own = score_case(s[:7], s[7:], ns=(7,))
    assert row["own_ged"] == pytest.approx(own["ged"]) and row["own_empty"] == own["empty_drawn"]
    assert "own_ged" not in score_case(s[:5], r) and "own_ged" not in score_case(s, r[:1])


def test_own_readers_have_ged_0_in_the_mean_and_not_where_their_empty_masks_are_counted() -> None:
    """What every perfect model shows: 0 in all, far from it among the images whose readers all saw nothing."""
    rng = np.random.default_rng(1)
    rows = [score_case(rng.random((20, 1, 1, 1)) < rng.random(), np.ones((3, 1, 1, 1)), ns=(20,)) for _ in range(1500)]
    own = np.array([[row["own_ged"], row["own_empty"]] for row in rows])
    assert own[:, 0].mean() == pytest.approx(0, abs=0.02)
    assert own[own[:, 1] == 1, 0].mean() > 0.1 and own[np.isin(own[:, 1], (1 / 3, 2 / 3)), 0].mean() < -0.05
