"""Axes that are not those of the contract are refused by every score, with the layout that they look like."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

import atfm.metrics as m
from atfm.errors import InputError
from atfm.metrics.layout import guess

RNG = np.random.default_rng(0)
FLAT = RNG.random((16, 24, 20)) < 0.4  # [N, H, W]
LABELS = RNG.integers(0, 3, (4, 24, 20))
CLASSES = np.moveaxis(np.eye(3, dtype=bool)[LABELS], -1, 1)  # [N, C, H, W]

MASKS: dict[str, Callable[[np.ndarray], object]] = {
    "score_case": lambda x: m.score_case(x, x),
    "GED": lambda x: m.GED().update(x, x),
    "HMIoU": lambda x: m.HMIoU(4).update(x, x),
    "DistributionScores": lambda x: m.DistributionScores().update(x, x),
    "overlaps": lambda x: m.overlaps(x, x),
    "pairwise_iou": lambda x: m.pairwise_iou(x, x),
    "pairwise_dice": lambda x: m.pairwise_dice(x, x),
    "dice_of_mean": lambda x: m.dice_of_mean(x.mean(0), x),
    "variance_ncc": lambda x: m.variance_ncc(x, x),
    "crps_area": lambda x: m.crps_area(x, x),
    "empty_share": lambda x: m.empty_share(x),
    "ReliabilityBins": lambda x: m.ReliabilityBins().update(x.mean(0), x),
    "always_empty": lambda x: m.always_empty(x, 2),
    "majority": lambda x: m.majority(x, 2),
}


@pytest.mark.parametrize("name", MASKS)
def test_masks_without_channels_are_refused_by_every_score(name: str) -> None:
    """They would be scored as so many classes as the image has lines, and come out better than they are."""
    wanted = (
        r"expected \[N, C, \*spatial\].*looks like \[N, H, W\], masks without the axis of channels: give \w+\[:, None\]"
    )
    for given in (FLAT, FLAT.astype(np.float32), np.zeros_like(FLAT)):
        with pytest.raises(InputError, match=wanted.replace("no classes", "")):
            MASKS[name](given)
    MASKS[name](FLAT[:, None])


def test_tensors_are_held_to_the_same() -> None:
    with pytest.raises(InputError, match=r"give samples\[:, None\]"):
        m.score_case(torch.from_numpy(FLAT), torch.from_numpy(FLAT))


def test_what_was_printed_before_was_better_than_the_truth() -> None:
    """Discs that readers place a little apart; as lines of `[N, H, W]` they look more alike than they are."""
    grid = np.mgrid[:32, :32]
    discs = np.stack([np.hypot(grid[0] - 16 - y, grid[1] - 16 - x) < 6 for y, x in RNG.normal(0, 2, (20, 2))])
    truth = m.score_case(discs[:16, None], discs[16:, None], ns=(16,))["ged_16"]
    lines = np.stack([m.pairwise_iou(discs[:16, None, row], discs[16:, None, row]) for row in range(32)]).mean(0)
    assert 1 - lines.mean() < 0.6 * (1 - m.pairwise_iou(discs[:16, None], discs[16:, None]).mean()) and truth > 0
    with pytest.raises(InputError, match="32 channels are no classes"):
        m.score_case(discs[:16], discs[16:])


@pytest.mark.parametrize(
    ("array", "hint"),
    [
        (FLAT[0], r"\[H, W\], one mask .*: give samples\[None, None\]"),
        (CLASSES[0], r"\[C, H, W\], one mask of several classes .*: give samples\[None\]"),
        (np.moveaxis(CLASSES[0], 0, -1), r"\[H, W, C\], one mask .*: give numpy.moveaxis\(samples, -1, 0\)\[None\]"),
        (np.moveaxis(CLASSES, 1, -1), r"\[N, H, W, C\], channels last: give numpy.moveaxis\(samples, -1, 1\)"),
        (FLAT[..., None], r"\[N, H, W, C\], channels last"),
        (CLASSES.swapaxes(0, 1), r"\[C, N, H, W\], channels before masks: give numpy.swapaxes\(samples, 0, 1\)"),
        (FLAT.reshape(4, 4, 24, 20), r"\[N, D, H, W\], volumes without the axis of channels: give samples\[:, None\]"),
        (FLAT.reshape(2, 8, 1, 24, 20), r"\[B, N, C, H, W\], the masks of several images: give each image"),
        (np.stack([CLASSES] * 2), r"\[B, N, C, H, W\], the masks of several images"),
        (FLAT.reshape(2, 8, 1, 2, 12, 20), r"\[B, N, C, D, H, W\], the masks of several images"),
        (np.moveaxis(CLASSES, 1, -1)[:, None].repeat(2, 1), r"\[N, D, H, W, C\], channels last"),
    ],
)
def test_the_error_says_what_it_looks_like_and_what_to_give(array: np.ndarray, hint: str) -> None:
    with pytest.raises(InputError, match=f"samples: expected .*this looks like {hint}"):
        m.score_case(array, CLASSES)
    found = guess(array)
    assert found is not None


@pytest.mark.parametrize("turned", [FLAT[:, None], CLASSES, CLASSES[:, :, None], CLASSES.reshape(4, 3, -1)])
def test_what_fits_is_taken(turned: np.ndarray) -> None:
    assert m.score_case(turned, turned, ns=(4,))["hm_iou_4"] <= 1


def test_classes_have_to_exclude_each_other() -> None:
    for wrong in (CLASSES[:, 1:], CLASSES | CLASSES[:, :1], np.zeros_like(CLASSES)):
        with pytest.raises(InputError, match="channels are no classes: expected each pixel in exactly one"):
            m.score_case(wrong, wrong)
    m.pairwise_iou(CLASSES[:, 1:], CLASSES[:, 1:])  # of single channels the background may be left out
    with pytest.raises(InputError, match=r"b: .* no pixel in two"):
        m.pairwise_iou(CLASSES, CLASSES | CLASSES[:, :1])


def test_pixels_without_a_class_are_taken_where_they_are_ignored() -> None:
    masks, ignore = m.from_labels(np.where(LABELS == 2, 255, LABELS), 2, ignore_label=255)
    assert m.score_case(masks, masks, ignore=ignore, ns=(2,))
    with pytest.raises(InputError, match="no classes"):
        m.score_case(masks, masks)
    with pytest.raises(InputError, match=r"samples: .*no classes"):
        m.score_case(np.zeros_like(masks), masks, ignore=ignore)


def test_both_sides_have_to_show_the_same() -> None:
    with pytest.raises(InputError, match="their channels differ"):
        m.score_case(CLASSES, FLAT[:4, None])
    with pytest.raises(InputError, match="their spatial axes look exchanged"):
        m.score_case(FLAT[:, None], FLAT[:, None].swapaxes(2, 3))


@pytest.mark.parametrize(
    ("probability", "hint"),
    [
        (FLAT.mean(0), r"\[\*spatial\] without the axis of channels: give probability\[None\]"),
        (FLAT.mean(0)[..., None], r"\[\*spatial, C\], channels last"),
        (FLAT[:, None].astype(float), r"\[N, C, \*spatial\]: give the mean over the samples"),
    ],
)
def test_a_probability_has_the_axes_of_a_mask(probability: np.ndarray, hint: str) -> None:
    for score in (m.score_case, m.DistributionScores().update):
        with pytest.raises(InputError, match=f"probability: expected .*this looks like {hint}"):
            score(FLAT[:, None], FLAT[:, None], probability)


def test_probabilities_of_classes_sum_to_1() -> None:
    p = CLASSES.mean(0)
    m.score_case(CLASSES, CLASSES, p.astype(np.float16))
    for wrong in (1 - p, p / 2):
        with pytest.raises(InputError, match="probability: expected the 3 classes of each pixel to sum to 1"):
            m.score_case(CLASSES, CLASSES, wrong)
        with pytest.raises(InputError, match="sum to 1"):
            m.most_likely(wrong)
    with pytest.raises(InputError, match=r"expected \[C, \*spatial\]"):
        m.most_likely(np.ones(4))


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        (255 * FLAT[:, None].astype(np.uint8), "from 0 to 255 and nothing between; compare with the larger one"),
        (LABELS[:, None].astype(float), "from 0 to 2, which look like labels; one-hot them by from_labels"),
        (FLAT[:, None] * 0.3 + 0.1, "from 0.1 to 0.4, which look like probabilities; threshold them"),
        (np.where(FLAT, np.nan, 1)[:, None], "not finite"),
        (FLAT[:, None].astype(complex), "complex128; give numbers"),
        (FLAT[:, None].astype(str), "give numbers"),
    ],
)
def test_values_say_what_they_look_like(masks: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=f"samples: expected values 0 or 1, got .*{message}"):
        m.score_case(masks, FLAT[:, None])


def test_one_hot_masks_are_no_label_maps() -> None:
    with pytest.raises(InputError, match=r"labels: expected .* this looks like one-hot masks"):
        m.from_labels(CLASSES, 3)
    assert m.from_labels(LABELS, 3)[0].shape == (4, 3, 24, 20)


def test_ignored_pixels_are_those_of_the_annotators() -> None:
    ignore = np.zeros((3, 24, 20), bool)  # of three annotators; there are four
    with pytest.raises(InputError, match=r"or \[4, 24, 20\] of each annotator, got \[3, 24, 20\]"):
        m.score_case(CLASSES, CLASSES, ignore=ignore)


def test_scores_of_matrices_want_matrices() -> None:
    for score in (m.hm_iou_n, m.mdm_n, m.d_max_n, m.best_k_iou_n):
        for wrong in (np.ones(3), np.ones((2, 3, 3)), np.zeros((0, 3))):
            with pytest.raises(InputError, match=r"overlaps: expected \[n, K\]"):
                score(wrong)
        with pytest.raises(InputError, match=r"overlaps: expected values in \[0, 1\]"):
            score(np.full((2, 3), 1.5))
    with pytest.raises(InputError, match=r"pairs: expected \[S, S\], \[S, K\] and \[K, K\]"):
        m.ged(m.Pairs(np.ones((2, 2)), np.ones((3, 2)), np.ones((3, 3))))


def test_a_batch_of_one_image_is_no_image() -> None:
    with pytest.raises(InputError, match=r"samples: .*looks like \[C, H, W\]|samples: .*looks like"):
        m.GED().update_batch(FLAT[:, None], FLAT[:, None])
