import numpy as np
import pytest

from atfm.errors import AmbiguousError, InputError
from atfm.evaluate.foreign.arrays import Stated, labels_of_array
from atfm.io.pictures.marking import MaskRule

SIZE = (6, 7)
PLAIN = Stated()


@pytest.fixture
def masks() -> np.ndarray:
    """Five masks of labels 0 to 2."""
    return np.random.default_rng(0).integers(0, 3, (5, *SIZE)).astype(np.uint8)


def test_binary_masks_of_any_type_and_white(masks) -> None:
    on = masks > 1
    for array in (on, on.astype(np.uint8), on * np.uint8(255), on.astype(np.float64), on * np.uint16(65535)):
        for laid in (array, array[:, None]):
            labels, _ = labels_of_array(laid, SIZE, 1, PLAIN, "a")
            assert labels.dtype == np.uint8 and (labels == on).all()
    assert (labels_of_array(on[0], SIZE, 1, PLAIN, "a")[0] == on[:1]).all(), "a single one is one mask"


def test_labels_and_one_hot_channels_of_classes_are_the_same(masks) -> None:
    channels = masks[:, None] == np.arange(3).reshape(3, 1, 1)
    for array in (channels, channels * np.uint8(255), channels.astype(np.float32)):
        assert (labels_of_array(array, SIZE, 3, PLAIN, "a")[0] == masks).all()
    assert (labels_of_array(masks, SIZE, 3, PLAIN, "a")[0] == masks).all()


def test_two_channels_of_one_object_are_background_and_object(masks) -> None:
    on = masks > 1
    labels, layout = labels_of_array(np.stack([~on, on], 1), SIZE, 1, PLAIN, "a")
    assert (labels == on).all() and layout.startswith("[S, 2, *spatial]")


def test_probabilities_are_no_masks_until_it_is_stated(masks) -> None:
    soft = np.where(masks > 1, 0.7, 0.2)
    with pytest.raises(AmbiguousError, match="--threshold"):
        labels_of_array(soft, SIZE, 1, PLAIN, "a")
    assert (labels_of_array(soft, SIZE, 1, Stated(MaskRule(threshold=0.5)), "a")[0] == (masks > 1)).all()
    classes = np.where(masks[:, None] == np.arange(3).reshape(3, 1, 1), 0.6, 0.2)
    with pytest.raises(AmbiguousError, match="--argmax"):
        labels_of_array(classes, SIZE, 3, PLAIN, "a")
    assert (labels_of_array(classes, SIZE, 3, Stated(argmax=True), "a")[0] == masks).all()
    with pytest.raises(InputError, match="do not sum to 1"):
        labels_of_array(classes * 3, SIZE, 3, Stated(argmax=True), "logits")


@pytest.mark.parametrize(
    ("shape", "hint"),
    [
        ((6, 7, 5), "masks last"),
        ((5, 6, 7, 3), "channels last"),
        ((5, 7, 6), "exchanged"),
        ((5, 2, 6, 7), "2 channels, the store has 3"),
        ((5, 6, 8), "expected"),
        ((2, 5, 1, 6, 7), "expected"),
        ((0, 6, 7), "expected"),
    ],
)
def test_other_axes_are_refused_with_what_they_look_like(shape: tuple[int, ...], hint: str) -> None:
    with pytest.raises(InputError, match=hint):
        labels_of_array(np.zeros(shape, np.uint8), SIZE, 3, PLAIN, "a")


def test_one_mask_by_classes_is_not_taken_for_several_masks(masks) -> None:
    one = masks[0] == np.arange(3).reshape(3, 1, 1)
    with pytest.raises(AmbiguousError, match="may be one mask with a channel for each class"):
        labels_of_array(one, SIZE, 3, PLAIN, "a")
    with pytest.raises(AmbiguousError, match="may be one mask"):
        labels_of_array(np.stack([masks[0] > 0, masks[0] == 0]), SIZE, 1, PLAIN, "a")


@pytest.mark.parametrize("values", [np.nan, 3, -1, 0.5])
def test_what_is_no_label_is_refused(values: float) -> None:
    with pytest.raises(InputError):
        labels_of_array(np.full((2, *SIZE), values, np.float32), SIZE, 3, PLAIN, "a")


def test_channels_that_overlap_are_no_classes(masks) -> None:
    channels = np.ones((2, 3, *SIZE), np.uint8)
    channels[:, 0, 0, 0] = 0
    with pytest.raises(InputError, match="exactly one of the channels"):
        labels_of_array(channels, SIZE, 3, PLAIN, "a")
