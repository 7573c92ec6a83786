"""Samplers with the exact `x_0` of a known law: they draw that law."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from atfm.diffusion.multinomial import marginal
from atfm.diffusion.sampler import ancestral, categorical, ddim
from atfm.diffusion.schedule import cosine


def test_ancestral_draws_a_coin_as_often_as_it_falls() -> None:
    """`x_0 = +-1` with odds 3 : 1; then `E[x_0 | x_k] = tanh( sqrt(ab) x / (1 - ab) + log(3) / 2 )`."""
    schedule, odds = cosine(200), torch.tensor(3.0)
    g = torch.Generator().manual_seed(0)

    def predict(x: Tensor, k: int, j: int) -> tuple[Tensor, None]:
        ab = schedule.values[k]
        return torch.tanh(ab**0.5 * x / (1 - ab) + odds.log() / 2), None

    start, noise = torch.randn(4000, 1, generator=g), torch.randn(4000, 199, 1, generator=g)
    drawn = ancestral(predict, start, schedule, schedule.strided(200), noise)
    assert drawn.abs().min() > 0.9, "all of them are masks"
    assert (drawn > 0).float().mean().item() == pytest.approx(0.75, abs=0.03)


def test_ancestral_takes_the_variance_that_it_is_given() -> None:
    schedule, wide = cosine(4), torch.tensor(9.0)
    seen: list[Tensor] = []

    def predict(x: Tensor, k: int, j: int) -> tuple[Tensor, Tensor]:
        seen.append(x)
        return torch.zeros_like(x), wide

    noise = torch.ones(1, 3, 2)
    assert not ancestral(predict, torch.zeros(1, 2), schedule, [4, 3, 2, 1, 0], noise).any()
    torch.testing.assert_close(seen[1], torch.full((1, 2), 3.0))  # a mean of 0, and 3 times the noise


def test_ddim_carries_noise_to_a_normal_law() -> None:
    """`x_0 ~ N(0, s^2)`: `E[x_0 | x_k] = sqrt(ab) s^2 / (ab s^2 + 1 - ab) x_k`; the path scales noise to `s`."""
    schedule, s = cosine(1000), 0.4

    def predict(x: Tensor, k: int, known: Tensor | None) -> Tensor:
        ab = schedule.values[k]
        return ab**0.5 * s**2 / (ab * s**2 + 1 - ab) * x

    x = torch.tensor([[1.0], [-2.0]])
    found, last = ddim(predict, x, schedule, schedule.strided(500))
    torch.testing.assert_close(found, s * x, rtol=0.03, atol=0)
    torch.testing.assert_close(last, found)  # at level 0 all of it lies at the mask


def test_ddim_tells_what_was_predicted_before() -> None:
    schedule, told = cosine(10), []

    def predict(x: Tensor, k: int, known: Tensor | None) -> Tensor:
        told.append((k, None if known is None else known.item()))
        return torch.full_like(x, k)

    found, last = ddim(predict, torch.zeros(1), schedule, [10, 6, 3, 0])
    assert last is not None and found.item() == last.item() == 3
    assert ddim(predict, torch.ones(1), schedule, [10]) == (torch.ones(1), None)
    assert told == [(10, None), (6, 10.0), (3, 6.0)]


def test_categorical_draws_classes_as_often_as_they_are_probable() -> None:
    schedule, law = cosine(30), torch.tensor([0.5, 0.2, 0.3])
    g = torch.Generator().manual_seed(0)
    kept = torch.eye(3)

    def predict(x: Tensor, k: int) -> Tensor:
        joint = law * marginal(kept, schedule.values[k])[:, x.argmax(1)].T  # p(c) q(x_k | c), [N, 3]
        return joint / joint.sum(1, keepdim=True)

    start = F.one_hot(torch.randint(3, (6000,), generator=g), 3).float()
    for steps in (30, 6):
        uniform = torch.rand(6000, steps, generator=g)
        shares = categorical(predict, start, schedule, schedule.strided(steps), uniform[:, : steps - 1]).mean(0)
        torch.testing.assert_close(shares, law, atol=0.02, rtol=0)
