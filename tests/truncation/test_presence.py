"""The hurdle: its likelihood against the closed form, what its samples are, and that it can be learnt."""

import math

import pytest
import torch

from atfm.truncation.presence import PresenceNetwork, certain, hurdle, marked, presence_loss

PRESENT = torch.tensor([[True, True, True, True], [True, True, False, False]])


def test_who_marked_anything_by_hand() -> None:
    annotations = torch.zeros(2, 4, 1, 3, 3)
    annotations[0, 1, 0, 2, 2] = annotations[0, 3] = annotations[1, 0, 0, 0, 1] = 1
    annotations[1, 3] = 1  # padding
    expected = torch.tensor([[False, True, False, True], [True, False, False, False]])
    assert torch.equal(marked(annotations, PRESENT), expected)
    classes = torch.cat([1 - annotations, annotations * 0, annotations], 2)
    assert torch.equal(marked(classes, PRESENT), expected), "the background marks nothing"


def test_the_likelihood_is_bernoullis() -> None:
    logits = torch.tensor([[0.3, -1.2], [2.0, 0.1]])  # two members, two images
    seen = torch.tensor([[True, False, False, True], [True, True, False, False]])
    expected = []
    for member in logits.sigmoid().tolist():
        for p, row, said in zip(member, seen, PRESENT, strict=True):
            terms = [math.log(p) if yes else math.log(1 - p) for yes in row[said].tolist()]
            expected.append(-sum(terms) / len(terms))
    assert presence_loss(logits, seen, PRESENT).item() == pytest.approx(sum(expected) / 4, rel=1e-5)


def test_of_all_constants_the_share_of_readers_is_likeliest() -> None:
    seen = torch.tensor([[True, False, False, False], [True, True, True, False]])
    present = torch.ones(2, 4, dtype=torch.bool)
    grid = torch.linspace(-3, 3, 601)
    losses = [presence_loss(x.expand(1, 2), seen, present).item() for x in grid]
    assert grid[losses.index(min(losses))].sigmoid().item() == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("peak", [0.4, 1e-3, 1e-20, 1e-37])
def test_masks_that_are_certain_mark_something_and_others_stay(channels: int, peak: float) -> None:
    foreground = torch.rand(2, 3, max(1, channels - 1), 4, 4, generator=torch.Generator().manual_seed(0)) * 0.9
    foreground = foreground / foreground.amax((2, 3, 4), keepdim=True)
    foreground[:, 1:] *= peak  # the first of each image marks something already
    if channels == 1:
        probability = foreground
        there = certain(probability) > 0.5
    else:
        probability = torch.cat([1 - foreground.sum(2, keepdim=True).clamp(max=1), foreground], 2)
        probability = probability / probability.sum(2, keepdim=True)
        there = certain(probability).argmax(2, keepdim=True) > 0
    assert there.flatten(2).any(2).all()
    torch.testing.assert_close(certain(probability)[:, 0], probability[:, 0])
    assert torch.isfinite(certain(probability)).all()
    changed = (certain(probability) != probability).any(2)  # [B, S, H, W]
    before = probability > 0.5 if channels == 1 else probability.argmax(2, keepdim=True) > 0
    empty = ~before.flatten(2).any(2)
    assert torch.equal(changed.flatten(2).sum(2), empty.long()) and empty.any(), "one pixel where there was none"
    if channels > 1:
        torch.testing.assert_close(certain(probability).sum(2), torch.ones(2, 3, 4, 4))
    else:
        assert torch.equal(changed[:, 1:], probability[:, 1:, 0] == probability[:, 1:, 0].amax((2, 3), keepdim=True))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_sample_behind_the_hurdle_is_empty_or_certain(channels: int) -> None:
    probability = torch.rand(2, 3, channels, 4, 4) * 0.3
    probability = probability if channels == 1 else probability.softmax(2)
    here = torch.tensor([[True, False, True], [False, False, True]])
    found = hurdle(probability, here)
    assert torch.equal(found[here], certain(probability)[here])
    nothing = found[~here]
    assert (nothing[:, 0] == (0 if channels == 1 else 1)).all() and (nothing[:, 1:] == 0).all()


def test_the_probability_is_that_of_all_members_and_turns() -> None:
    torch.manual_seed(0)
    network = PresenceNetwork(1, (4, 8), members=3).eval()
    image = torch.rand(5, 1, 16, 16)
    expected = [member(image.rot90(k, (2, 3))).sigmoid() for member in network.members for k in range(4)]
    torch.testing.assert_close(network.probability(image), torch.stack(expected).mean(0))
    torch.testing.assert_close(network.probability(image.rot90(1, (2, 3))), network.probability(image))
    volume = PresenceNetwork(1, (4,), dims=3).eval()
    assert volume.probability(torch.rand(2, 1, 8, 8, 8)).shape == (2,)


def test_pi_of_a_set_that_can_be_learnt_is_learnt() -> None:
    """Bright images are marked by three readers of four, dark ones by one."""
    torch.manual_seed(0)
    network = PresenceNetwork(1, (8, 16))
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-2)
    bright = torch.arange(32) % 2
    image = torch.rand(32, 1, 16, 16) * 0.3 + bright.reshape(-1, 1, 1, 1) * 0.5
    seen = torch.arange(4) < (1 + 2 * bright)[:, None]
    for _ in range(60):
        optimiser.zero_grad()
        presence_loss(network(image), seen, torch.ones(32, 4, dtype=torch.bool)).backward()
        optimiser.step()
    found = network.eval().probability(image)
    torch.testing.assert_close(found, 0.25 + 0.5 * bright, atol=0.1, rtol=0)
