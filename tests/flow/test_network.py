"""ST-Net: shapes, time, and the image looked at once."""

import pytest
import torch

from atfm.flow.network import STNet


@pytest.mark.parametrize(("patch", "attention", "dims"), [(1, True, 2), (2, False, 2), (1, False, 3)])
def test_shapes(patch: int, attention: bool, dims: int) -> None:
    size = (16,) * dims
    network = STNet(3 * patch**dims, 2, (8, 16), context_widths=(8,), patch=patch, attention=attention, dims=dims)
    grid = tuple(width // patch for width in size)
    context = network.context(torch.rand(2, 3 * patch**dims, *grid))
    assert network(torch.rand(2, 2, *size), torch.rand(2), context).shape == (2, 2, *size)


def test_time_and_image_both_matter() -> None:
    network = STNet(1, 1, (8, 16))
    x, image = torch.rand(1, 1, 16, 16), torch.rand(1, 1, 16, 16)
    here = network(x, torch.tensor([0.2]), network.context(image))
    assert not torch.allclose(here, network(x, torch.tensor([0.8]), network.context(image)))
    assert not torch.allclose(here, network(x, torch.tensor([0.2]), network.context(1 - image)))


def test_a_convolution_of_both_is_the_sum_of_two() -> None:
    network = STNet(1, 1, (8,)).double()
    x, image = torch.rand(1, 1, 8, 8, dtype=torch.float64), torch.rand(1, 1, 8, 8, dtype=torch.float64)
    joint = torch.nn.Conv2d(2, 8, 3, padding=1).double()
    joint.weight.data = torch.cat([network.stem.weight, network.read.stem.weight], 1).data
    joint.bias.data = (network.stem.bias + network.read.stem.bias).data
    torch.testing.assert_close(joint(torch.cat([x, image], 1)), network.stem(x) + network.context(image))
