"""Hand-worked values, and that the Dice term carries gradient."""

import pytest
import torch
from torch.nn import functional as F

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


def test_semantic_leaves_the_background_of_classes_out() -> None:
    endpoint, annotations = torch.rand(2, 1, 3, 4, 4), torch.rand(2, 2, 3, 4, 4).round()
    present = torch.ones(2, 2, dtype=torch.bool)
    other = annotations.clone()
    other[:, :, 0] = 1 - other[:, :, 0]
    assert semantic(endpoint, annotations, present) == semantic(endpoint, other, present)
    expected = [1 - soft_dice(endpoint[b, :, None, 1:], annotations[b, None, :, 1:]).mean() for b in range(2)]
    torch.testing.assert_close(semantic(endpoint, annotations, present), torch.stack(expected).mean())


@pytest.mark.parametrize("channels", [1, 3])
def test_pixels_that_do_not_count_are_as_if_cut_away(channels: int) -> None:
    """Against the same losses of the pixels that count, laid in a row."""
    g = torch.Generator().manual_seed(channels)
    output, start = torch.randn(2, 2, channels, 4, 5, generator=g).unbind()
    labels = torch.randint(max(channels, 2), (2, 4, 5), generator=g)
    mask = F.one_hot(labels, max(channels, 2)).movedim(-1, 1).float()[:, -channels:]
    valid = (torch.rand(4, 5, generator=g) > 0.4).expand(2, 4, 5)

    def kept(x: torch.Tensor) -> torch.Tensor:
        return x[..., valid[0]].unsqueeze(-1)  # [..., n, 1]

    assert flow_matching(output, start, valid).item() == pytest.approx(flow_matching(kept(output), kept(start)).item())
    torch.testing.assert_close(cross_entropy(output, mask, valid), cross_entropy(kept(output), kept(mask)))
    probability, annotations, present = output.sigmoid().unsqueeze(1), mask.unsqueeze(1), torch.ones(2, 1).bool()
    said = valid.unsqueeze(1)
    torch.testing.assert_close(
        semantic(probability, annotations * said.unsqueeze(2), present, said),
        semantic(kept(probability), kept(annotations), present),
    )
    assert cross_entropy(output, mask, torch.zeros_like(valid)).item() == 0
