"""From masks to numbers of either sign and back."""

import torch

from atfm.flow.signs import signed, simplex, unsigned


def test_a_mask_comes_back() -> None:
    mask = (torch.rand(2, 3, 1, 4, 4) > 0.5).float()
    assert signed(mask).unique().tolist() == [-1, 1]
    assert torch.equal(unsigned(signed(mask)), mask)
    labels = torch.nn.functional.one_hot(torch.randint(3, (2, 3, 4, 4)), 3).movedim(-1, 2).float()
    torch.testing.assert_close(unsigned(signed(labels)), labels)


def test_shares_sum_to_one_and_keep_the_largest() -> None:
    x = 3 * torch.randn(2, 5, 4, 6, 6)
    shares = simplex(x)
    torch.testing.assert_close(shares.sum(2), torch.ones(2, 5, 6, 6))
    assert shares.min() >= 0 and torch.equal(shares.argmax(2), x.argmax(2))
    torch.testing.assert_close(simplex(torch.full((1, 1, 4, 2, 2), 7.0)), torch.full((1, 1, 4, 2, 2), 0.25))


def test_what_overshoots_is_cut() -> None:
    assert unsigned(torch.tensor([-3.0, 0.0, 0.5, 4.0]).reshape(1, 1, 1, 2, 2)).flatten().tolist() == [0, 0.5, 0.75, 1]
