"""TDPM: the law at the truncation point against its closed form, and who learns from which term."""

from collections.abc import Iterable

import pytest
import torch
from torch import Tensor, nn

from atfm.data.batch import Batch
from atfm.errors import ConfigError
from atfm.methods import Frame
from atfm.methods.diffusion import NetworkConfig
from atfm.methods.tdpm import TDPM, TDPMConfig
from atfm.methods.tdpm.discriminator import Discriminator
from atfm.seeding import Noise


def tdpm(**fields: object) -> TDPM:
    torch.manual_seed(0)
    settings = {"levels": 50, "truncation": 20, "steps": 4, "discriminator_widths": (8, 8)} | fields
    config = TDPMConfig(network=NetworkConfig(widths=(8, 16), patch=2), **settings)  # type: ignore[arg-type]
    return config.build(Frame(1, 1, (16, 16)))


def batch() -> Batch:
    g = torch.Generator().manual_seed(1)
    masks = torch.rand(3, 2, 1, 16, 16, generator=g).round()
    return Batch(torch.rand(3, 1, 16, 16, generator=g), masks, torch.ones(3, 2, dtype=torch.bool))


@pytest.mark.parametrize("last", [1, 20, 49])
def test_the_marginal_at_the_truncation_point_is_that_of_so_many_single_steps(last: int) -> None:
    """Noise is added step by step, `x <- sqrt(1 - beta) x + sqrt(beta) eps`; its mean and variance are known too."""
    method, mask = tdpm(truncation=last, steps=1), torch.tensor([[1.0, -1.0]])
    table = method.schedule.values
    g = torch.Generator().manual_seed(0)
    chain = mask.expand(40_000, 2)
    for k in range(1, last + 1):
        a = table[k] / table[k - 1]
        chain = a**0.5 * chain + (1 - a) ** 0.5 * torch.randn(chain.shape, generator=g)
    found = method.truncated(mask.expand(40_000, 2), torch.randn(40_000, 2, generator=g))
    for drawn in (chain, found):
        torch.testing.assert_close(drawn.mean(0), table[last] ** 0.5 * mask[0], atol=0.02, rtol=0)
        torch.testing.assert_close(drawn.var(0), torch.full((2,), 1 - table[last]), atol=0.02, rtol=0)


def test_a_generator_that_draws_readers_masks_draws_the_marginal_at_the_truncation_point() -> None:
    """In the form "mask": where it says 1 in three of four cases, `x_K` is that mixture of two normals."""
    method = tdpm(implicit="mask")

    class Coin(nn.Module):
        patch = 2

        def context(self, image: Tensor) -> Tensor:
            return image

        def forward(self, x: Tensor, time: Tensor, context: Tensor) -> Tensor:
            return 20 * (x + 0.6745).sign()  # the upper three quarters of a standard normal

    method.network = Coin()  # type: ignore[assignment]
    image = torch.rand(1, 1, 16, 16)
    x = method.starts(image, Noise(0, ["a"]).draw(method.needs((16, 16)), 200))
    ab = method.schedule.values[20]
    assert x.mean().item() == pytest.approx(ab**0.5 * 0.5, abs=0.02)
    assert x.var().item() == pytest.approx(ab * (1 - 0.25) + 1 - ab, abs=0.02)
    fourth = ((x - x.mean()) ** 4).mean().item()  # of a mixture, not of a normal
    a = ab**0.5
    by_hand = sum(p * (d**4 + 6 * d**2 * (1 - ab) + 3 * (1 - ab) ** 2) for p, d in ((0.75, a / 2), (0.25, -1.5 * a)))
    assert fourth == pytest.approx(by_hand, rel=0.03)


def test_sampling_starts_at_the_truncation_point_with_what_the_generator_drew() -> None:
    method = tdpm(implicit="direct").eval()
    asked: list[tuple[int, Tensor]] = []
    own = method.network.forward

    def kept(x: Tensor, time: Tensor, context: Tensor) -> Tensor:
        asked.append((round(time.item() * 50), x))
        return own(x, time, context)

    method.network.forward = kept  # type: ignore[method-assign]
    noise = Noise(0, ["a"]).draw(method.needs((16, 16)), 3)
    assert noise.keys() == {"latent", "steps"} and noise["steps"].shape == (1, 3, 3, 1, 16, 16)
    image = torch.rand(1, 1, 16, 16)
    with torch.no_grad():
        method(image, noise)
        drawn = own(noise["latent"][0], torch.tensor([21 / 50]), method.context(image))
    assert [level for level, _ in asked] == [21, 20, 15, 10, 5]
    assert torch.equal(asked[0][1], noise["latent"][0])
    torch.testing.assert_close(asked[1][1], drawn)


def slopes(parameters: Iterable[Tensor]) -> float:
    return sum(float(p.grad.abs().sum()) for p in parameters if p.grad is not None)


@pytest.mark.parametrize("implicit", ["direct", "mask"])
@pytest.mark.parametrize(
    ("term", "judge", "network"),
    [("noise", False, True), ("generator", False, True), ("discriminator", True, False), ("penalty", True, False)],
)
def test_each_term_teaches_its_own_player_alone(implicit: str, term: str, judge: bool, network: bool) -> None:
    method = tdpm(implicit=implicit)
    method.loss(batch())[term].backward()
    assert (slopes(method.discriminator.parameters()) > 0) is judge
    assert (slopes(method.network.parameters()) > 0) is network


def test_the_penalty_is_half_the_squared_gradient() -> None:
    method = tdpm(r1=3.0)
    x, image = torch.randn(2, 1, 16, 16), torch.rand(2, 1, 16, 16)
    found = method._adversarial(torch.randn_like(x), x, image)["penalty"]
    g, step = torch.Generator().manual_seed(0), 1e-3
    judge = method.discriminator.double()
    direction = torch.randn(x.shape, generator=g).double()
    ahead, behind = (judge(x + sign * step * direction, image.double()) for sign in (1, -1))
    along = (ahead - behind) / (2 * step)
    leaf = x.double().requires_grad_()
    (slope,) = torch.autograd.grad(judge(leaf, image.double()).sum(), leaf)
    torch.testing.assert_close((slope * direction).flatten(1).sum(1), along, atol=1e-4, rtol=1e-3)
    assert found.item() == pytest.approx(1.5 * slope.square().flatten(1).sum(1).mean().item(), rel=1e-4)


def test_a_held_judge_says_the_same() -> None:
    judge = Discriminator(2, (8, 8))
    x, image = torch.randn(2, 1, 8, 8), torch.rand(2, 1, 8, 8)
    torch.testing.assert_close(judge(x, image), judge.held(x, image))


def test_the_truncation_point_lies_below_the_last_level() -> None:
    with pytest.raises(ConfigError, match=r"field 'method\.truncation': expected a level below the last, 50, got 50"):
        tdpm(truncation=50)
    with pytest.raises(ConfigError, match=r"field 'method\.steps': expected at most the 20 levels"):
        tdpm(steps=21)
