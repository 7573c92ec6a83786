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
        drawn = own(noise["latent"][0], torch.ones(1), method.context(image))
    assert [level for level, _ in asked] == [50, 20, 15, 10, 5]
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


def test_the_penalty_is_half_the_squared_gradients_of_both_sides() -> None:
    method = tdpm(r1=3.0)
    x, image = torch.randn(2, 2, 1, 16, 16).double(), torch.rand(2, 1, 16, 16).double()
    judge, step = method.discriminator.double(), 1e-6
    expected = 0.0
    for side in x:
        for row in range(2):
            seen = side[row : row + 1].expand(256, -1, -1, -1)
            moved = torch.eye(256).double().reshape(256, 1, 16, 16) * step
            ahead, behind = (
                sum(said.mean(1) for said in judge(seen + sign * moved, image[row : row + 1].expand(256, -1, -1, -1)))
                for sign in (1, -1)
            )
            expected += ((ahead - behind) / (2 * step)).square().sum().item() / 2  # the mean over both rows
    assert method._adversarial(x[0], x[1], image)["penalty"].item() == pytest.approx(1.5 * expected, rel=1e-4)


def test_players_answer_for_pairs_of_one_image_and_all_levels_weigh_alike() -> None:
    method, x, image = tdpm(), torch.randn(2, 3, 1, 16, 16), torch.rand(3, 1, 16, 16)
    found = method._adversarial(x[0], x[1], image)
    drawn, real = (method.discriminator(side, image) for side in x)
    better = [(torch.exp(fake) / (torch.exp(fake) + torch.exp(true))) for fake, true in zip(drawn, real, strict=True)]
    wins, losses = (
        sum(-share.log().mean() for share in shares) / 2 for shares in (better, [1 - share for share in better])
    )
    torch.testing.assert_close(found["generator"], wins)
    torch.testing.assert_close(found["discriminator"], losses)


def test_the_guide_is_the_cross_entropy_of_the_mask_that_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    method, seen = tdpm(guide=0.5), batch()
    calls: list[tuple[Tensor, Tensor]] = []
    own = method.network.forward

    def kept(x: Tensor, time: Tensor, context: Tensor) -> Tensor:
        calls.append((time, own(x, time, context)))
        return calls[-1][1]

    monkeypatch.setattr(method.network, "forward", kept)
    same = Batch(seen.image, seen.annotations[:, :1], seen.present[:, :1])
    found = method.loss(same)["guide"]
    ((time, output),) = [call for call in calls if len(call[0]) == 1]
    chance = (output.tanh() + 1) / 2  # of the mask, whose mean on -1 and 1 the generator gives
    mask = same.annotations[:, 0]
    by_hand = -(mask * chance.log() + (1 - mask) * (1 - chance).log()).mean()
    torch.testing.assert_close(found, 0.5 * by_hand)
    assert time.item() == 1


def test_a_held_judge_says_the_same() -> None:
    judge = Discriminator(2, (8, 8))
    x, image = torch.randn(2, 1, 8, 8), torch.rand(2, 1, 8, 8)
    for free, held in zip(judge(x, image), judge.held(x, image), strict=True):
        torch.testing.assert_close(free, held)


def test_the_truncation_point_lies_below_the_last_level() -> None:
    with pytest.raises(ConfigError, match=r"field 'method\.truncation': expected a level below the last, 50, got 50"):
        tdpm(truncation=50)
    with pytest.raises(ConfigError, match=r"field 'method\.steps': expected at most the 20 levels"):
        tdpm(steps=21)
    with pytest.raises(ConfigError, match=r"field 'method\.guide': guides a mask"):
        tdpm(implicit="direct", guide=1.0)
