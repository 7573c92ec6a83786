"""`Pace`: how long a step of each stage and a validation take here, and how many of them fit into a time."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from atfm.data.augment import AugmentationRange
from atfm.data.batch import Batch
from atfm.data.dataset import CaseDataset
from atfm.data.plan import Plan
from atfm.errors import ConfigError
from atfm.methods.config import StageConfig
from atfm.methods.method import Method
from atfm.plan.rules import ENOUGH
from atfm.seeding import Noise
from atfm.train.clock import Watch, now, step_seconds
from atfm.train.config import Config
from atfm.train.temperature import TRIALS

__all__ = ["Pace", "afforded", "check_minutes", "filled", "measured"]

_VALIDATING = 0.15  # of the time, at most
_OFTEN = 5  # validations of a stage, at most
_SAVING = 0.02  # of the time, for checkpoints
_AVERAGED = 0.05  # of a stage's steps, over which its weights are averaged


@dataclass(frozen=True)
class Pace:
    """Seconds on the machine at hand.

    Args:
        steps: of one step of each stage, by its name.
        cases: of the validation of one case, after each stage.
        spent: of measuring.
    """

    steps: Mapping[str, float]
    cases: Mapping[str, float]
    spent: float

    def shared(self, processes: int) -> "Pace":
        """The pace of so many processes, as one measured it."""
        steps = {name: seconds / processes for name, seconds in self.steps.items()}
        return Pace(steps, {name: seconds / processes for name, seconds in self.cases.items()}, self.spent)


def measured(config: Config, method: Method, train: CaseDataset, *, minutes: float, watch: Watch = "wall") -> Pace:
    """Measure steps and validations of a configuration, for a fiftieth of the time that it will have.

    Args:
        config: a stage of 0 steps stays out.
        method: of this configuration, with fresh weights; it stays as it is.
        train: the cases that are trained on.
        minutes: that the training will have.
        watch: what they are measured by.
    """
    began = now(watch)
    limits = AugmentationRange(**config.augment.model_dump())

    def batches(stage: str, plan: StageConfig, first: int, end: int) -> Iterator[Batch]:
        seen = Plan(config.seed, stage, len(train), plan.batch, limits, method.window, parts=plan.parts)
        return train.batches(seen, ((step, part) for step in range(first, end) for part in range(plan.parts)))

    least = min(2.0, 60 * minutes / 50 / len(config.stages))
    steps = {
        name: step_seconds(config, method, name, batches, train.device, steps=1, watch=watch, least=least, warm=1)
        for name, plan in config.stages.items()
        if plan.steps
    }
    drawn = {stage.name: stage.method for stage in method.stages() if stage.name in steps}
    image = train.image(0).unsqueeze(0)
    cases = {name: _sampling_seconds(one, image, config.validate_samples, watch) for name, one in drawn.items()}
    return Pace(steps, cases, now(watch) - began)


@torch.no_grad()
def _sampling_seconds(method: Method, image: Tensor, samples: int, watch: Watch) -> float:
    """The seconds of so many masks of an image; the second time counts, since the first one warms up."""
    method.eval()
    for _ in range(2):
        before = now(watch)
        method.sample(image, samples, noise=Noise(0, ["pace"]))
    return now(watch) - before


def afforded(shares: Mapping[str, float], pace: Pace, *, minutes: float) -> dict[str, float]:
    """Return the shares of the time with nothing for what follows GTR, where GTR would be too little trained for it.

    Args:
        shares: of the time, by stage, of a method that has GTR; they sum to 1.
        pace: on this machine.
        minutes: for everything.
    """
    steps = shares["gtr"] * 60 * minutes / pace.steps["gtr"]
    names = list(shares)
    later = {name: share for name, share in shares.items() if names.index(name) > names.index("gtr")}
    if steps >= ENOUGH:
        return dict(shares)
    return {**shares, "gtr": shares["gtr"] + sum(later.values()), **dict.fromkeys(later, 0.0)}


def filled(config: Config, shares: Mapping[str, float], pace: Pace, *, minutes: float, validation: int) -> Config:
    """Return a configuration whose stages, validations and checkpoints take these minutes together.

    Args:
        config: its stages' steps, warm-up and averaging are replaced, and how often is validated and saved.
        shares: of the time, by stage; they sum to 1.
        pace: of this configuration on this machine.
        minutes: for everything.
        validation: cases of the split.

    Raises:
        ConfigError: a time that is not positive, or too short for a step of each stage.
    """
    check_minutes(minutes)
    whole = max(0.0, 60 * minutes - pace.spent) * (1 - _SAVING)
    staged = [name for name, share in shares.items() if share]
    each, end = sum(pace.cases[name] for name in staged), _at_the_end(config, staged, pace)
    often, cases = _validations(each, end, min(validation, config.validate_cases), whole)
    training = whole - cases * (often * each + end)
    steps = {name: int(share * training / pace.steps[name]) for name, share in shares.items() if share}
    for name, count in steps.items():
        if count < 1:
            least = max(pace.steps[other] / share for other, share in shares.items() if share) + pace.spent
            raise ConfigError(
                f"--minutes {minutes:g}: too short for stage {name}, of which a step takes {pace.steps[name]:.2g} s; "
                f"give at least {1.2 * least / 60:.2g}"
            )
    stages = {name: config.stages[name].model_copy(update=paced(count)) for name, count in steps.items()}
    each = math.ceil(max(steps.values()) / often)
    return config.model_copy(
        update={
            "stages": config.stages | stages,
            "validate_cases": max(1, cases),
            "validate_every": each,
            "save_every": max(50, math.ceil(sum(steps.values()) / 20)),
        }
    )


def _at_the_end(config: Config, stages: Sequence[str], pace: Pace) -> float:
    """Seconds for one case that is validated when all is trained."""
    return TRIALS * pace.cases[stages[-1]] if config.calibrate else 0.0


def _validations(each: float, end: float, cases: int, whole: float) -> tuple[int, int]:
    """How often every stage is validated and on how many cases, so that it all takes no more than its share.

    Args:
        each: seconds for one case that every stage validates once.
        end: for one at the very end.
        cases: that there are.
        whole: seconds of all.
    """
    if not cases:
        return 1, 0
    most = _VALIDATING * whole
    if cases * (each + end) > most:  # not even once a stage: fewer cases
        cases = max(1, int(most / max(1e-9, each + end)))
    return max(1, min(_OFTEN, int((most / cases - end) / max(1e-9, each)))), cases


def check_minutes(minutes: float) -> None:
    """Refuse a time that is none.

    Raises:
        ConfigError: it is not above 0.
    """
    if not 0 < minutes < float("inf"):
        raise ConfigError(f"--minutes: expected a time above 0, got {minutes:g}")


def paced(steps: int) -> dict[str, Any]:
    """The fields of a stage that go with its number of steps."""
    ema = 1 - 1 / max(2.0, _AVERAGED * steps)
    return {"steps": steps, "warmup": min(200, round(0.05 * steps)), "ema": round(min(0.999, ema), 4)}
