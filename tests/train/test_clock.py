"""`--minutes`, on a clock that is set by hand; the plan of a run is tested in test_loop.py."""

from collections.abc import Callable

import pytest
import torch

from atfm.data.held import Held
from atfm.data.phantom.kinds import phantom_cases
from atfm.methods import StageConfig
from atfm.methods.gtr import GTRConfig
from atfm.train.clock import now, sized, step_seconds
from atfm.train.config import Config
from atfm.train.loop import Trainer
from atfm.train.run import Run
from atfm.train.step import Stepper

CPU = torch.device("cpu")
CONFIG = Config(
    method=GTRConfig(widths=(4, 4), rank=2, monte_carlo=2),
    stages={"gtr": StageConfig(steps=100, batch=2, warmup=10, ema=0.5)},
)


@pytest.fixture
def trainer(tmp_path) -> Trainer:
    cases = Held(list(phantom_cases(0, 4, size=16)), 1)
    method = CONFIG.build(in_channels=1, channels=1, size=(16, 16))
    return Trainer(method, CONFIG, cases, None, Run(tmp_path / "run", {}))


@pytest.fixture
def ticking(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Let a step take so many seconds."""

    def set_step(seconds: float) -> None:
        now = [0.0]
        monkeypatch.setattr("atfm.train.clock.time.perf_counter", lambda: now[0])

        def step(self, number, batches):
            now[0] += seconds * (50 if number < 3 else 1)  # the first ones find memory and choose kernels
            return {}

        monkeypatch.setattr("atfm.train.step.Stepper.step", step)

    return set_step


def test_a_step_is_timed_after_the_first_ones(trainer: Trainer, ticking: Callable[[float], None]) -> None:
    ticking(0.25)
    assert step_seconds(CONFIG, trainer.method, "gtr", trainer.batches, CPU) == pytest.approx(0.25)


def test_a_step_may_be_timed_in_a_short_time(trainer: Trainer, ticking: Callable[[float], None], monkeypatch) -> None:
    ticking(0.25)
    made: list[int] = []
    own = Stepper.step
    monkeypatch.setattr(
        Stepper, "step", lambda self, number, batches: made.append(number) or own(self, number, batches)
    )
    step_seconds(CONFIG, trainer.method, "gtr", trainer.batches, CPU, steps=1, least=0.5, warm=1)
    assert len(made) == 2  # one that does not count, and one that took half a second at least


def test_steps_and_warm_up_fill_the_minutes(trainer: Trainer, ticking: Callable[[float], None]) -> None:
    ticking(0.5)
    plan = sized(CONFIG, trainer.method, trainer.batches, minutes=2.0, device=CPU).stages["gtr"]
    assert (plan.steps, plan.warmup) == (228, 23)  # 95 % of two minutes


def test_measuring_leaves_the_method_as_it_was(trainer: Trainer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("atfm.train.clock._LEAST", 0.0)
    before = {name: value.clone() for name, value in trainer.method.state_dict().items()}
    assert step_seconds(CONFIG, trainer.method, "gtr", trainer.batches, CPU, steps=1) > 0
    assert all(torch.equal(value, before[name]) for name, value in trainer.method.state_dict().items())


def test_the_time_of_the_processor_leaves_out_what_others_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("atfm.train.clock.time.perf_counter", lambda: 100.0)
    monkeypatch.setattr("atfm.train.clock.time.process_time", lambda: 12.0)
    monkeypatch.setattr("atfm.train.clock.torch.get_num_threads", lambda: 3)
    assert (now("wall"), now("cpu")) == (100.0, 4.0)


def test_minutes_can_be_those_of_the_processor(trainer: Trainer, monkeypatch: pytest.MonkeyPatch) -> None:
    spent = [0.0]
    monkeypatch.setattr("atfm.train.clock.time.process_time", lambda: spent[0])

    def step(self, number, batches):
        spent[0] += 0.5 * torch.get_num_threads()
        return {}

    monkeypatch.setattr("atfm.train.step.Stepper.step", step)
    plan = sized(CONFIG, trainer.method, trainer.batches, minutes=2.0, device=CPU, watch="cpu").stages["gtr"]
    assert plan.steps == 228
