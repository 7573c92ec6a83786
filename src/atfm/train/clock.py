"""`--minutes`: as many steps of each stage as fit into a time, measured on the machine at hand."""

import copy
import time
from collections.abc import Callable, Iterator
from typing import Literal

import torch

from atfm.data.batch import Batch
from atfm.errors import ConfigError
from atfm.methods.config import StageConfig
from atfm.methods.method import Method
from atfm.train.average import averaged
from atfm.train.config import Config
from atfm.train.processes import Processes
from atfm.train.step import Stepper

__all__ = ["Watch", "now", "sized", "step_seconds"]

Watch = Literal["wall", "cpu"]

_NEVER = 10**9  # steps, more than the clock lets happen
_WARM, _TIMED = 3, 8  # steps before the clock runs, and at least under it
_LEAST = 2.0  # seconds under the clock, so that a machine's other work evens out
_VALIDATING = 0.2  # of the time at most goes into validations that choose weights
_SHARE = 0.95  # of the time for steps; the rest is for checkpoints and validations


def now(watch: Watch) -> float:
    """Return seconds from some moment on: as they pass, or as this process computes with all of its threads.

    The second gives methods the same time to compute on a machine that is busy with other work meanwhile: the time that
    the process had on the cores, by its number of threads. It knows nothing of a GPU, or of processes that read cases.
    """
    return time.process_time() / torch.get_num_threads() if watch == "cpu" else time.perf_counter()


def sized(config: Config, method: Method, batches: Callable[[str, StageConfig, int, int], Iterator[Batch]], *,
          minutes: float, device: torch.device, processes: Processes | None = None,
          watch: Watch = "wall", validate: Callable[[Method], object] | None = None) -> Config:  # fmt: skip
    """Return `config` with the steps and warm-ups of all stages scaled so that they take `minutes` together.

    The stages keep their steps' ratio. Each is timed on a copy of the method, which itself stays as it is. Where
    validations choose weights they come as often in a stage as in `config`, their time is part of the minutes, and they
    are made fewer where they would take more than a fifth of these.

    Args:
        config: resolved; a stage of 0 steps stays out.
        method: with fresh weights, on its device.
        batches: `(stage, plan, first, end)` to the parts of these steps' batches, see `Trainer`.
        minutes: for the steps of all stages together.
        device: where.
        processes: those that share the parts of a step; they measure together, by the main one's clock.
        watch: what `minutes` are measured by, see `now`.
        validate: validates the method of a stage; None: no validation chooses weights.

    Raises:
        ConfigError: a time that is not positive, or too short for a single step of each stage.
    """
    if not 0 < minutes < float("inf"):
        raise ConfigError(f"--minutes: expected a time above 0, got {minutes:g}")
    plans = {name: plan for name, plan in config.stages.items() if plan.steps}
    seconds = {name: step_seconds(config, method, name, batches, device, processes, watch=watch) for name in plans}
    whole = sum(plan.steps * seconds[name] for name, plan in plans.items())
    budget, rarer = _SHARE * 60 * minutes, 1.0
    if validate is not None:
        times, rarer = _validations(config, method, validate, budget, processes or Processes(), watch)
        budget -= times
    factor = budget / whole
    resized = {name: _scaled(plan, factor) for name, plan in plans.items()}
    for name, plan in resized.items():
        if not plan.steps:
            raise ConfigError(
                f"--minutes {minutes:g}: too short for stage {name}, of which a step takes {seconds[name]:.2g} s; give "
                f"at least {whole / 60 / min(p.steps for p in plans.values()):.2g}"
            )
    every = config.validate_every if validate is None else max(1, round(config.validate_every * rarer * factor))
    return config.model_copy(update={"stages": config.stages | resized, "validate_every": every})


def _validations(
    config: Config,
    method: Method,
    validate: Callable[[Method], object],
    budget: float,
    processes: Processes,
    watch: Watch,
) -> tuple[float, float]:
    """The seconds of all validations, and how many times rarer than in `config` they are, so that they stay few."""
    once, all_of_them = 0.0, 0.0
    for stage in copy.deepcopy(method).stages():
        plan = config.stages[stage.name]
        if plan.steps:
            started = now(watch)
            validate(stage.method)
            took = float(processes.from_main(now(watch) - started))
            once, all_of_them = once + took, all_of_them + took * max(1, plan.steps / config.validate_every)
    most = max(_VALIDATING * budget, once)
    if once > budget / 2:
        raise ConfigError(
            f"--minutes: too short, a validation at the end of each stage alone takes {once:.2g} s; give at least "
            f"{4 * once / 60:.2g}, or fewer validate_cases or validate_samples"
        )
    return min(all_of_them, most), max(1.0, all_of_them / most)


def step_seconds(
    config: Config,
    method: Method,
    name: str,
    batches: Callable[[str, StageConfig, int, int], Iterator[Batch]],
    device: torch.device,
    processes: Processes | None = None,
    *,
    steps: int = _TIMED,
    watch: Watch = "wall",
    least: float | None = None,
    warm: int = _WARM,
) -> float:
    """Measure a whole step of a stage: images, loss, gradient, optimiser and average.

    It is made `steps` times at least, and for `least` seconds (None: two), after the first `warm` that do not count.
    """
    enough = _LEAST if least is None else least
    copied = copy.deepcopy(method)
    stage = next(stage for stage in copied.stages() if stage.name == name)
    plan = config.stages[name]
    together = processes or Processes()
    stepper, average = Stepper(stage, plan, config.seed, device, together), averaged(stage.method, plan.ema)
    parts = batches(name, plan, 0, _NEVER)

    def spent_on(first: int, count: int) -> float:
        started = now(watch)
        for step in range(first, first + count):
            stepper.step(step, parts)
            average.update_parameters(stage.method)
        stepper.check("nothing was trained yet")  # waits for the device
        return float(together.from_main(now(watch) - started))

    spent_on(0, warm)
    spent, made = 0.0, 0
    while spent < enough or made < steps:
        spent, made = spent + spent_on(warm + made, steps), made + steps
    return spent / made


def _scaled(plan: StageConfig, factor: float) -> StageConfig:
    return plan.model_copy(update={name: round(getattr(plan, name) * factor) for name in ("steps", "warmup")})
