import math

import torch

from atfm.distributions.low_rank_normal import LowRankNormal
from atfm.methods.region import ambiguous


def normal(mean: torch.Tensor) -> LowRankNormal:
    return LowRankNormal(mean, torch.zeros(1, 1, *mean.shape[1:]), torch.full_like(mean, 1e-6), event_dims=3)


def test_only_what_is_unsure_and_its_margin() -> None:
    mean = torch.full((1, 1, 9, 9), -10.0)
    mean[..., 4, 4] = 0.0
    expected = torch.zeros(9, 9, dtype=torch.bool)
    expected[2:7, 2:7] = True
    assert torch.equal(ambiguous(normal(mean), 2)[0, 0], expected)
    assert ambiguous(normal(mean), 0).sum() == 1


def test_the_bounds_are_probabilities() -> None:
    odds = math.log(0.02 / 0.98)
    assert ambiguous(normal(torch.full((1, 1, 2, 2), odds)), 0).all()
    assert not ambiguous(normal(torch.full((1, 1, 2, 2), odds)), 0, unsure=0.03).any()
