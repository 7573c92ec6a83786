"""Steps, validations and checkpoints fill the minutes, on numbers that are given and on a clock that is real."""

import pytest
import torch

from atfm.data.held import Held
from atfm.data.phantom.kinds import phantom_cases
from atfm.errors import ConfigError
from atfm.methods import StageConfig
from atfm.methods.gtr import GTRConfig, PresenceConfig
from atfm.plan.pace import Pace, afforded, filled, measured
from atfm.plan.rules import ENOUGH
from atfm.train.config import Config
from atfm.train.temperature import TRIALS

CONFIG = Config(
    method=GTRConfig(widths=(4, 4), rank=2, monte_carlo=2, presence=PresenceConfig(widths=(4, 4))),
    stages={"presence": StageConfig(batch=2), "gtr": StageConfig(batch=2)},
    validate_samples=2,
)
SHARES = {"presence": 0.25, "gtr": 0.75}
CASE = 0.05
PACE = Pace({"presence": 0.1, "gtr": 0.2}, {"presence": CASE, "gtr": CASE}, spent=3.0)


@pytest.mark.parametrize(("minutes", "cases"), [(1.0, 10), (10.0, 40), (10.0, 0), (0.3, 100)])
@pytest.mark.parametrize("calibrate", [False, True])
def test_all_of_it_takes_the_minutes(minutes: float, cases: int, calibrate: bool) -> None:
    chosen = CONFIG.model_copy(update={"calibrate": calibrate})
    config = filled(chosen, SHARES, PACE, minutes=minutes, validation=cases)
    steps = {name: plan.steps for name, plan in config.stages.items()}
    training = sum(steps[name] * PACE.steps[name] for name in steps)
    often = sum(-(-count // config.validate_every) for count in steps.values()) if cases else 0
    often += TRIALS if calibrate and cases else 0
    validating = often * CASE * min(config.validate_cases, cases)
    assert 0.8 * 60 * minutes < training + validating + PACE.spent < 60 * minutes
    assert validating <= 0.16 * 60 * minutes + CASE * len(SHARES)
    assert steps["gtr"] * PACE.steps["gtr"] == pytest.approx(3 * steps["presence"] * PACE.steps["presence"], abs=0.7)


def test_averaging_and_warm_up_go_with_the_steps() -> None:
    short, long = (filled(CONFIG, SHARES, PACE, minutes=m, validation=0).stages["gtr"] for m in (0.5, 100.0))
    assert short.ema == pytest.approx(1 - 1 / (0.05 * short.steps), abs=1e-4)
    assert (long.ema, long.warmup) == (0.999, 200) and short.warmup == round(0.05 * short.steps)


def test_a_stage_without_a_share_keeps_no_step() -> None:
    off = CONFIG.model_copy(update={"stages": {**CONFIG.stages, "presence": StageConfig(steps=0)}})
    config = filled(off, {"presence": 0.0, "gtr": 1.0}, PACE, minutes=1.0, validation=4)
    assert config.stages["presence"].steps == 0 < config.stages["gtr"].steps


def test_no_time_is_taken_from_a_gtr_that_has_too_little() -> None:
    """The flow comes in where GTR makes enough steps in its own share, and presence keeps what it has."""
    shares = {"presence": 0.2, "gtr": 0.4, "sfm": 0.1, "energy": 0.3}
    enough = ENOUGH * PACE.steps["gtr"] / 0.4 / 60
    assert afforded(shares, PACE, minutes=1.01 * enough) == shares
    short = afforded(shares, PACE, minutes=0.99 * enough)
    assert short == {"presence": 0.2, "gtr": pytest.approx(0.8), "sfm": 0.0, "energy": 0.0}


@pytest.mark.parametrize("minutes", [0.0, -1.0, float("inf"), float("nan")])
def test_a_time_has_to_be_one(minutes: float) -> None:
    with pytest.raises(ConfigError, match="--minutes: expected a time above 0"):
        filled(CONFIG, SHARES, PACE, minutes=minutes, validation=0)


def test_too_short_a_time_names_one_that_is_not() -> None:
    with pytest.raises(ConfigError, match="too short for stage presence") as error:
        filled(CONFIG, SHARES, PACE, minutes=0.05, validation=0)
    enough = float(str(error.value).rsplit(" ", 1)[1])
    assert all(plan.steps for plan in filled(CONFIG, SHARES, PACE, minutes=enough, validation=0).stages.values())


def test_a_pace_is_measured_and_the_method_stays() -> None:
    cases = Held(list(phantom_cases(0, 4, size=16)), 1)
    method = CONFIG.build(in_channels=1, channels=1, size=(16, 16))
    before = {name: value.clone() for name, value in method.state_dict().items()}
    pace = measured(CONFIG, method, cases, minutes=0.001)
    assert set(pace.steps) == {"presence", "gtr"} and all(0 < seconds < 1 for seconds in pace.steps.values())
    assert pace.cases.keys() == pace.steps.keys() and all(pace.spent > seconds > 0 for seconds in pace.cases.values())
    assert all(torch.equal(before[name], value) for name, value in method.state_dict().items())
