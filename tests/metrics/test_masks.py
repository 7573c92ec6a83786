import numpy as np
import pytest
import torch

from atfm.errors import InputError
from atfm.metrics import masks as masks_module
from atfm.metrics.calibration import empty_share
from atfm.metrics.masks import (
    areas,
    as_masks,
    as_pair,
    as_probability,
    foreground,
    most_likely,
    share,
    votes,
)


def test_bool_masks_are_not_copied(draw) -> None:
    masks = draw(0, 3)
    assert as_masks(masks) is masks


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.float32, torch.bfloat16])
def test_tensors_are_welcome(draw, dtype: torch.dtype) -> None:
    masks = draw(1, 3)
    got = as_masks(torch.from_numpy(masks).to(dtype).requires_grad_(dtype.is_floating_point))
    assert got.dtype == np.bool_
    np.testing.assert_array_equal(got, masks)


def test_bytes_are_not_copied_either(draw) -> None:
    masks = draw(1, 3).astype(np.uint8)
    assert np.shares_memory(as_masks(masks), masks)
    np.testing.assert_array_equal(as_masks(masks[:, :, ::2, ::-1]), masks[:, :, ::2, ::-1] == 1)
    with pytest.raises(InputError, match="masks: expected values 0 or 1, got uint8"):
        as_masks(masks * 255)


def test_a_wrong_value_in_the_last_block_is_found(draw, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masks_module, "_BLOCK", 40)  # two masks of 20 pixels at a time
    masks = draw(1, 7).astype(np.float32)
    np.testing.assert_array_equal(as_masks(masks), masks == 1)
    masks[6, 0, 4, 3] = 2
    with pytest.raises(InputError, match="expected values 0 or 1"):
        as_masks(masks)


def test_votes_of_more_masks_than_a_byte_counts() -> None:
    masks = np.ones((700, 1, 3), bool)
    masks[::2, 0, 1] = False
    np.testing.assert_array_equal(votes(masks), [[700, 350, 700]])


@pytest.mark.parametrize("value", [0.5, 255, -1, np.nan])
def test_other_values_than_0_and_1_are_refused(value: float) -> None:
    with pytest.raises(InputError, match="annotations: expected values 0 or 1"):
        as_masks(np.full((2, 1, 3, 3), value), "annotations")


@pytest.mark.parametrize("shape", [(4, 4), (0, 1, 4, 4), (2, 0, 4, 4)])
def test_shapes_that_are_no_masks_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="expected \\[N, C, \\*spatial\\]"):
        as_masks(np.zeros(shape, bool))


def test_samples_and_annotations_must_fit_each_other(draw) -> None:
    with pytest.raises(InputError, match=r"got \[2, 1, 5, 4\] and \[2, 1, 4, 5\]"):
        as_pair(draw(0, 2), draw(0, 2, size=(4, 5)))


@pytest.mark.parametrize("value", [-0.1, 1.1, np.nan])
def test_probabilities_outside_0_to_1_are_refused(draw, value: float) -> None:
    with pytest.raises(InputError, match=r"probability: expected values in \[0, 1\]"):
        as_probability(np.full((1, 5, 4), value), draw(0, 2))


def test_a_probability_of_another_size_is_refused(draw) -> None:
    with pytest.raises(InputError, match=r"expected \[1, 5, 4\] as annotated, got \[5, 4\]"):
        as_probability(np.zeros((5, 4)), draw(0, 2))


def test_foreground_leaves_out_the_background_of_classes_only(draw) -> None:
    assert foreground(draw(0, 2, 1)).shape == (2, 1, 5, 4)
    assert foreground(draw(0, 2, 3)).shape == (2, 2, 5, 4)


def test_areas_and_share_by_hand() -> None:
    masks = np.array([[[1, 1, 0]], [[1, 0, 0]], [[0, 0, 0]], [[1, 0, 0]]], bool)
    np.testing.assert_array_equal(areas(masks), [[2], [1], [0], [1]])
    np.testing.assert_array_equal(share(masks), [[0.75, 0.25, 0]])
    assert empty_share(masks) == 0.25


def test_background_alone_is_empty() -> None:
    one_hot = np.zeros((2, 3, 4), bool)
    one_hot[:, 0] = True
    one_hot[1, :, 2] = [False, False, True]
    assert empty_share(one_hot) == 0.5


def test_most_likely_mask_of_binary_and_classes() -> None:
    np.testing.assert_array_equal(most_likely(np.array([[0.4, 0.5, 0.6]])), [[False, False, True]])
    classes = most_likely(np.array([[0.5, 0.2], [0.5, 0.3], [0.0, 0.5]]))
    np.testing.assert_array_equal(classes, [[True, False], [False, False], [False, True]])
