"""Reflection against numpy's."""

import numpy as np
import pytest
import torch

from atfm.data.mirror import inner, mirror_pad


@pytest.mark.parametrize(("shape", "wanted"), [((5, 7), (8, 7)), ((2, 3), (9, 10)), ((3, 4, 5), (4, 9, 2))])
def test_it_is_numpys_reflection_and_can_be_undone(shape: tuple[int, ...], wanted: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).random((2, *shape))
    room = [max(w - n, 0) for n, w in zip(shape, wanted, strict=True)]
    expected = np.pad(x, [(0, 0), *((r // 2, r - r // 2) for r in room)], mode="reflect")
    padded = mirror_pad(torch.from_numpy(x), wanted)
    np.testing.assert_array_equal(padded.numpy(), expected)
    np.testing.assert_array_equal(inner(padded, shape).numpy(), x)


def test_a_single_pixel_is_repeated() -> None:
    assert mirror_pad(torch.tensor([[7.0]]), (1, 4)).tolist() == [[7, 7, 7, 7]]
