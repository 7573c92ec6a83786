import numpy as np
import pytest
import torch

from atfm.errors import InputError
from atfm.metrics.ignore import from_labels, without


def test_labels_become_channels() -> None:
    masks, ignore = from_labels(np.array([[[0, 1], [2, 1]]]), 3)
    np.testing.assert_array_equal(masks[0].argmax(0), [[0, 1], [2, 1]])
    assert (masks.sum(1) == 1).all() and not ignore.any() and masks.shape == (1, 3, 2, 2)


def test_binary_labels_become_one_channel_whatever_their_number() -> None:
    masks, _ = from_labels(torch.tensor([[0, 1, 7]]), 1)
    np.testing.assert_array_equal(masks, [[[False, True, True]]])


@pytest.mark.parametrize(("classes", "label"), [(1, 255), (3, 255), (2, -1), (3, 2)])
def test_one_annotator_who_says_nothing_is_enough(classes: int, label: int) -> None:
    maps = np.array([[0, 1, label, 1], [0, label, 1, 0], [1, 1, 1, 0]])
    masks, ignore = from_labels(maps, classes, ignore_label=label)
    np.testing.assert_array_equal(ignore, [False, True, True, False])
    assert not masks[0, :, 2].any() and not masks[1, :, 1].any()  # neither background nor object
    np.testing.assert_array_equal(masks[0, -1 if classes == 1 else 1], [False, True, False, True])


@pytest.mark.parametrize(
    ("labels", "classes", "message"),
    [
        (np.array([[0, 3]]), 3, "labels: expected 0 to 2, got 3; set classes, or ignore_label=3"),
        (np.array([[0, -1]]), 3, "labels: expected 0 to 2, got -1"),
        (np.array([[0.0, 1.0]]), 2, "labels: expected whole numbers, got float64"),
        (np.array([0, 1]), 2, "labels: expected \\[N, \\*spatial\\]"),
        (np.zeros((0, 4), int), 2, "labels: expected \\[N, \\*spatial\\]"),
        (np.zeros((1, 4), int), 0, "at least 1 class"),
    ],
)
def test_labels_that_cannot_be_classes_are_refused(labels: np.ndarray, classes: int, message: str) -> None:
    with pytest.raises(InputError, match=message):
        from_labels(labels, classes)


def test_masks_and_maps_lose_the_same_pixels() -> None:
    numbers = np.arange(6).reshape(2, 3)  # [H, W]
    masks, map_ = np.stack([numbers, numbers + 10])[:, None], numbers[None]  # [2, 1, H, W], [1, H, W]
    got_map, got = without(numbers % 2 == 1, map_, masks)
    np.testing.assert_array_equal(got_map, [[0, 2, 4]])
    np.testing.assert_array_equal(got[:, 0], [[0, 2, 4], [10, 12, 14]])


@pytest.mark.parametrize(
    ("ignore", "message"),
    [
        (np.ones((2, 3)), "ignore: expected a pixel that counts, got none"),
        (
            np.zeros((3, 2)),
            r"ignore: expected the pixels \[2, 3\] of the masks, or \[4, 2, 3\] of each annotator, got \[3, 2\]",
        ),
        (np.full((2, 3), 255), "ignore: expected values 0 or 1, got int64"),
        (np.zeros((1, 1, 2, 3)), r"ignore: expected the pixels \[2, 3\]"),
    ],
)
def test_pixels_that_do_not_fit_are_refused(ignore: np.ndarray, message: str) -> None:
    with pytest.raises(InputError, match=message):
        without(ignore, np.zeros((4, 1, 2, 3), bool))
