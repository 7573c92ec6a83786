import pytest
import torch

from atfm.bench.multiplied import multiplied, sampler, shorter
from atfm.compare.cost import MOST, cost_of, seconds_of, views_of
from atfm.methods.method import Frame, Method
from atfm.models import load
from atfm.train.presets import presets


def test_views_are_those_of_the_steps_that_were_made(published) -> None:
    # the preset `phantom`: 400 steps of 16, 700 of 16, 300 of 16
    assert views_of(load(published("short", step=100)).card) == (100 * 16, "")
    assert views_of(load(published("whole", step=1400)).card) == (1400 * 16, "")
    assert views_of({"config": {}}) == (None, "the card does not say")


def test_of_weights_that_began_from_others_it_is_said(published) -> None:
    card = load(published("short", step=100)).card
    assert "without those of lidc" in views_of(card | {"taken": {"gtr": {"name": "lidc"}}})[1]
    assert "without those of lidc" in views_of(card | {"from": {"name": "lidc", "sha256": "0"}})[1]


def test_cost_counts_what_was_trained(published) -> None:
    model = load(published("short", step=100))
    cost = cost_of(model, 10, (0.5, True))
    assert cost.parameters == sum(parameter.numel() for parameter in model.method.parameters())
    assert (cost.steps, cost.seconds, cost.multiplied) == (1, 0.5, True) and cost.gflop > 0


class Slow(Method):
    """Says how long it took."""

    steps = 10

    def __init__(self) -> None:
        super().__init__(Frame(1, 1, (4, 4)))
        self.weight = torch.nn.Parameter(torch.zeros(1))


def test_a_time_is_multiplied_by_samples_and_steps() -> None:
    # once 1 s, a sample .1 s and .2 s for every step: 1 sample in 1 step 1.3 s, 2 in 1 1.6 s, 2 in 2 2.0 s
    method = Slow()
    assert list(shorter(method, 100, 2)) == [(1, 1), (2, 1), (2, 2)]
    assert multiplied(method, 100, 2, [1.3, 1.6, 2.0]) == pytest.approx(1 + 100 * (0.1 + 10 * 0.2))
    assert list(shorter(method, 100, 0)) == [(100, 10)] and multiplied(method, 100, 0, [7.0]) == 7.0


def test_what_takes_long_is_multiplied_and_the_rest_measured_in_full(published, monkeypatch) -> None:
    quick = load(published("short", step=100)).method
    assert sampler(quick, 3)().masks.shape[1] == 3
    monkeypatch.setattr("atfm.compare.cost.multiplied", lambda method, *rest: MOST + 1 if method.steps == 7 else 1.0)
    told: list[str] = []
    found = seconds_of(
        {"quick": quick, "slow": quick.with_steps(7)}, 4, torch.device("cpu"), repeats=1, tell=told.append
    )
    assert found["slow"] == (MOST + 1, True) and not found["quick"][1] and found["quick"][0] < MOST
    assert len(told) == 1 and told[0].startswith("slow: 4 samples take about 11 s")


def test_views_of_a_stage_that_came_to_its_end_early_are_those_that_were_made() -> None:
    config = presets()["phantom"]
    batches = [plan.batch for plan in config.stages.values()]
    training = {"step": 100 + 700 + 50, "ended": {"gtr": 100}}
    card = {
        "config": config.model_dump(mode="json"),
        "in_channels": 1,
        "channels": 1,
        "size": [32, 32],
        "training": training,
    }
    assert views_of(card)[0] == 100 * batches[0] + 700 * batches[1] + 50 * batches[2]
