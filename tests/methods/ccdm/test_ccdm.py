"""CCDM: its posterior, its loss and a step of its sampler, all enumerated over classes and steps."""

from collections.abc import Mapping

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from atfm.data.batch import Batch
from atfm.diffusion.schedule import Schedule
from atfm.methods import Frame
from atfm.methods.ccdm import CCDM, CCDMConfig
from atfm.methods.diffusion import NetworkConfig
from atfm.seeding import Noise


class Says(nn.Module):
    """A network that says the same whatever it sees, and keeps what it saw."""

    patch = 1

    def __init__(self, logits: Tensor) -> None:
        super().__init__()
        self.logits, self.seen = logits, list[tuple[Tensor, Tensor]]()

    def context(self, image: Tensor) -> Tensor:
        return image

    def forward(self, x: Tensor, time: Tensor, context: Tensor) -> Tensor:
        self.seen.append((x, time))
        return self.logits.reshape(1, -1, 1, 1).expand(len(x), -1, *x.shape[2:])


def method(channels: int, logits: Tensor, levels: int = 6, steps: int = 6) -> CCDM:
    config = CCDMConfig(network=NetworkConfig(widths=(8,)), levels=levels, steps=steps)
    made = config.build(Frame(1, channels, (4, 4)))
    made.network = Says(logits)  # type: ignore[assignment]
    return made


def enumerated(schedule: Schedule, k: int, classes: int) -> Mapping[tuple[int, int], Tensor]:
    """`q(x_{k-1} | x_k = seen, x_0 = c)` by `(seen, c)`, with the chain multiplied out step by step."""
    identity = torch.eye(classes, dtype=torch.float64)
    chain = step = identity
    for level in range(1, k + 1):
        keep = schedule.values[level] / schedule.values[level - 1]
        step = keep * identity + (1 - keep) / classes
        before, chain = chain, chain @ step
    joint = {(seen, c): before[c] * step[:, seen] for seen in range(classes) for c in range(classes)}
    return {key: value / value.sum() for key, value in joint.items()}


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_the_loss_is_the_divergence_of_enumerated_posteriors(channels: int) -> None:
    classes = max(2, channels)
    logits = torch.linspace(-1, 1, classes)
    made = method(channels, logits)
    labels = torch.randint(classes, (5, 1, 4, 4), generator=torch.Generator().manual_seed(0))
    masks = labels.unsqueeze(2).float() if channels == 1 else F.one_hot(labels).movedim(-1, 2).float()
    loss = made.loss(Batch(torch.rand(5, 1, 4, 4), masks, torch.ones(5, 1, dtype=torch.bool)))
    ((x_k, time),) = made.network.seen  # type: ignore[attr-defined]
    levels = (time * 6).round().long().tolist()
    p_0, terms = logits.double().softmax(0), []
    for image, k in enumerate(levels):
        table = enumerated(made.schedule, k, classes)
        for seen, truth in zip(x_k[image].argmax(0).flatten(), labels[image, 0].flatten(), strict=True):
            true = table[int(seen), int(truth)]
            model = sum(p_0[c] * table[int(seen), c] for c in range(classes))
            terms.append(torch.xlogy(true, true / model).sum())  # type: ignore[operator]
    assert loss["divergence"].item() == pytest.approx(torch.stack(terms).mean().item(), rel=1e-4)


def test_noise_of_the_last_level_is_as_likely_one_class_as_another() -> None:
    made = method(3, torch.zeros(3), levels=250)
    noise = Noise(0, ["a"]).draw(made.needs((64, 64)), 4)
    assert (noise["start"].flatten().bincount() / noise["start"].numel() - 1 / 3).abs().max() < 0.02
    assert made.schedule.values[-1] < 1e-4


def test_a_step_of_the_sampler_follows_the_enumerated_posterior() -> None:
    """Three classes, two steps: how often each class is seen at level 3, by the class at level 6."""
    made, probabilities = method(3, torch.tensor([0.7, 0.2, 0.1]).log(), steps=2), torch.tensor([0.7, 0.2, 0.1])
    made.chunk = 10_000
    made.sample(torch.rand(1, 1, 4, 4), 2000, noise=Noise(0, ["a"]))
    (start, _), (middle, time) = made.network.seen  # type: ignore[attr-defined]
    assert time.item() == 0.5
    keep_3 = made.schedule.values[3]
    keep = made.schedule.values[6] / keep_3
    for seen in range(3):
        expected = torch.zeros(3, dtype=torch.float64)
        for c in range(3):
            bayes = torch.tensor(
                [(keep_3 * (i == c) + (1 - keep_3) / 3) * (keep * (i == seen) + (1 - keep) / 3) for i in range(3)]
            ).double()
            expected += probabilities[c] * bayes / bayes.sum()
        rows = middle.movedim(1, -1)[start[:, seen] == 1]
        torch.testing.assert_close(rows.double().mean(0), expected, atol=0.02, rtol=0)


def test_the_most_probable_class_is_taken_at_last() -> None:
    for channels, shares in ((1, [0.4, 0.6]), (3, [0.2, 0.5, 0.3])):
        made = method(channels, torch.tensor(shares).log())
        drawn = made.sample(torch.rand(1, 1, 4, 4), 2, noise=Noise(0, ["a"]))
        wanted = torch.tensor(shares[-channels:]).reshape(-1, 1, 1).expand(1, 2, channels, 4, 4)
        torch.testing.assert_close(drawn.probabilities, wanted)
        assert bool(drawn.masks[:, :, 0 if channels == 1 else 1].all())
