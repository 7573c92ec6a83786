"""A plan with another method in it: what the images are brought to stays, and the steps take the same time."""

from collections.abc import Callable

import pytest
import torch

from atfm.data.store import Store
from atfm.errors import ConfigError
from atfm.methods.ssn import SSNConfig
from atfm.plan import Planned, begun_from, with_method
from atfm.plan.pace import Pace
from atfm.train.config import override
from atfm.train.presets import presets

CPU = torch.device("cpu")


@pytest.fixture
def paced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every step take a hundredth of a second, and a validation no time."""

    def measured(config: object, *rest: object, **more: object) -> Pace:
        names = [name for name, plan in config.stages.items() if plan.steps]  # type: ignore[attr-defined]
        return Pace(dict.fromkeys(names, 0.01), dict.fromkeys(names, 0.0), 0.0)

    monkeypatch.setattr("atfm.plan.swapped.measured", measured)


def test_steps_fill_the_shares_of_the_time(stores: Callable[..., Store], paced: None) -> None:
    config = override(presets()["phantom"], {"augment": {"warp": 0.7}})
    shares = {"gtr": 0.75, "sfm": 0.25, "energy": 0.0}
    found = with_method(config, stores(), shares, minutes=1.0, watch="wall", device=CPU)
    steps = {name: plan.steps for name, plan in found.stages.items()}
    assert steps["gtr"] == pytest.approx(0.75 * 60 / 0.01, rel=0.05) and steps["energy"] == 0
    assert steps["gtr"] == pytest.approx(3 * steps["sfm"], rel=0.01) and found.augment == config.augment


def test_a_plan_takes_over_the_networks_that_it_begins_from(stores, facts, paced: None) -> None:
    config = presets()["phantom"].model_copy(update={"preset": "own"})
    planned = Planned(config, [], [], facts(channels=1, patients=200))
    other = presets()["phantom-presence"].method
    found = begun_from(planned, other, "run", stores(), minutes=1.0, watch="wall", device=CPU)
    assert found.config.method == other and [*found.config.stages] == ["presence", "gtr", "sfm", "energy"]
    assert all(plan.steps for plan in found.config.stages.values())
    assert found.config.augment == config.augment and found.config.seed == config.seed
    assert [(reason.field, reason.rule) for reason in found.reasons] == [("method", "from"), ("steps", "steps")]
    assert "those of run" in found.reasons[0].why
    few = begun_from(Planned(config, [], [], facts()), other, "run", stores(), minutes=1.0, watch="wall", device=CPU)
    assert few.config.stages["energy"].steps == 0  # as for any plan of so few patients


def test_a_method_with_stages_of_its_own_shares_the_time_alike(stores, facts, paced: None) -> None:
    planned = Planned(presets()["phantom"], [], [], facts())
    found = begun_from(planned, SSNConfig(widths=(8, 8)), "ssn", stores(), minutes=1.0, watch="wall", device=CPU)
    assert [*found.config.stages] == ["ssn"] and found.config.stages["ssn"].steps > 1000


def test_networks_that_do_not_fit_the_images_are_told(stores, facts, paced: None) -> None:
    planned = Planned(presets()["phantom"].model_copy(update={"images": (1, 30, 30)}), [], [], facts())
    odd = presets()["phantom"].method.model_copy(
        update={"gtr": presets()["phantom"].method.gtr.model_copy(update={"patch": 4})}
    )
    with pytest.raises(ConfigError, match="--from: the model's networks do not fit the images as they are planned"):
        begun_from(planned, odd, "run", stores(), minutes=1.0, watch="wall", device=CPU)
