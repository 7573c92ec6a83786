"""Labels become channels."""

import numpy as np
import pytest

from atfm.data.labels import counted, highest, one_hot
from atfm.errors import InputError


@pytest.mark.parametrize("spatial", [(4, 5), (2, 4, 5)])
@pytest.mark.parametrize("leading", [(), (3,), (2, 3)])
def test_one_hot_against_a_loop(spatial, leading) -> None:
    masks = np.random.default_rng(0).integers(0, 4, (*leading, *spatial))
    channels = one_hot(masks, 4, len(spatial))
    assert channels.shape == (*leading, 4, *spatial) and channels.dtype == bool
    for label in range(4):
        np.testing.assert_array_equal(np.take(channels, label, axis=len(leading)), masks == label)


def test_binary_has_one_channel() -> None:
    masks = np.array([[[0, 1], [255, 0]]])
    np.testing.assert_array_equal(one_hot(masks, 1), [[[[False, True], [True, False]]]])


def test_a_label_beyond_the_classes() -> None:
    with pytest.raises(InputError, match="expected labels 0 to 1, got 2"):
        one_hot(np.array([[2]]), 2)


def test_a_label_that_says_nothing_has_no_channel() -> None:
    masks = np.array([[[0, 1, 255]], [[2, 255, 255]]], np.uint8)
    channels = one_hot(masks, 3, ignore_label=255)
    assert channels.sum(1).tolist() == [[[1, 1, 0]], [[1, 0, 0]]]
    assert counted(masks, 255).tolist() == [[True, False, False]]
    assert counted(masks, None).all()
    assert (highest(masks), highest(masks, 255), highest(masks[:, :, 2:], 255)) == (255, 2, 0)
    with pytest.raises(InputError, match="expected labels 0 to 2, got 255"):
        one_hot(masks, 3)
