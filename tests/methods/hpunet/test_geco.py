"""GECO against its recursion written out, and against a problem whose optimum is known."""

import math

import pytest
import torch

from atfm.methods.hpunet.geco import GECO


@pytest.mark.usefixtures("float64")
def test_average_and_multiplier_follow_the_algorithm() -> None:
    geco = GECO(kappa=0.05, decay=0.9, rate=0.1).double().train()
    average, log_multiplier = 0.0, 0.0
    for step, mean in enumerate((0.6, 0.4, 0.01, 0.02, 0.9), start=1):
        x = torch.tensor(mean, requires_grad=True)
        value = geco(x, 20.0)
        value.backward()
        average = 0.9 * average + 0.1 * (mean - 0.05)
        following = average / (1 - 0.9**step)
        assert value.item() == pytest.approx(math.exp(log_multiplier) * 20 * following)
        assert x.grad is not None and x.grad.item() == pytest.approx(math.exp(log_multiplier) * 20)
        log_multiplier += 0.1 * following
        assert geco.log_multiplier.item() == pytest.approx(log_multiplier)  # type: ignore[operator]
    before = [buffer.clone() for buffer in geco.buffers()]
    geco.eval()(torch.tensor(3.0), 20.0)
    assert all(torch.equal(a, b) for a, b in zip(before, geco.buffers(), strict=True)), "only in training it moves"


def test_a_constant_average_is_right_from_the_first_step() -> None:
    geco = GECO(kappa=0.0, decay=0.99).train()
    for _ in range(5):
        value = geco(torch.tensor(0.3), 1.0)
        assert (value / geco.log_multiplier.exp()).item() == pytest.approx(0.3, rel=0.01)  # type: ignore[operator]


def test_the_multiplier_stays_within_bounds() -> None:
    geco = GECO(rate=1.0).train()
    for mean in (1e6, -1e6):
        for _ in range(3):
            assert torch.isfinite(geco(torch.tensor(mean), 1.0))
        assert geco.log_multiplier.abs().item() <= 10  # type: ignore[operator]


def test_it_finds_the_constrained_optimum() -> None:
    """min x^2 such that (1 - x) - kappa <= 0: x = 1 - kappa, with the multiplier 2 x."""
    geco = GECO(kappa=0.2, decay=0.5, rate=0.02).train()
    x = torch.zeros((), requires_grad=True)
    optimiser = torch.optim.SGD([x], lr=0.05)
    for _ in range(3000):
        optimiser.zero_grad()
        (geco(1 - x, 1.0) + x.square()).backward()
        optimiser.step()
    assert x.item() == pytest.approx(0.8, abs=1e-3)
    assert geco.log_multiplier.exp().item() == pytest.approx(1.6, abs=1e-2)  # type: ignore[operator]
