"""The training loop: the stages of a method one after the other, each frozen when it is done.

Every step is seeded from (seed, stage, step) and the order of the cases from (seed, stage, epoch); with the weights,
averages and optimiser state of a checkpoint this makes a resumed training the same training, bit for bit on the CPU.
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from atfm.data.augment import Augmentation, AugmentationRange, draw
from atfm.data.batch import Batch
from atfm.data.resident import Resident
from atfm.errors import TrainingError
from atfm.methods.config import StageConfig
from atfm.methods.method import Method, Stage
from atfm.seeding import step_generator
from atfm.train.average import averaged
from atfm.train.config import Config
from atfm.train.run import Run
from atfm.train.step import Stepper
from atfm.train.validate import validate

__all__ = ["Progress", "Trainer"]

_TELL = 10  # steps between two that are logged: to ask for a loss waits for the device


@dataclass(frozen=True)
class Progress:
    """Where a training stands: told after every step.

    Args:
        stage: its name.
        step: steps made in all.
        total: steps of all stages together.
        losses: of this step; None where they were not asked for.
        images_per_second: of this stage, since it began or went on.
        skipped: steps of this stage that were left out because they were not finite, as far as is known.
        validation: scores, if this step was validated.
        saved: whether a checkpoint was written.
    """

    stage: str
    step: int
    total: int
    losses: dict[str, float] | None
    images_per_second: float
    skipped: int
    validation: dict[str, float] | None
    saved: bool


class Trainer:
    """Trains all stages of a method.

    Args:
        method: a method with fresh weights, on its device.
        config: resolved configuration.
        cases: training cases on the same device.
        validation: validation cases on the same device, None for none.
        run: where everything is written.
        publish: called with the method (averaged weights) and the state at each checkpoint, to write the weight file.
    """

    def __init__(
        self,
        method: Method,
        config: Config,
        cases: Resident,
        validation: Resident | None,
        run: Run,
        publish: Callable[[Method, dict[str, Any]], None] = lambda method, state: None,
    ) -> None:
        self.method, self.config, self.cases, self.validation = method, config, cases, validation
        self.run, self.publish = run, publish
        self.device = cases.device
        self.limits = AugmentationRange(**config.augment.model_dump())
        self.history: list[dict[str, Any]] = []
        self._skipped = 0

    @property
    def total(self) -> int:
        """Steps of all stages together."""
        return sum(plan.steps for _, plan in self._plan())

    def _plan(self) -> list[tuple[Stage, StageConfig]]:
        return [(stage, self.config.stages[stage.name]) for stage in self.method.stages()]

    def train(self, max_steps: int | None = None, tell: Callable[[Progress], None] = lambda progress: None) -> int:
        """Train until the end or until `max_steps` steps in all were made, going on from the last checkpoint.

        Returns:
            The number of steps made in all, those of earlier calls counted.
        """
        restored = self.run.restore()
        done = int(restored[1]["step"]) if restored else 0
        self.history = list(restored[1]["history"]) if restored else []
        self.run.rewind(done)
        end = self.total if max_steps is None else min(max_steps, self.total)
        if not self.total:  # every stage was taken from elsewhere: what they make together is the result
            self.publish(self.method, {"step": 0, "stage": self._plan()[-1][0].name, "total": 0, "history": []})
        first = 0
        for stage, plan in self._plan():
            last = first + plan.steps
            # A later stage's checkpoint holds this stage's final weights; one of its very end is still to be averaged.
            if done <= last:
                if done == first == end and first:
                    break
                self._stage(stage, plan, first, done, end, restored[0] if restored else None, tell)
                restored, done = None, max(done, min(end, last))
            stage.method.eval()
            stage.trained.requires_grad_(False)
            first = last
            if done < last:
                break
        return done

    def _stage(
        self,
        stage: Stage,
        plan: StageConfig,
        first: int,
        done: int,
        end: int,
        tensors: dict[str, Tensor] | None,
        tell: Callable[[Progress], None],
    ) -> None:
        method = stage.method
        if tensors:
            self.method.load_state_dict(_named(tensors, "method."))
        begun, last = max(done, first), min(end, first + plan.steps)
        stepper = Stepper(stage, plan, self.config.seed, self.device)
        average = averaged(method, plan.ema, begun - first)
        if tensors and done > first:
            average.module.load_state_dict(_named(tensors, "average."))
            stepper.restore(_named(tensors, "optimiser."))
        _set_modes(stage)
        started, saved = time.perf_counter(), begun
        for step in range(begun, last):
            losses = stepper.step(step - first, self.batches(stage.name, plan, step - first))
            average.update_parameters(method)
            ends = step + 1 == last
            saves = ends or (step + 1) % self.config.save_every == 0
            tells = saves or (step - first + 1) % _TELL == 0 or step == first
            told = self._tell(stage, stepper, losses, step + 1, saved) if tells else None
            validates = self.validation is not None and (ends or (step + 1) % self.config.validate_every == 0)
            if saves or validates:
                _check_finite(stage, average, stepper, step + 1)
            checked = self._validate(stage, cast(Method, average.module), step + 1) if validates else None
            if saves:
                self._save(stage, average, stepper, step + 1)
                saved = step + 1
            rate = (step + 1 - begun) * plan.batch / (time.perf_counter() - started)
            tell(Progress(stage.name, step + 1, self.total, told, rate, self._skipped, checked, saves))
        method.load_state_dict(average.module.state_dict())

    def _tell(
        self, stage: Stage, stepper: Stepper, losses: Mapping[str, Tensor], step: int, saved: int
    ) -> dict[str, float]:
        self._skipped = stepper.check(saved)
        told = dict(zip(losses, torch.stack([value.float() for value in losses.values()]).tolist(), strict=True))
        finite = {name: value if math.isfinite(value) else None for name, value in told.items()}
        self.run.append(
            {"step": step, "stage": stage.name, **finite} | ({"skipped": self._skipped} if self._skipped else {})
        )
        return told

    def batches(self, stage: str, plan: StageConfig, step: int) -> Callable[[int], Batch]:
        """Return what gives the images of each part of a step's batch."""
        order = self._order(stage, plan.batch, step).to(self.device)
        generator = step_generator(self.config.seed, stage, step, "augment", device=self.device)
        drawn = draw(self.limits, plan.batch, generator, self.method.window)

        def part(number: int) -> Batch:
            rows = slice(number * plan.batch // plan.parts, (number + 1) * plan.batch // plan.parts)
            return self.cases.batch(order[rows], _rows(drawn, rows), self.method.window)

        return part

    def _order(self, stage: str, count: int, step: int) -> Tensor:
        """Which cases step `step` sees: every epoch another order, and no case twice before all were seen."""
        chosen: list[Tensor] = []
        epoch, position = divmod(step * count, len(self.cases))
        while count:
            order = torch.randperm(len(self.cases), generator=step_generator(self.config.seed, stage, epoch, "order"))
            chosen.append(order[position : position + count])
            count -= len(chosen[-1])
            epoch, position = epoch + 1, 0
        return torch.cat(chosen)

    def _validate(self, stage: Stage, method: Method, step: int) -> dict[str, float]:
        scores = validate(method, cast(Resident, self.validation), self.config.validate_samples, self.config.seed)
        self.history.append({"step": step, "stage": stage.name, **scores})
        self.run.append({"step": step, "stage": stage.name, "validation": scores})
        return scores

    def _save(self, stage: Stage, average: AveragedModel, stepper: Stepper, step: int) -> None:
        """Write the checkpoint and publish the averaged weights."""
        state = {"step": step, "stage": stage.name, "total": self.total, "history": self.history}
        tensors = _prefixed("method.", self.method.state_dict())
        tensors |= _prefixed("average.", average.module.state_dict()) | _prefixed("optimiser.", stepper.tensors())
        self.run.save(tensors, state)
        self.publish(cast(Method, average.module), state)


def _check_finite(stage: Stage, average: AveragedModel, stepper: Stepper, step: int) -> None:
    """Let weights that are not finite neither be scored nor replace others.

    Raises:
        TrainingError: there are some.
    """
    for name, value in average.module.state_dict().items():
        if not bool(torch.isfinite(value).all()):
            raise TrainingError(
                f"stage {stage.name}: {name} is not finite after step {step}; the checkpoint before is kept; lower "
                f"stages.{stage.name}.lr (now {stepper.plan.lr:g})"
            )


def _set_modes(stage: Stage) -> None:
    """What is trained is in training mode, all else of the method is as when sampling."""
    stage.method.eval()
    stage.trained.train()


def _rows(drawn: Augmentation, rows: slice) -> Augmentation:
    parts: dict[str, Any] = {name: None if value is None else value[rows] for name, value in vars(drawn).items()}
    return Augmentation(**parts)


def _named(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _prefixed(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {prefix + name: value for name, value in tensors.items()}
