import json

import pytest
import torch
from torch import nn

from atfm.errors import InputError, StoreError
from atfm.evaluate.parts import Parts
from atfm.evaluate.plan import prepare
from atfm.evaluate.score import conclude, join, score_part


def test_batches_are_the_chosen_cases_in_order(store, discs, model) -> None:
    plan = prepare(model(discs), store, limit=7, batch=3)
    assert [len(batch) for batch in plan.batches] == [3, 3, 1]
    assert [number for batch in plan.batches for number in batch] == list(plan.chosen) == sorted(plan.chosen)


def test_cases_of_one_batch_have_one_shape(store, discs, model, monkeypatch) -> None:
    monkeypatch.setattr(type(store), "shape", lambda self, number: (24, 24 + number // 8))
    monkeypatch.setattr(discs, "accepts", lambda shape: True)
    plan = prepare(model(discs), store, batch=4)
    assert all(len({number // 8 for number in batch}) == 1 for batch in plan.batches)
    assert [number for batch in plan.batches for number in batch] == list(plan.chosen)


def test_what_is_the_same_evaluation(store, discs, nothing, model) -> None:
    options = {"samples": 4, "limit": 5}
    own = prepare(model(discs), store, **options).identity()
    assert json.loads(json.dumps(own)) == own
    assert prepare(model(discs, "elsewhere"), store, device="meta", **options).identity() == own
    others = [{"samples": 8}, {"seed": 1}, {"limit": 4}, {"batch": 2}, {"references": False}, {"split": "train"}]
    others.append({"beside": [model(nothing, "nothing")]})
    for other in others:
        assert prepare(model(discs), store, **(options | other)).identity() != own, other


def test_other_weights_are_another_evaluation(store, discs, model) -> None:
    class Weighed(type(discs)):
        def __init__(self, value: float) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.tensor(value))
            self.register_buffer("count", torch.tensor(3))

    one, same, other = (prepare(model(Weighed(value)), store).identity() for value in (1.0, 1.0, 1.0000001))
    assert one == same and one != other
    integrated = Weighed(1.0)
    integrated.steps = 4
    assert prepare(model(integrated), store).identity() != one


def test_no_case_at_a_time_is_refused(store, discs, model) -> None:
    with pytest.raises(InputError, match="batch: expected at least 1 case at a time, got 0"):
        prepare(model(discs), store, batch=0)


def test_a_case_that_nobody_scored_is_missed_by_name(store, discs, model, tmp_path) -> None:
    plan = prepare(model(discs), store, samples=2, limit=5, batch=2)
    parts = Parts(tmp_path / "parts", plan.identity())
    assert score_part(plan, parts, plan.batches[:2], "1") == 4
    last = store.ids()[plan.chosen[-1]][0]
    with pytest.raises(StoreError, match=f"1 of 5 cases were not scored, such as {last}; .*same command again"):
        join(plan, parts)
    assert len(parts.read()) == 4, "what is there stays"
    told = []
    assert score_part(plan, parts, plan.batches, "2", progress=lambda *step: told.append(step)) == 5
    assert told == [(4, 5), (5, 5)] and join(plan, parts).cases == 5


def test_a_batch_is_drawn_whole_for_a_case_that_is_missing(store, discs, model, tmp_path) -> None:
    """Drawn alone a case may differ in a last bit from what it is among others: what is drawn again is the same."""
    sizes = []

    class Watched(type(discs)):
        def sample(self, image, n, *, noise, first=0):
            sizes.append(len(image))
            return super().sample(image, n, noise=noise, first=first)

    plan = prepare(model(Watched()), store, samples=2, limit=4, batch=4)
    parts = Parts(tmp_path / "parts", plan.identity())
    score_part(plan, parts, plan.batches, "1")
    file = tmp_path / "parts" / "1.jsonl"
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:-1]))
    score_part(plan, parts, plan.batches, "1")
    assert sizes == [4, 4] and sorted(parts.read()) == list(plan.chosen)
    assert conclude(plan, parts.read()).cases == 4
