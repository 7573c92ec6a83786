"""The loss of the U-Net against torch's own, annotator by annotator; its samples with and without dropout."""

import itertools

import pytest
import torch
from torch.nn import functional as F

from atfm.data.batch import Batch
from atfm.evaluate import settings_digest
from atfm.methods import Frame
from atfm.methods.unet import UNetConfig
from atfm.methods.unet.config import SegmenterConfig
from atfm.methods.unet.method import majority, votes
from atfm.seeding import Noise


@pytest.mark.parametrize("channels", [1, 3])
def test_votes_are_the_mean_cross_entropy_of_those_who_say_something(channels: int) -> None:
    torch.manual_seed(0)
    logits, labels = torch.randn(2, channels, 5, 4), torch.randint(max(2, channels), (2, 3, 5, 4))
    present = torch.tensor([[True, False, True], [True, True, True]])
    valid = torch.rand(2, 3, 5, 4) > 0.3
    masks = labels.unsqueeze(2) if channels == 1 else F.one_hot(labels, channels).movedim(-1, 2)
    expected = []
    for image in range(2):
        each = []
        for reader in range(3):
            if present[image, reader]:
                said, target = valid[image, reader], labels[image, reader]
                if channels == 1:
                    each.append(F.binary_cross_entropy_with_logits(logits[image, 0][said], target[said].float()))
                else:
                    each.append(F.cross_entropy(logits[image][:, said].mT, target[said]))
        expected.append(torch.stack(each).mean())
    weights = present / present.sum(1, keepdim=True)
    found = votes(logits, masks * valid.unsqueeze(2).float(), weights, valid)
    torch.testing.assert_close(found, torch.stack(expected).mean())


def test_the_best_probability_is_the_share_of_votes() -> None:
    masks = torch.tensor([1.0, 1.0, 1.0, 0.0]).reshape(1, 4, 1, 1, 1)
    logits = torch.full((1, 1, 1, 1), 3.0).logit(eps=1e-6).zero_() + torch.tensor(0.75).logit()
    logits.requires_grad_(True)
    votes(logits, masks, torch.full((1, 4), 0.25)).backward()
    torch.testing.assert_close(logits.grad, torch.zeros(1, 1, 1, 1), atol=1e-7, rtol=0)


def test_without_dropout_all_samples_are_one_mask_that_of_the_network() -> None:
    torch.manual_seed(0)
    network = SegmenterConfig(widths=(8, 8), dropout=0.4)
    frame, image = Frame(1, 1, (16, 16)), torch.rand(2, 1, 16, 16)
    still = UNetConfig(network=network, test_time_dropout=False).build(frame).eval()
    drops = UNetConfig(network=network).build(frame).eval()
    drops.load_state_dict(still.state_dict())
    found = still.sample(image, 5, noise=Noise(0, ["a", "b"])).probabilities
    with torch.no_grad():
        torch.testing.assert_close(found, still.network(image).sigmoid().unsqueeze(1).expand_as(found))
    varied = drops.sample(image, 5, noise=Noise(0, ["a", "b"])).probabilities
    assert varied.std(1).mean() > 0.001


@pytest.mark.parametrize("channels", [1, 3])
def test_the_majority_is_that_of_the_readers_who_say_something(channels: int) -> None:
    torch.manual_seed(1)
    labels = torch.randint(max(2, channels), (2, 4, 5, 4))
    present = torch.tensor([[True, False, True, True], [True, True, True, True]])
    valid = torch.rand(2, 4, 5, 4) > 0.3
    masks = labels.unsqueeze(2) if channels == 1 else F.one_hot(labels, channels).movedim(-1, 2)
    found, said = majority(masks * valid.unsqueeze(2).float(), present, valid)
    assert said is not None and found.shape == (2, 1, channels, 5, 4)
    for image, row, column in itertools.product(range(2), range(5), range(4)):
        there = [r for r in range(4) if present[image, r] and valid[image, r, row, column]]
        assert bool(said[image, 0, row, column]) == bool(there)
        given = [int(labels[image, r, row, column]) for r in there]
        one = found[image, 0, :, row, column]
        if not there:
            assert not one.any()
        elif channels == 1:
            assert bool(one[0]) == (2 * sum(given) > len(given))  # two of four are none
        else:
            assert int(one.argmax()) == min(range(channels), key=lambda c: (-given.count(c), c)) and one.sum() == 1
    everywhere, none = majority(masks.float(), present)
    expected, _ = majority(masks.float(), present, torch.ones_like(valid))
    assert none is None and torch.equal(everywhere, expected)


def test_a_network_of_the_majority_learns_it_and_nothing_of_the_others() -> None:
    masks = torch.tensor([1.0, 1.0, 1.0, 0.0]).reshape(1, 4, 1, 1, 1).expand(1, 4, 1, 8, 8)
    batch = Batch(torch.rand(1, 1, 8, 8), masks, torch.ones(1, 4, dtype=torch.bool))
    config = UNetConfig(network=SegmenterConfig(widths=(4, 4), dropout=0.0), test_time_dropout=False)
    torch.manual_seed(0)
    votes_of = config.build(Frame(1, 1, (8, 8)))
    agreed = config.model_copy(update={"target": "majority"}).build(Frame(1, 1, (8, 8)))
    agreed.load_state_dict(votes_of.state_dict())
    logits = agreed.network(batch.image)
    expected = F.binary_cross_entropy_with_logits(logits, torch.ones_like(logits))
    torch.testing.assert_close(agreed.loss(batch)["cross-entropy"], expected)
    assert votes_of.loss(batch)["cross-entropy"].item() < expected.item()
    assert settings_digest(agreed) == settings_digest(votes_of)  # how it draws is the same
    assert "target" not in config.model_dump() and UNetConfig(target="majority").model_dump()["target"] == "majority"
