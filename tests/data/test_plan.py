"""Which cases a step sees: all of them in every epoch, in an order that (seed, stage, step) alone decide."""

from collections import Counter
from dataclasses import fields, replace

import pytest
import torch

from atfm.data.augment import AugmentationRange
from atfm.data.plan import Plan

LIMITS = AugmentationRange(warp=0.5, scale=0.2, shift=2.0, contrast=0.1)


def plan(cases: int = 10, batch: int = 4, **changes: object) -> Plan:
    return replace(Plan(3, "first", cases, batch, LIMITS, (8, 8)), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(("cases", "batch"), [(10, 4), (12, 4), (3, 8), (1, 2), (7, 7)])
def test_every_epoch_sees_every_case_once(cases: int, batch: int) -> None:
    steps = plan(cases, batch)
    if batch > cases:
        assert all(set(steps(step)[0].tolist()) <= set(range(cases)) for step in range(5))
        assert {len(steps(step)[0]) for step in range(5)} == {batch}
        return
    seen = torch.cat([steps(step)[0] for step in range(3 * cases)])  # `batch` epochs and more
    for epoch in range(batch):
        assert Counter(seen[epoch * cases : (epoch + 1) * cases].tolist()) == Counter(range(cases))
    assert not torch.equal(seen[:cases], seen[cases : 2 * cases]) or cases == 1


def test_a_step_is_the_same_whatever_was_asked_before() -> None:
    straight, jumping = plan(), plan()
    expected = [straight(step) for step in range(40)]
    for step in (39, 3, 17, 2, 38, 0):
        indices, drawn = jumping(step)
        assert torch.equal(indices, expected[step][0])
        for field in fields(drawn):
            assert torch.equal(getattr(drawn, field.name), getattr(expected[step][1], field.name))


def test_seed_stage_and_step_each_change_it() -> None:
    _, drawn = plan()(5)
    for other in (plan(seed=4)(5), plan(stage="second")(5), plan()(6)):
        assert not torch.equal(other[1].gain, drawn.gain)
    assert not torch.equal(plan(cases=1000, seed=4)(0)[0], plan(cases=1000)(0)[0])
