"""Flow-SSN's endpoint field against its closed form, and its parameters against the published numbers."""

import math
from typing import Literal

import pytest
import torch
from torch import Tensor, nn

from atfm.data.batch import Batch
from atfm.flow.path import endpoint_to_velocity
from atfm.methods import Frame
from atfm.methods.flow_ssn import FlowSSN
from atfm.nn.adm import LIGHT, ADMUNet
from atfm.seeding import Noise
from atfm.train.presets import presets

MEAN = (0.4, -0.7, 0.2)
SHARE = (0.5, 0.3, 0.2)


def posterior(y_t: Tensor, t: Tensor) -> Tensor:
    """`log p(c | y_t, t)` of pixels of the law SHARE, from N(MEAN, 1).

    It is log pi_c + log N(y_t; (1 - t) mu + t e_c, (1 - t)^2), up to a constant.
    """
    t = t.reshape(-1, 1, 1, 1).clamp_max(1 - 1e-3)
    mean, logs = torch.tensor(MEAN).reshape(1, 3, 1, 1), []
    for c in range(3):
        corner = torch.eye(3)[c].reshape(1, 3, 1, 1)
        squares = (y_t - (1 - t) * mean - t * corner).square().sum(1)
        logs.append(math.log(SHARE[c]) - squares / (2 * (1 - t).square().squeeze(1)))
    return torch.stack(logs, 1).log_softmax(1)


class Mean(nn.Module):
    def forward(self, image: Tensor) -> Tensor:
        return torch.tensor(MEAN).reshape(1, 3, 1, 1).expand(len(image), 3, *image.shape[2:])


class Exact(nn.Module):
    """The closed form, and room to leave it."""

    def __init__(self) -> None:
        super().__init__()
        self.away = nn.Parameter(torch.zeros(3, 3))

    def forward(self, y_t: Tensor, t: Tensor) -> Tensor:
        a, b, c = self.away.reshape(3, 1, 3, 1, 1)
        return posterior(y_t, t) + a + b * y_t + c * t.reshape(-1, 1, 1, 1)


def exact(velocity: Literal["start", "marginal"], steps: int) -> FlowSSN:
    return FlowSSN(Mean(), Exact(), Frame(1, 3, (16, 16)), deviation=1.0, monte_carlo=1, velocity=velocity, steps=steps)  # type: ignore[arg-type]


def masks(count: int) -> Tensor:
    labels = torch.multinomial(torch.tensor(SHARE), count * 256, replacement=True).reshape(count, 1, 16, 16)
    return nn.functional.one_hot(labels, 3).movedim(-1, 2).float()


def test_the_closed_form_is_where_the_loss_is_least() -> None:
    """A cross-entropy is convex in the logits, so a gradient of zero is its minimum."""
    torch.manual_seed(0)
    gradients = []
    for _ in range(60):
        method = exact("start", 1)
        method.loss(Batch(torch.rand(16, 1, 16, 16), masks(16), torch.ones(16, 1, dtype=torch.bool)))[
            "endpoint"
        ].backward()
        gradients.append(method.flow.away.grad)
    found = torch.stack(gradients)  # type: ignore[arg-type]
    error = found.std(0) / len(found) ** 0.5
    assert (found.mean(0).abs() < 4.5 * error).all() and error.max() < 2e-3


@pytest.mark.parametrize("time", [0.3, 0.7])
def test_the_endpoints_velocity_is_the_mean_velocity_of_all_paths_through_a_point(time: float) -> None:
    """Against brute force: a million paths, and the mean of `y - u` over those that pass close by."""
    torch.manual_seed(1)
    count = 4_000_000
    corner = torch.eye(3)[torch.multinomial(torch.tensor(SHARE), count, replacement=True)]
    u = torch.tensor(MEAN) + torch.randn(count, 3)
    y_t = (1 - time) * u + time * corner
    point = torch.tensor([0.4, 0.1, 0.2])
    near = (y_t - point).abs().amax(1) < 0.06
    expected, error = (corner - u)[near].mean(0), (corner - u)[near].std(0) / near.sum() ** 0.5
    state, t = point.reshape(1, 3, 1, 1), torch.tensor([time])
    found = endpoint_to_velocity(posterior(state, t).exp(), state, t).flatten()
    assert near.sum() > 500 and ((found - expected).abs() < 4 * error + 0.02).all()


def test_the_marginal_velocity_carries_the_base_to_the_law_of_the_masks() -> None:
    drawn = exact("marginal", 80).sample(torch.rand(1, 1, 16, 16), 60, noise=Noise(0, ["a"]))
    shares = drawn.masks.float().mean((0, 1, 3, 4))
    torch.testing.assert_close(shares, torch.tensor(SHARE), atol=0.02, rtol=0)


def test_with_the_published_velocity_a_sample_is_the_mean_of_what_the_steps_predict() -> None:
    method = exact("start", 7)
    seen: list[Tensor] = []
    method.flow.register_forward_hook(lambda module, given, logits: seen.append(logits.softmax(1)))
    u = torch.randn(5, 3, 16, 16)
    with torch.no_grad():
        found = method.carry(u)
    torch.testing.assert_close(found, torch.stack(seen).mean(0))


def test_several_starts_are_a_mean_of_likelihoods() -> None:
    """`- log 1/M sum_m exp(mean log p)`, by hand."""
    torch.manual_seed(0)
    method = exact("start", 1)
    method.monte_carlo = 3
    kept: list[Tensor] = []
    method.flow.register_forward_hook(lambda module, given, logits: kept.append(logits.log_softmax(1)))
    mask, image = masks(2), torch.rand(2, 1, 16, 16)
    found = method.loss(Batch(image, mask, torch.ones(2, 1, dtype=torch.bool)))["endpoint"]
    (logs,) = kept  # [B M, C, H, W]
    likelihoods = (logs.unflatten(0, (2, 3)) * mask).sum(2).mean((2, 3)).exp()  # [B, M]
    torch.testing.assert_close(found, -likelihoods.mean(1).log().mean())


def test_published_parameters() -> None:
    """14,290,660 and 150,850, counted with what the published networks make and never use.

    That is, in both, a branch that would read an image at the stem; in the base, which has no time, the embedding of a
    time and every block's layer for it, and the logarithm of a deviation that is held at 1.
    """

    def count(network: nn.Module) -> int:
        return sum(parameter.numel() for parameter in network.parameters())

    def branch(width: int) -> int:
        return 2 * width + 2 * width + width**2 + width  # 1x1 from one channel, a normalisation, 1x1

    with torch.device("meta"):
        method = presets()["flow-ssn-paper"].build(in_channels=1, channels=1, size=(128, 128))
        whole = ADMUNet(1, 4, (32, 64, 128, 256), form=LIGHT, blocks=1, head=64)
    assert count(whole) + branch(32) == 14_290_660
    assert count(method.flow) + branch(16) == 150_850
    time = [parameter for key, parameter in whole.named_parameters() if "modulate" in key or key.startswith("time.")]
    deviation = 2 * (32 * 9 + 1)
    assert count(method.base) == count(whole) - sum(parameter.numel() for parameter in time) - deviation


def test_the_flow_is_blind_to_the_image() -> None:
    method = presets()["flow-ssn-phantom"].build(in_channels=1, channels=1, size=(32, 32))
    assert method.flow.read is None and method.flow.stem.in_channels == 2 * 4
