import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from atfm.errors import InputError
from atfm.metrics.calibration import dice_of_mean, empty_share, variance_ncc
from atfm.metrics.crps import crps_area
from atfm.metrics.ged import ged, ged_n
from atfm.metrics.matching import hm_iou_n, mdm_n
from atfm.metrics.overlap import overlaps
from atfm.metrics.scores import score_case
from atfm.metrics.table import METRICS

MASKS = arrays(bool, st.tuples(st.integers(1, 5), st.just(1), st.just(3), st.just(2)))


def test_a_row_holds_every_score_of_every_n(draw) -> None:
    row = score_case(draw(0, 5), draw(1, 3), ns=(1, 4, 8))
    whole = {name for name in METRICS if not name.endswith("_n")} - {"ece", "effective_samples"}
    each = {f"{name}_{n}" for n in (1, 4) for name in ("ged", "hm_iou", "mdm", "d_max", "best_k_iou")}
    assert set(row) == whole | each | {"floor_ged_1", "floor_ged_4", "floor_ged_8"}
    assert all(isinstance(value, float) and math.isfinite(value) for value in row.values())


def test_one_drawing_serves_every_n(draw) -> None:
    s, r = draw(2, 9), draw(3, 4)
    row = score_case(s, r, ns=(2, 5, 9))
    for n in (2, 5, 9):
        part = overlaps(s[:n], r)
        assert row[f"ged_{n}"] == ged_n(part.iou.distance)
        assert row[f"hm_iou_{n}"] == hm_iou_n(part.iou.across)
        assert row[f"mdm_{n}"] == mdm_n(part.dice.across)
    assert row["ged"] == ged(overlaps(s, r).iou.distance)


def test_what_does_not_exist_is_absent(draw) -> None:
    one_sample = score_case(draw(0, 1), draw(1, 4), ns=(1, 16))
    assert not {"ged", "diversity", "ncc", "ged_16"} & set(one_sample)
    assert {"ged_1", "annotator_diversity", "floor_ged_16"} <= set(one_sample)
    one_annotator = score_case(draw(0, 4), draw(1, 1), ns=(1, 4))
    assert not {"ged", "annotator_diversity", "ncc", "floor_ged_1"} & set(one_annotator)
    assert {"ged_4", "diversity"} <= set(one_annotator)


def test_identical_sets_are_perfect(draw) -> None:
    r = draw(4, 4)
    row = score_case(r, r, ns=(4,))
    assert row["ged_4"] == pytest.approx(0, abs=1e-12)
    assert row["hm_iou_4"] == row["mdm_4"] == row["best_k_iou_4"] == 1
    assert row["diversity"] == row["annotator_diversity"]
    assert row["ncc"] == pytest.approx(1)


def test_two_classes_score_as_one_binary_mask(draw) -> None:
    s, r, p = draw(5, 6), draw(6, 4), np.random.default_rng(0).random((1, 5, 4))
    classes = score_case(np.hstack([~s, s]), np.hstack([~r, r]), np.concatenate([1 - p, p]))
    assert classes == pytest.approx(score_case(s, r, p))


def test_without_a_probability_the_share_of_the_samples_is_taken(draw) -> None:
    s, r = draw(7, 5), draw(8, 3)
    assert score_case(s, r) == score_case(torch.from_numpy(s), torch.from_numpy(r).float(), s.mean(0))


def test_where_two_empty_masks_disagree_the_floor_follows(draw) -> None:
    """The identity GED_n = GED + (D_s - d_0)/n + (D_r - d_0)/K, d_0 the distance of a mask to itself."""
    r = draw(9, 4)
    r[0] = False
    row = score_case(r, r, ns=(4,), empty=0.0)
    assert row["ged_4"] == pytest.approx(row["ged"] + row["floor_ged_4"])


@pytest.mark.parametrize("n", [0, -1])
def test_no_samples_cannot_be_scored(draw, n: int) -> None:
    with pytest.raises(InputError, match="ns: expected numbers of samples from 1 on"):
        score_case(draw(0, 2), draw(1, 2), ns=(n,))


@given(MASKS, MASKS, st.randoms())
def test_order_changes_no_score_of_all_samples(s: np.ndarray, r: np.ndarray, random) -> None:
    row = {name: value for name, value in score_case(s, r, ns=(len(s),)).items() if not name.startswith("own_")}
    shuffled = s[random.sample(range(len(s)), len(s))], r[random.sample(range(len(r)), len(r))]
    again = score_case(*shuffled, ns=(len(s),))
    assert {name: again[name] for name in row} == pytest.approx(row, abs=1e-9)


def one_hot(seed: int, n: int, classes: int = 4) -> np.ndarray:
    """Label maps of three classes and background, of which class 3 is rare: `[n, C, 5, 4]`."""
    labels = np.random.default_rng(seed).choice(classes, (n, 5, 4), p=[0.4, 0.35, 0.23, 0.02])
    return np.moveaxis(np.eye(classes, dtype=bool)[labels], -1, 1)


def simplex(seed: int, channels: int, size: tuple[int, ...]) -> np.ndarray:
    """Probabilities `[C, *size]`; of several classes they sum to 1."""
    rng = np.random.default_rng(seed)
    return rng.random((1, *size)) if channels == 1 else np.moveaxis(rng.dirichlet(np.ones(channels), size), -1, 0)


def test_a_row_holds_what_the_functions_of_each_score_say(draw) -> None:
    s, r, p = draw(11, 6, 3), draw(12, 4, 3), simplex(1, 3, (5, 4))
    row = score_case(s, r, p)
    assert row["dice_of_mean"] == pytest.approx(dice_of_mean(p, r))
    assert row["ncc"] == pytest.approx(variance_ncc(s, r))
    assert row["crps_area"] == pytest.approx(crps_area(s, r))
    assert (row["empty_predicted"], row["empty_drawn"]) == (empty_share(s), empty_share(r))


def test_a_class_is_scored_as_if_it_were_alone() -> None:
    s, r = one_hot(0, 6), one_hot(1, 4)
    p = s.mean(0)
    row = score_case(s, r, p, ns=(2, 6), per_class=True)
    for label in (1, 2, 3):
        alone = score_case(s[:, [label]], r[:, [label]], ns=(2, 6))
        # which class is likeliest is decided by all of them: the Dice of the mean is that of its argmax
        hard = (p.argmax(0) == label)[None].astype(float)
        alone["dice_of_mean"] = dice_of_mean(hard, r[:, [label]])
        found = {name.removesuffix(f"/{label}"): value for name, value in row.items() if name.endswith(f"/{label}")}
        assert found == pytest.approx(alone)


def test_the_scores_of_wholes_and_of_classes() -> None:
    """GED is linear in the distances, so it is the mean of the classes; a match of wholes binds its classes."""
    s, r = one_hot(2, 8), one_hot(3, 4)
    row = score_case(s, r, ns=(8,), per_class=True)
    for name in ("ged", "ged_8", "diversity", "crps_area"):
        assert row[name] == pytest.approx(np.mean([row[f"{name}/{c}"] for c in (1, 2, 3)]))
    for name in ("hm_iou_8", "mdm_8", "d_max_8"):
        assert row[name] < np.mean([row[f"{name}/{c}"] for c in (1, 2, 3)])


def test_classes_can_have_names_and_are_left_out_unless_wanted(draw) -> None:
    s, r = draw(0, 3, 3), draw(1, 3, 3)
    assert not [name for name in score_case(s, r) if "/" in name]
    named, numbered = score_case(s, r, per_class=("liver", "tumour")), score_case(s, r, per_class=True)
    assert named["ged/tumour"] == numbered["ged/2"] and named["mdm_2/liver"] == numbered["mdm_2/1"]
    with pytest.raises(InputError, match=r"per_class: expected the names of 2 classes"):
        score_case(s, r, per_class=("background", "liver", "tumour"))
    with pytest.raises(InputError, match=r"each once"):
        score_case(s, r, per_class=("liver", "liver"))


def test_absent_classes_can_be_left_out_of_the_mean() -> None:
    """With `empty=None` a pair is compared over the classes that one of both shows: a naive mean over them."""
    s, r = one_hot(4, 5), one_hot(5, 3)

    def distance(x: np.ndarray, y: np.ndarray) -> float:
        there = [c for c in (1, 2, 3) if x[c].any() or y[c].any()]
        return float(np.mean([1 - (x[c] & y[c]).sum() / (x[c] | y[c]).sum() for c in there])) if there else 0.0

    across, within = (np.mean([distance(x, y) for x in s for y in z]) for z in (r, s))
    between = np.mean([distance(x, y) for x, y in itertools.product(r, r)])
    row = score_case(s, r, ns=(5,), empty=None)
    assert row["ged_5"] == pytest.approx(2 * across - within - between)
    assert row["ged_5"] != pytest.approx(score_case(s, r, ns=(5,))["ged_5"])


def test_a_class_that_no_mask_has_is_then_without_columns() -> None:
    s, r = one_hot(6, 5), one_hot(7, 3)
    s[:, 0] |= s[:, 3]
    r[:, 0] |= r[:, 3]
    s[:, 3] = r[:, 3] = False
    assert score_case(s, r, ns=(5,), per_class=True)["hm_iou_5/3"] == 1
    row = score_case(s, r, ns=(5,), per_class=True, empty=None)
    assert "hm_iou_5/2" in row and not [name for name in row if name.endswith("/3")]


def test_where_no_class_is_left_two_masks_agree() -> None:
    background = np.zeros((2, 3, 1, 2), bool)
    background[:, 0] = True
    row = score_case(background, background, ns=(2,), empty=None)
    assert row["ged_2"] == 0 and row["hm_iou_2"] == row["dice_of_mean"] == 1


@given(MASKS, MASKS)
def test_of_one_class_leaving_it_out_changes_nothing(s: np.ndarray, r: np.ndarray) -> None:
    assert score_case(s, r, empty=None) == score_case(s, r)


@pytest.mark.parametrize("channels", [1, 4])
def test_ignored_pixels_might_not_exist(draw, channels: int) -> None:
    s, r = draw(0, 5, channels, (6, 3)), draw(1, 4, channels, (6, 3))
    p = simplex(2, channels, (6, 3))
    ignore = np.zeros((6, 3), bool)
    ignore[2:4] = True
    kept = [0, 1, 4, 5]
    want = score_case(s[:, :, kept], r[:, :, kept], p[:, kept], per_class=channels > 1)
    assert score_case(s, r, p, ignore=ignore, per_class=channels > 1) == pytest.approx(want)
    assert score_case(s, r, p) != pytest.approx(score_case(s, r, p, ignore=ignore))
    per_annotator = np.zeros((4, 6, 3), np.uint8)
    per_annotator[0, 2], per_annotator[3, 3] = 1, 1
    got = score_case(torch.from_numpy(s), r, p, ignore=torch.from_numpy(per_annotator), per_class=channels > 1)
    assert got == pytest.approx(want)


def test_by_hand_an_ignored_disagreement_costs_nothing() -> None:
    s = np.array([[[1, 1, 0, 0]], [[1, 1, 0, 0]]], bool)
    r = np.array([[[1, 1, 1, 0]], [[1, 1, 0, 0]]], bool)
    assert score_case(s, r, ns=(2,))["ged_2"] == pytest.approx(2 * (1 / 3) / 2 - 0 - 2 * (1 / 3) / 4)
    row = score_case(s, r, ns=(2,), ignore=np.array([0, 0, 1, 0]))
    assert row["ged_2"] == row["crps_area"] == 0 and row["hm_iou_2"] == 1


def test_a_thousand_samples_need_little_memory_beside_their_masks() -> None:
    import tracemalloc

    s, r = np.zeros((1000, 1, 96, 96), bool), np.zeros((4, 1, 96, 96), bool)
    s[:, :, 20:60, 20:60] = np.random.default_rng(0).random((1000, 1, 40, 40)) < 0.5
    tracemalloc.start()
    score_case(s, r, ns=(16,))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 * 2**20  # a few [1004, 1004] matrices; all masks as float32 would be 35 MB more, in one piece
