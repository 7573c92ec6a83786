"""The average against its definition."""

import torch
from torch import nn

from atfm.train.average import averaged


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2))


def test_it_is_the_exponential_average_with_an_early_start() -> None:
    module, decay = network(), 0.7
    average = averaged(module, decay)
    expected = None
    for n in range(12):
        with torch.no_grad():
            for value in module.parameters():
                value.add_(torch.randn_like(value))
        module(torch.randn(4, 1, 3, 3))
        average.update_parameters(module)
        current = {name: value.detach().clone() for name, value in module.state_dict().items()}
        d = min(decay, (1 + n) / (10 + n))
        if expected is None:
            expected = current
        for name, value in current.items():
            expected[name] = d * expected[name] + (1 - d) * value if value.is_floating_point() else value
    for name, value in average.module.state_dict().items():
        torch.testing.assert_close(value, expected[name])
    assert int(average.module[1].num_batches_tracked) == 12  # type: ignore[index]


def test_none_keeps_the_last_weights() -> None:
    module = network()
    average = averaged(module, 0.0)
    for _ in range(5):
        with torch.no_grad():
            for value in module.parameters():
                value.add_(torch.randn_like(value))
        average.update_parameters(module)
    for a, b in zip(average.module.parameters(), module.parameters(), strict=True):
        assert torch.equal(a, b) and not a.requires_grad


def test_it_goes_on_where_it_stopped() -> None:
    states = []
    for stop in (6, 3):
        module = network()
        average = averaged(module, 0.9)
        for n in range(6):
            if n == stop:
                kept = average.module.state_dict()
                average = averaged(module, 0.9, n)
                average.module.load_state_dict(kept)
            with torch.no_grad():
                for value in module.parameters():
                    value.add_(n + 1.0)
            average.update_parameters(module)
        states.append(average.module.state_dict())
    assert all(torch.equal(value, states[1][name]) for name, value in states[0].items())
