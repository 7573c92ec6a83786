"""The hardest pixels, against sorting, and drawn ones against their probabilities."""

import pytest
import torch
from torch.distributions import Bernoulli, Categorical

from atfm.methods.hpunet.hardest import cross_entropies, hardest


def test_cross_entropies_are_those_of_torch() -> None:
    torch.manual_seed(0)
    logits, mask = torch.randn(2, 1, 3, 4), (torch.rand(2, 1, 3, 4) > 0.5).float()
    torch.testing.assert_close(cross_entropies(logits, mask), -Bernoulli(logits=logits).log_prob(mask).squeeze(1))
    logits, labels = torch.randn(2, 3, 4, 4), torch.randint(3, (2, 4, 4))
    one_hot = torch.nn.functional.one_hot(labels, 3).movedim(-1, 1).float()
    expected = -Categorical(logits=logits.movedim(1, -1)).log_prob(labels)
    torch.testing.assert_close(cross_entropies(logits, one_hot), expected)


def test_the_largest_of_all_masks_together() -> None:
    losses = torch.rand(3, 4, 5, generator=torch.Generator().manual_seed(0))
    mean, pixels = hardest(losses, 0.1, draw=False)
    assert mean.item() == pytest.approx(losses.flatten().sort().values[-6:].mean().item())
    assert pixels.item() == 2
    mean, pixels = hardest(losses, 1.0)
    assert mean.item() == pytest.approx(losses.mean().item()) and pixels.item() == 20
    assert hardest(losses, 1e-6, draw=False).mean == losses.max()


def test_pixels_of_which_nothing_is_said_do_not_count() -> None:
    losses = torch.rand(2, 4, 5, generator=torch.Generator().manual_seed(0))
    said = torch.rand(2, 4, 5, generator=torch.Generator().manual_seed(1)) > 0.7
    for draw in (False, True):
        mean, pixels = hardest(losses, 1.0, said, draw=draw)
        assert mean.item() == pytest.approx(losses[said].mean().item()) and pixels.item() == said.sum() / 2
        few = losses.clone()
        few[~said] = 100.0
        assert hardest(few, 0.1, said, draw=draw).mean <= losses[said].max()
        assert hardest(few, 0.9, said, draw=draw).mean.item() == pytest.approx(mean.item())
    assert hardest(losses, 0.5, torch.zeros_like(said)) == (0, 0)


def test_pixels_are_drawn_by_their_cross_entropy() -> None:
    """Of one pixel the odds are the cross-entropies themselves."""
    torch.manual_seed(0)
    losses = torch.tensor([[4.0, 2.0, 1.0, 1.0, 0.0]])
    found = torch.stack([hardest(losses, 0.2).mean for _ in range(4000)])
    shares = [(found == value).float().mean().item() for value in (4.0, 2.0, 1.0, 0.0)]
    assert shares == pytest.approx([0.5, 0.25, 0.25, 0.0], abs=0.03)


def test_the_choice_carries_no_gradient_but_what_is_chosen_does() -> None:
    losses = torch.tensor([[3.0, 1.0, 2.0, 0.5]], requires_grad=True)
    hardest(losses, 0.5, draw=False).mean.backward()
    assert losses.grad is not None and losses.grad.tolist() == [[0.5, 0.0, 0.5, 0.0]]
