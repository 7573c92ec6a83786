"""Shapes, the positive diagonal, and that the network draws nothing."""

import pytest
import torch

from atfm.truncation import GTRNetwork


@pytest.mark.parametrize(("patch", "channels", "dims"), [(1, 1, 2), (2, 1, 2), (2, 3, 2), (1, 2, 3)])
def test_shapes_in_two_and_three_dimensions(patch: int, channels: int, dims: int) -> None:
    network = GTRNetwork(2, channels, (8, 16), rank=4, patch=patch, dims=dims)
    size = (16,) * dims
    distribution = network(torch.rand(3, 2, *size))
    assert distribution.mean.shape == (3, channels, *size)
    assert distribution.factor.shape == (3, 4, channels, *size)
    assert (distribution.diagonal > 0).all()
    assert distribution.rsample((2,)).shape == (2, 3, channels, *size)


def test_it_is_deterministic_and_begins_with_background() -> None:
    network = GTRNetwork(1, 1, (8, 16))
    image = torch.rand(1, 1, 16, 16)
    assert torch.equal(network(image).mean, network(image).mean)
    assert network(image).mean.mean() < -1
