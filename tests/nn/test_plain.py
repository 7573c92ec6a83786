"""Plain U-Nets: the shapes of every level, also of odd sides and volumes, and weights that keep a signal alive."""

import pytest
import torch
from torch.nn import functional as F

from atfm.nn.plain import Decoder, Encoder, Layers, halve, resize


@pytest.mark.parametrize("norm", ["none", "group", "batch"])
@pytest.mark.parametrize("size", [(16, 16), (13, 10), (8, 9, 6)])
def test_down_and_up_again(size: tuple[int, ...], norm: str) -> None:
    layers = Layers(len(size), norm)  # type: ignore[arg-type]
    encoder, decoder = Encoder(layers, 2, (4, 6, 8), convs=2), Decoder(layers, (4, 6, 8), convs=2)
    features = encoder(torch.randn(3, 2, *size))
    grids = [tuple(-(-side // 2**level) for side in size) for level in range(3)]
    assert [tuple(x.shape) for x in features] == [(3, c, *grid) for c, grid in zip((4, 6, 8), grids, strict=True)]
    assert decoder(features).shape == (3, 4, *size)


def test_a_plain_u_net_has_the_parameters_of_its_convolutions() -> None:
    layers = Layers(2, "none")
    encoder, decoder = Encoder(layers, 1, (4, 6), convs=3), Decoder(layers, (4, 6), convs=2)
    of_layer = {(1, 4): 40, (4, 4): 148, (4, 6): 222, (6, 6): 330, (10, 4): 364}  # 9 in out + out
    assert (
        sum(p.numel() for p in encoder.parameters())
        == of_layer[1, 4] + 2 * of_layer[4, 4] + of_layer[4, 6] + 2 * of_layer[6, 6]
    )
    assert sum(p.numel() for p in decoder.parameters()) == of_layer[10, 4] + of_layer[4, 4]


def test_halving_averages_pairs_and_an_odd_one_stays() -> None:
    x = torch.arange(5.0).reshape(1, 1, 1, 5)
    assert halve(x).flatten().tolist() == [0.5, 2.5, 4.0]
    assert halve(x.unsqueeze(2)).shape == (1, 1, 1, 1, 3)
    assert resize(x, (2, 9)).shape == (1, 1, 2, 9)
    torch.testing.assert_close(resize(torch.full((1, 1, 3, 3), 2.0), (7, 5)), torch.full((1, 1, 7, 5), 2.0))


def test_group_normalisation_keeps_what_is_the_same_at_all_positions() -> None:
    for channels in (4, 6, 8, 12, 32):
        layer = Layers(2, "group").stack(2, channels, 1)
        torch.nn.init.normal_(layer[0].weight)
        one, other = (torch.full((1, 2, 5, 5), 1.0) * torch.tensor(v).reshape(1, 2, 1, 1) for v in ([1, 2], [2, -1.0]))
        assert (layer(one)[..., 2, 2] - layer(other)[..., 2, 2]).abs().max() > 0.1


def test_a_deep_stack_without_normalisation_neither_dies_nor_explodes() -> None:
    torch.manual_seed(0)
    x = torch.randn(8, 64, 24, 24)
    y = Layers(2).stack(64, 64, 20)(x)
    assert 0.1 < (y.square().mean() / x.square().mean()).item() < 10
    default = x
    for _ in range(20):
        default = F.relu(torch.nn.Conv2d(64, 64, 3, padding=1)(default))
    assert default.std() < 0.1 * y.std(), "torch's own first weights let it die"
