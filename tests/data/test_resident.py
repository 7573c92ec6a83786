"""Cases on the device: padding of annotators, one-hot classes, sizes."""

import numpy as np
import pytest
import torch

from atfm.data.case import Case
from atfm.data.resident import Resident
from atfm.errors import InputError


def case(number: int, annotators: int, size: int = 6, classes: int = 2) -> Case:
    rng = np.random.default_rng(number)
    image = (rng.integers(0, 256, (1, size, size)) / 255).astype(np.float32)
    return Case(image, rng.integers(0, classes, (annotators, size, size), np.uint8), f"c{number}", f"p{number}")


def test_unequal_annotators_are_padded_and_marked() -> None:
    cases = [case(0, 2), case(1, 4)]
    batch = Resident(cases, 1).batch(torch.tensor([1, 0]))
    assert batch.annotations.shape == (2, 4, 1, 6, 6)
    assert batch.present.tolist() == [[True] * 4, [True, True, False, False]]
    np.testing.assert_array_equal(batch.annotations[1, :2, 0].numpy(), cases[0].masks)
    np.testing.assert_allclose(batch.image[0].numpy(), cases[1].image, atol=1e-6)


def test_classes_become_one_hot() -> None:
    labelled = case(0, 3, classes=4)
    annotations = Resident([labelled], 4).batch(torch.tensor([0])).annotations
    assert annotations.shape == (1, 3, 4, 6, 6)
    np.testing.assert_array_equal(annotations[0].argmax(1).numpy(), labelled.masks)


def test_several_sizes_and_no_cases_are_refused() -> None:
    with pytest.raises(InputError, match=r"case c1: expected an image .* --size"):
        Resident([case(0, 2), case(1, 2, size=8)], 1)
    with pytest.raises(InputError, match="no case"):
        Resident([], 1)
