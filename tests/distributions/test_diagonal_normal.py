"""A normal with independent components, against torch's own."""

import pytest
import torch
from torch.distributions import Independent, Normal, kl_divergence

from atfm.distributions.diagonal_normal import DiagonalNormal


def drawn(seed: int, *shape: int) -> DiagonalNormal:
    g = torch.Generator().manual_seed(seed)
    return DiagonalNormal(torch.randn(shape, generator=g), torch.rand(shape, generator=g) * 3 + 0.01)


def of_torch(ours: DiagonalNormal) -> Independent:
    return Independent(Normal(ours.mean, ours.deviation), ours.mean.dim() - 1)


@pytest.mark.parametrize("shape", [(4, 6), (3, 2, 5, 7), (2, 1, 3, 4, 5)])
@pytest.mark.usefixtures("float64")
def test_the_divergence_is_that_of_torch(shape: tuple[int, ...]) -> None:
    q, p = drawn(0, *shape), drawn(1, *shape)
    torch.testing.assert_close(q.divergence(p), kl_divergence(of_torch(q), of_torch(p)))
    assert q.divergence(p).shape == shape[:1] and (q.divergence(p) > 0).all()
    torch.testing.assert_close(q.divergence(q), torch.zeros(shape[0]))


@pytest.mark.usefixtures("float64")
def test_the_divergence_is_the_mean_of_the_log_ratio() -> None:
    torch.manual_seed(0)
    q, p = drawn(0, 1, 2), drawn(1, 1, 2)
    many = DiagonalNormal(q.mean.expand(200_000, 2), q.deviation.expand(200_000, 2))
    z = many.rsample()
    ratio = of_torch(q).log_prob(z) - of_torch(p).log_prob(z)
    assert q.divergence(p).item() == pytest.approx(ratio.mean().item(), abs=5 * ratio.std().item() / 200_000**0.5)


def test_samples_are_made_of_noise_and_carry_gradient() -> None:
    found, noise = drawn(0, 3, 2, 4, 4), torch.randn(3, 2, 4, 4)
    assert torch.equal(found.from_noise(noise), found.mean + found.deviation * noise)
    assert torch.equal(found.from_noise(torch.zeros_like(noise)), found.mean)
    parameter = torch.ones(3, 2, requires_grad=True)
    DiagonalNormal(parameter, parameter).rsample().sum().backward()
    assert parameter.grad is not None and (parameter.grad != 1).all()


def test_rows_are_chosen_together() -> None:
    found, rows = drawn(0, 3, 2), torch.tensor([2, 0, 2])
    assert torch.equal(found[rows].mean, found.mean[rows]) and torch.equal(found[rows].deviation, found.deviation[rows])
