"""The U-Net of guided diffusion: counted, and checked against what its parts promise."""

import pytest
import torch

from atfm.nn.adm import ADM, LIGHT, ADMUNet, Form


def trained_by_chance(network: ADMUNet) -> ADMUNet:
    """The same, with weights where it begins at zero."""
    g = torch.Generator().manual_seed(0)
    for parameter in network.parameters():
        parameter.data += 0.1 * torch.randn(parameter.shape, generator=g)
    return network.eval()


@pytest.mark.parametrize("form", [ADM, LIGHT])
@pytest.mark.parametrize("size", [(16, 16), (13, 9), (5, 8, 6)])
def test_sizes_pass_and_time_and_condition_are_seen(form: Form, size: tuple[int, ...]) -> None:
    network = trained_by_chance(
        ADMUNet(2, 3, (8, 16), form=form, blocks=1, condition=1, attention=(1,), head=8, dims=len(size))
    )
    x, image, t = torch.rand(2, 2, *size), torch.rand(2, 1, *size), torch.tensor([0.2, 0.2])
    found = network(x, t, network.context(image))
    assert found.shape == (2, 3, *size)
    torch.testing.assert_close(found, network(x, t[:1], network.context(image)))
    assert not torch.allclose(found, network(x, t + 0.5, network.context(image)))
    assert not torch.allclose(found, network(x, t, network.context(1 - image)))


@pytest.mark.parametrize("form", [ADM, LIGHT])
def test_it_begins_at_zero_and_folds(form: Form) -> None:
    network = ADMUNet(1, 1, (8, 16), form=form, patch=2, condition=4)
    x = torch.rand(1, 1, 8, 8)
    assert not network(x, torch.zeros(1), network.context(torch.rand(1, 4, 4, 4))).any()
    assert network.stem.in_channels == network.out.out_channels == 4


def test_the_default_form_has_the_parameters_of_guided_diffusion() -> None:
    """Counted from the description of Dhariwal and Nichol's code, layer by layer."""

    def conv(inputs: int, outputs: int, kernel: int = 3) -> int:
        return inputs * outputs * kernel**2 + outputs

    def block(inputs: int, outputs: int) -> int:
        skip = conv(inputs, outputs, 1) if inputs != outputs else 0
        return 2 * inputs + conv(inputs, outputs) + 33 * outputs + 2 * outputs + conv(outputs, outputs) + skip

    attention = 2 * 16 + conv(16, 48, 1) + conv(16, 16, 1)
    time = 9 * 32 + 33 * 32
    down = block(8, 8) + conv(8, 8) + block(8, 16) + attention
    middle = 2 * block(16, 16) + attention
    up = block(32, 16) + attention + block(24, 16) + attention + conv(16, 16) + block(24, 8) + block(16, 8)
    expected = time + conv(1, 8) + down + middle + up + 2 * 8 + conv(8, 1)
    network = ADMUNet(1, 1, (8, 16), blocks=1, attention=(1,))
    assert sum(parameter.numel() for parameter in network.parameters()) == expected
