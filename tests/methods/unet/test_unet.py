"""The loss of the U-Net against torch's own, annotator by annotator; its samples with and without dropout."""

import pytest
import torch
from torch.nn import functional as F

from atfm.methods import Frame
from atfm.methods.unet import UNetConfig
from atfm.methods.unet.config import SegmenterConfig
from atfm.methods.unet.method import votes
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
