"""A U-Net to logits, and dropout whose noise is given."""

import torch

from atfm.nn.blocks import ResBlock
from atfm.nn.segmenter import Segmenter, probabilities


def test_given_noise_leaves_out_just_those_channels() -> None:
    block, x = ResBlock(2, 4, 8, dropout=0.25).eval(), torch.rand(1, 4, 6, 6)
    uniform = torch.linspace(0, 0.99, 8)[None]  # the first two are below the share
    seen: list[torch.Tensor] = []
    block.conv2.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    block(x), block(x, None, uniform)
    torch.testing.assert_close(seen[1][:, 2:], seen[0][:, 2:] / 0.75)
    assert not seen[1][:, :2].any() and seen[0][:, :2].any()


def test_noise_is_shared_out_to_the_blocks_in_turn_and_none_is_left_over() -> None:
    network = Segmenter(1, 1, (4, 8, 8), blocks=2, dropout=0.5).eval()
    assert network.unet.channels() == [4, 4, 8, 8, 8, 8, 8, 8, 8, 8, 8, 4, 4]
    image, kept = torch.rand(2, 1, 16, 16), torch.ones(2, sum(network.unet.channels()))
    whole = network(image, kept)
    for place in range(kept.shape[1]):
        less = kept.clone()
        less[0, place] = 0
        found = network(image, less)
        assert not torch.allclose(found[0], whole[0], atol=1e-7), f"channel {place} was not left out"
        torch.testing.assert_close(found[1], whole[1])


def test_dropout_of_given_noise_is_no_dropout_in_the_mean() -> None:
    """What follows it in a block is linear."""
    torch.manual_seed(0)
    block, x = ResBlock(2, 4, 4, dropout=0.5).eval(), torch.rand(1, 4, 2, 2)
    drawn = block(x.expand(20_000, -1, -1, -1), None, torch.rand(20_000, 4))
    error = drawn.std(0) / len(drawn) ** 0.5
    assert ((drawn.mean(0) - block(x)[0]).abs() < 4 * error + 1e-6).all()


def test_probabilities_of_one_channel_and_of_several() -> None:
    x = torch.randn(2, 3, 4, 4)
    torch.testing.assert_close(probabilities(x[:, :1]), 1 / (1 + torch.exp(-x[:, :1])))
    torch.testing.assert_close(probabilities(x), torch.exp(x) / torch.exp(x).sum(1, keepdim=True))
