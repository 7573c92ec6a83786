"""Folding, attention and residual blocks."""

import torch
from torch.nn import functional as F

from atfm.nn import Attention, LinearAttention, ResBlock, UNet, pixel_shuffle, pixel_unshuffle


def test_fold_is_pixel_unshuffle_and_unfold_undoes_it() -> None:
    x = torch.rand(2, 3, 8, 12)
    torch.testing.assert_close(pixel_unshuffle(x, 2), F.pixel_unshuffle(x, 2))
    torch.testing.assert_close(pixel_shuffle(pixel_unshuffle(x, 4), 4), x)
    volume = torch.rand(1, 2, 4, 6, 8)
    assert pixel_unshuffle(volume, 2).shape == (1, 16, 2, 3, 4)
    torch.testing.assert_close(pixel_shuffle(pixel_unshuffle(volume, 2), 2), volume)


def test_full_attention_is_the_naive_softmax() -> None:
    q, k, v = torch.rand(3, 1, 2, 5, 4).unbind(0)
    expected = (q @ k.mT / 4**0.5).softmax(-1) @ v
    torch.testing.assert_close(Attention(2, 8).mix(q, k, v), expected)


def test_linear_attention_is_its_quadratic_form() -> None:
    q, k, v = torch.rand(3, 1, 2, 5, 4).unbind(0)
    expected = (q.softmax(-1) / 4**0.5) @ k.softmax(-2).mT @ v
    torch.testing.assert_close(LinearAttention(2, 8).mix(q, k, v), expected)


def test_the_embedding_changes_a_block_and_odd_sizes_pass_the_u_net() -> None:
    block, x = ResBlock(2, 8, 16, embedding=4), torch.rand(2, 8, 6, 6)
    assert not torch.allclose(block(x, torch.zeros(2, 4)), block(x, torch.ones(2, 4)))
    assert UNet(2, (8, 16, 16))(torch.rand(1, 8, 13, 9)).shape == (1, 8, 13, 9)
