"""Hand-worked values, and that the Dice term carries gradient."""

import pytest
import torch

from atfm.flow.loss import cross_entropy, flow_matching, semantic, soft_dice


def test_flow_matching_is_the_mean_square() -> None:
    assert flow_matching(torch.ones(2, 1, 2, 2), torch.full((2, 1, 2, 2), 3.0)).item() == pytest.approx(4.0)


def test_soft_dice_by_hand() -> None:
    p, y = (
        torch.tensor([1.0, 0.5, 0.0, 0.0]).reshape(1, 1, 1, 2, 2),
        torch.tensor([1.0, 0.0, 1.0, 0.0]).reshape(1, 1, 1, 2, 2),
    )
    assert soft_dice(p, y).item() == pytest.approx((2 * 1 + 1) / (1.5 + 2 + 1))
    assert soft_dice(p * 0, y * 0).item() == 1


def test_semantic_averages_over_the_annotators_present_and_over_pairs() -> None:
    endpoint, annotations = torch.rand(2, 3, 1, 4, 4), torch.rand(2, 4, 1, 4, 4).round()
    present = torch.tensor([[True, True, True, True], [True, False, True, False]])
    expected = []
    for b in range(2):
        for p in range(3):
            kept = [k for k in range(4) if present[b, k]]
            dice = [soft_dice(endpoint[b, p][None, None], annotations[b, k][None, None]).item() for k in kept]
            expected.append(sum(1 - d for d in dice) / len(kept))
    assert semantic(endpoint, annotations, present).item() == pytest.approx(sum(expected) / 6, abs=1e-6)


def test_the_semantic_term_carries_gradient() -> None:
    # The published code thresholds before its Dice, so that its term changes nothing.
    endpoint = torch.rand(1, 2, 1, 4, 4, requires_grad=True)
    semantic(endpoint, torch.rand(1, 3, 1, 4, 4).round(), torch.ones(1, 3, dtype=torch.bool)).backward()
    assert endpoint.grad is not None
    assert (endpoint.grad.abs() > 0).all()


def test_cross_entropy_for_one_channel_and_for_classes() -> None:
    logits = torch.zeros(1, 1, 2, 2)
    assert cross_entropy(logits, torch.ones_like(logits)).item() == pytest.approx(0.693147, abs=1e-5)
    one_hot = torch.tensor([1.0, 0.0, 0.0]).reshape(1, 3, 1, 1)
    assert cross_entropy(torch.zeros(1, 3, 1, 1), one_hot).item() == pytest.approx(1.098612, abs=1e-5)
