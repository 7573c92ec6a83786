"""Classes as bits."""

import pytest
import torch
from torch.nn import functional as F

from atfm.diffusion.bits import as_bits, bits_of


@pytest.mark.parametrize(("channels", "bits"), [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (8, 3), (9, 4)])
def test_bits_are_the_binary_digits_of_a_class(channels: int, bits: int) -> None:
    assert bits_of(channels) == bits
    if channels > 1:
        found = as_bits(F.one_hot(torch.arange(channels)).float())
        digits = ["".join("1" if bit > 0 else "0" for bit in row) for row in found.tolist()]
        assert digits == [f"{number:0{bits}b}" for number in range(channels)]


def test_one_channel_is_one_bit() -> None:
    assert as_bits(torch.tensor([[0.0], [1.0], [0.75]])).flatten().tolist() == [-1, 1, 0.5]


def test_probabilities_become_expected_bits_and_nothing_known_becomes_0() -> None:
    shares = torch.tensor([[0.2, 0.3, 0.5], [0, 0, 0]])
    torch.testing.assert_close(as_bits(shares), torch.tensor([[2 * 0.5 - 1, 2 * 0.3 - 1], [0, 0]]))
