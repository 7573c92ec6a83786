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
    seen = torch.cat([steps(step)[0] for step in range(3 * cases)])  # `batch` epochs and more
    for epoch in range(batch):
        assert Counter(seen[epoch * cases : (epoch + 1) * cases].tolist()) == Counter(range(cases))
    if cases > 3:
        assert not torch.equal(seen[:cases], seen[cases : 2 * cases])


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


@pytest.mark.parametrize("parts", [1, 2, 3, 5])
def test_the_parts_of_a_batch_are_the_batch(parts: int) -> None:
    whole, split = plan(batch=7), plan(batch=7, parts=parts)
    for step in (0, 4):
        expected, got = whole(step), [split(step, part) for part in range(parts)]
        assert torch.equal(torch.cat([indices for indices, _ in got]), expected[0])
        for field in fields(expected[1]):
            values = [getattr(drawn, field.name) for _, drawn in got]
            assert torch.equal(torch.cat(values), getattr(expected[1], field.name))
        assert {len(indices) for indices, _ in got} <= {7 // parts, -(-7 // parts)}
