"""Gaussian diffusion against Bayes' rule on a grid, composed steps, and torch's distributions."""

import pytest
import torch
from torch.distributions import Normal as TorchNormal
from torch.distributions import kl_divergence

from atfm.diffusion.gaussian import (
    Normal,
    diffuse,
    from_noise,
    learned_variance,
    masked_mean,
    negative_log_density,
    normal_kl,
    posterior,
    to_noise,
)
from atfm.diffusion.schedule import cosine, linear


def test_the_marginal_is_that_of_single_steps() -> None:
    schedule = cosine(12)
    mean, variance = torch.tensor(0.7, dtype=torch.float64), torch.tensor(0.0, dtype=torch.float64)
    x_0 = torch.full((2, 1), 0.7, dtype=torch.float64)
    for k in range(1, 13):
        a = schedule.values[k] / schedule.values[k - 1]
        mean, variance = a**0.5 * mean, a * variance + 1 - a
        here = diffuse(x_0, torch.tensor([[0.0], [1.0]], dtype=torch.float64), schedule.values[k]).squeeze(1)
        torch.testing.assert_close(here[0], mean)
        torch.testing.assert_close((here[1] - here[0]).square(), variance)


@pytest.mark.parametrize(("j", "k"), [(1, 2), (3, 8), (9, 10)])
def test_the_posterior_is_bayes_rule_on_a_grid(j: int, k: int) -> None:
    ab = linear(20).values
    x_0, x_k = -0.4, 0.9
    grid = torch.linspace(-8, 8, 200_001, dtype=torch.float64)
    a = ab[k] / ab[j]
    prior = TorchNormal(ab[j] ** 0.5 * x_0, (1 - ab[j]) ** 0.5).log_prob(grid)
    weight = (prior + TorchNormal(a**0.5 * grid, (1 - a) ** 0.5).log_prob(torch.tensor(x_k))).softmax(0)
    mean = (weight * grid).sum()
    found = posterior(torch.tensor([[x_k]]).double(), torch.tensor([[x_0]]).double(), ab[j], ab[k])
    assert found.mean.item() == pytest.approx(mean.item(), abs=1e-6)
    assert found.variance.item() == pytest.approx((weight * (grid - mean).square()).sum().item(), abs=1e-6)


def test_at_level_0_the_posterior_is_the_mask() -> None:
    found = posterior(torch.randn(3, 2), torch.ones(3, 2), 1.0, torch.tensor([0.9, 0.5, 0.1]))
    torch.testing.assert_close(found.mean, torch.ones(3, 2))
    assert not found.variance.any()


def test_noise_and_mask_tell_of_each_other() -> None:
    x_0, noise, ab = torch.randn(3, 2, 4), torch.randn(3, 2, 4), torch.tensor([0.9, 0.5, 0.1])
    x_k = diffuse(x_0, noise, ab)
    torch.testing.assert_close(from_noise(x_k, noise, ab), x_0)
    torch.testing.assert_close(to_noise(x_k, x_0, ab), noise)


def test_divergence_and_density_are_torchs() -> None:
    p, q = (Normal(torch.randn(5), torch.rand(5) + 0.1) for _ in range(2))
    torch_p, torch_q = (TorchNormal(n.mean, n.variance.sqrt()) for n in (p, q))
    torch.testing.assert_close(normal_kl(p, q), kl_divergence(torch_p, torch_q))
    x = torch.randn(5)
    torch.testing.assert_close(negative_log_density(x, p), -torch_p.log_prob(x))


def test_the_learned_variance_lies_between_the_posteriors_and_the_steps() -> None:
    ab_j, ab_k = torch.tensor([0.8]), torch.tensor([0.5])
    most = 1 - 0.5 / 0.8
    least = (1 - 0.8) * most / (1 - 0.5)
    for share, expected in ((1.0, most), (-1.0, least), (0.0, (most * least) ** 0.5)):
        assert learned_variance(torch.tensor([[share]]), ab_j, ab_k).item() == pytest.approx(expected)
    assert learned_variance(torch.tensor([[-1.0]]), 1.0, 0.9).item() == pytest.approx(0.1)


def test_the_mean_leaves_out_pixels_of_which_nothing_is_said() -> None:
    values = torch.arange(8.0).reshape(2, 2, 2)  # two masks, two channels, two pixels
    said = torch.tensor([[True, False], [True, True]])
    assert masked_mean(values, said).item() == pytest.approx((0 + 2 + 4 + 6 + 5 + 7) / 6)
    assert masked_mean(values).item() == 3.5
    assert masked_mean(values, torch.zeros_like(said)).item() == 0
