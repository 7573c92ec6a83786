"""Analog Bits: what the network sees of its own predictions, in training and when sampling, and what is made of it."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from atfm.data.batch import Batch
from atfm.methods import Frame
from atfm.methods.analog_bits import AnalogBits, AnalogBitsConfig
from atfm.methods.diffusion import NetworkConfig
from atfm.seeding import Noise


class Says(nn.Module):
    """A network that says something else at every level, and keeps what it saw."""

    patch = 1

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels, self.seen = channels, list[tuple[Tensor, Tensor]]()

    def context(self, image: Tensor) -> Tensor:
        return image

    def forward(self, x: Tensor, time: Tensor, context: Tensor) -> Tensor:
        self.seen.append((x, time))
        number = torch.arange(1.0, self.channels + 1).reshape(1, -1, 1, 1)
        return (number * (1 - 2 * time).reshape(-1, 1, 1, 1)).expand(len(x), self.channels, *x.shape[2:])


def bits(channels: int, steps: int = 3) -> AnalogBits:
    config = AnalogBitsConfig(network=NetworkConfig(widths=(8,)), levels=30, steps=steps, scale=0.25)
    made = config.build(Frame(1, channels, (4, 4)))
    made.network = Says(channels)  # type: ignore[assignment]
    return made


def expected_bits(logits: Tensor) -> Tensor:
    """The scaled bits of 1 channel, or of 3 classes: 00, 01, 10."""
    if logits.shape[1] == 1:
        return 0.25 * (2 * logits.sigmoid() - 1)
    shares = logits.softmax(1)
    return 0.25 * (2 * torch.stack([shares[:, 2], shares[:, 1]], 1) - 1)


@pytest.mark.parametrize("channels", [1, 3])
def test_sampling_tells_the_network_its_last_estimate(channels: int) -> None:
    made = bits(channels)
    drawn = made.sample(torch.rand(1, 1, 4, 4), 2, noise=Noise(0, ["a"]))
    seen = made.network.seen  # type: ignore[attr-defined]
    n = {1: 1, 3: 2}[channels]
    assert [round(time.item() * 30) for _, time in seen] == [30, 20, 10]
    assert not seen[0][0][:, n:].any(), "nothing is known at first"
    logits = [Says(channels)(x, time, x) for x, time in seen]
    for (x, _), before in zip(seen[1:], logits, strict=False):
        torch.testing.assert_close(x[:, n:], expected_bits(before))
    shares = logits[-1].sigmoid() if channels == 1 else logits[-1].softmax(1)
    torch.testing.assert_close(drawn.probabilities[0], shares)


@pytest.mark.parametrize("channels", [1, 3])
def test_half_of_a_batch_is_told_an_estimate_without_gradient(channels: int) -> None:
    made, n = bits(channels), {1: 1, 3: 2}[channels]
    torch.manual_seed(0)
    labels = torch.randint(max(2, channels), (400, 1, 4, 4))
    masks = labels.unsqueeze(2).float() if channels == 1 else F.one_hot(labels).movedim(-1, 2).float()
    made.loss(Batch(torch.rand(400, 1, 4, 4), masks, torch.ones(400, 1, dtype=torch.bool)))
    (first, time), (second, _) = made.network.seen  # type: ignore[attr-defined]
    assert not first[:, n:].any() and torch.equal(first[:, :n], second[:, :n])
    told = second[:, n:].flatten(1).any(1)
    assert 160 < told.sum() < 240 and not second.requires_grad
    torch.testing.assert_close(second[told, n:], expected_bits(Says(channels)(first, time, first))[told])


def test_the_state_is_bits_of_the_scale_in_noise() -> None:
    made = bits(1)
    torch.manual_seed(0)
    made.loss(Batch(torch.rand(4000, 1, 4, 4), torch.ones(4000, 1, 1, 4, 4), torch.ones(4000, 1, dtype=torch.bool)))
    (x, time), _ = made.network.seen  # type: ignore[attr-defined]
    for k in (3, 15):
        rows = x[(time * 30).round() == k][:, 0]
        ab = made.schedule.values[k]
        assert rows.mean().item() == pytest.approx(0.25 * ab**0.5, abs=0.08)
        assert rows.var().item() == pytest.approx(1 - ab, rel=0.1)
