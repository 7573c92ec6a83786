"""The training loop: the stages of a method one after the other, each frozen when it is done.

Every step is seeded from (seed, stage, step) and the order of the cases from (seed, stage, epoch); with the weights,
averages and optimiser state of a checkpoint this makes a resumed training the same training, bit for bit on the CPU.
Several processes share the parts of each step and the cases of a validation, and the main one writes; they train the
same, within rounding, as one, and any number of them goes on where another stopped.
"""

import math
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, cast

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from atfm.data.augment import AugmentationRange
from atfm.data.batch import Batch
from atfm.data.dataset import CaseDataset
from atfm.data.plan import Plan
from atfm.errors import InputError, TrainingError
from atfm.methods.config import StageConfig
from atfm.methods.method import Method, Stage
from atfm.train.average import averaged
from atfm.train.checkpoint import named, prefixed
from atfm.train.config import Config
from atfm.train.course import Course
from atfm.train.frozen import Frozen
from atfm.train.judge import Judge
from atfm.train.processes import Processes
from atfm.train.progress import Pace, Progress
from atfm.train.resume import average_of, fitting, stage_of
from atfm.train.run import Run
from atfm.train.state import State
from atfm.train.step import Stepper

__all__ = ["Trainer"]

_TELL = 10  # steps between two that are logged: to ask for a loss waits for the device


class Trainer:
    """Trains all stages of a method, in one process or in several of which each has one.

    Args:
        method: a method with fresh weights, on its device.
        config: resolved configuration.
        cases: training cases on the same device.
        validation: validation cases on the same device, None for none.
        run: where everything is written.
        publish: called with the method (averaged weights) and the state at each checkpoint, to write the weight file.
        processes: those that train together; the main one alone writes.
        patients: whose each validation case is; none: each is somebody else's.
        taken: names of the weights that came from another model.
        say: is told which stages end early and which are kept.
    """

    def __init__(
        self,
        method: Method,
        config: Config,
        cases: CaseDataset,
        validation: CaseDataset | None,
        run: Run,
        publish: Callable[[Method, dict[str, Any]], object] = lambda method, state: None,
        processes: Processes | None = None,
        patients: Sequence[str] = (),
        taken: Collection[str] = (),
        say: Callable[[str], object] = lambda note: None,
    ) -> None:
        self.method, self.config, self.cases, self.validation = method, config, cases, validation
        self.run, self.publish, self.processes = run, publish, processes or Processes()
        self.taken = taken
        self.judge = Judge(method, config, validation, patients, self.processes, say)
        # Sees that the weight file is what a checkpoint that is gone on from says, and writes it again if it is not.
        self.ensure: Callable[[Method, dict[str, Any]], object] = lambda method, state: None
        self.device = cases.device
        self.limits = AugmentationRange(**config.augment.model_dump())
        self.trained_by: list[dict[str, int]] = []
        self.skipped = 0
        self._saved, self._end, self._of = 0, 0, ""

    @property
    def course(self) -> Course:
        """The steps of the stages; one that was ended early has those that were made."""
        stages = [stage.name for stage in self.method.stages()]
        return Course(stages, self.config.stages, self.judge.choice.ended)

    @property
    def total(self) -> int:
        """Steps of all stages together."""
        return self.course.total

    @property
    def published(self) -> str:
        """The stage that the published weights are of."""
        return self.judge.chosen or self._of

    def train(self, max_steps: int | None = None, tell: Callable[[Progress], None] = lambda progress: None) -> int:
        """Train until the end or until `max_steps` steps in all were made, going on from the last checkpoint.

        All processes return together, with everything written.

        Returns:
            The number of steps made in all, those of earlier calls counted.

        Raises:
            TrainingError: weights, or ten steps in a row, that are not finite.
            ProcessError: another process has ended.
        """
        restored = self.run.checkpoints.restore()
        done = self._go_on(restored)
        end = self._end = self.total if max_steps is None else min(max_steps, self.total)
        if not self.total and self.processes.main:  # every stage was taken from elsewhere: together they are the result
            self.ensure(self.method, self._state(0, self.course.after(0)))
        if restored is None:
            with self._validating("the weights that were taken", 0):
                self.judge.begin_from(self.taken)
        for stage in self.method.stages():
            _, first, last, _ = self.course.of(stage.name)
            # A later stage's checkpoint holds this stage's final weights; one of its very end is still to be averaged.
            if done <= last:
                if done == first == end and first:
                    break
                self._stage(stage, first, done, end, restored[0] if restored else None, tell)
                last = self.course.of(stage.name).last  # fewer where it came to its end early
                restored, done = None, max(done, min(end, last))
            stage.method.eval()
            stage.trained.requires_grad_(False)
            if done < last:
                break
        self.processes.barrier()
        return done

    def _go_on(self, restored: tuple[dict[str, Tensor], State] | None) -> int:
        """Take over where a checkpoint stands, see that it is published, and say in the log who goes on from there."""
        done = self._saved = 0
        if restored is not None:
            tensors, state = restored
            self.judge.go_on(state)
            stage = stage_of(state, self.method.stages(), self.course, self.run.checkpoints.file(state.step))
            done, self._of = state.step, state.stage
            self._saved = done
            self.skipped, self.trained_by = state.skipped, list(state.trained_by)
            with self._fitting(done):
                self.judge.choice.restore(state.choice, tensors)
                method, name = self.judge.result(stage, average_of(stage, tensors))
                if self.processes.main:
                    self.ensure(method, state.told() | {"stage": name})
        began = {"step": done, "processes": self.processes.world}
        if not self.trained_by or self.trained_by[-1]["processes"] != self.processes.world:
            self.trained_by.append(began)
        if self.processes.main:
            self.run.log.rewind(done)
            self.run.log.append(began | {"stage": self.course.after(done), "device": self.device.type})
        return done

    def _fitting(self, step: int) -> AbstractContextManager[None]:
        return fitting(self.run.checkpoints.file(step))

    def _stage(
        self,
        stage: Stage,
        first: int,
        done: int,
        end: int,
        tensors: dict[str, Tensor] | None,
        tell: Callable[[Progress], None],
    ) -> None:
        method, plan = stage.method, self.config.stages[stage.name]  # with all of its steps: by them goes the schedule
        begun, whole = max(done, first), self.course.of(stage.name).last
        last = min(end, whole)
        stepper, average = self._prepared(stage, plan, begun - first, tensors)
        before, read, due, pace = self.skipped, begun, False, Pace(plan.batch)
        batches = self.batches(stage.name, plan, begun - first, last - first)
        for step in range(begun, last):
            losses = stepper.step(step - first, batches)
            average.update_parameters(method)
            ends = step + 1 == last
            due = due or ends or (step + 1) % self.config.save_every == 0
            told = None
            if due or (step - first + 1) % _TELL == 0 or step == first:
                stepper.check(self._kept())
                self.skipped = before + stepper.skipped
                told = self._tell(stage, losses, step + 1)
                pace.read(step + 1 - read)
                read = step + 1
            # What made a step go wrong may be what would be saved: the checkpoint before is kept until it is over.
            saves = due and (ends or not stepper.streak)
            regular = (step + 1) % self.config.validate_every == 0 or step + 1 == whole
            validates = self.validation is not None and (ends or regular)
            if saves or validates:
                self._check_finite(stage, average, plan, step + 1)
            checked, over = None, step + 1 == whole
            if validates:
                with self._validating(f"stage {stage.name}", step + 1):
                    checked = self.judge.validate(stage, cast(Method, average.module), step + 1, self.run.log)
                # One that a stop alone brought about says nothing: who is not stopped does not hear of it.
                if regular and self.judge.ends(stage, step + 1, step + 1 - first, plan.steps) and not over:
                    ends = over = saves = True
            if over:
                self.judge.conclude(stage, cast(Method, average.module), step + 1)
            if saves:
                self._save(stage, average, stepper, step + 1)
                due = False
            if checked or saves:
                pace.set_aside()
            left = pace.seconds_for(self.course.images(step + 1, self._end))
            rate = pace.images_per_second
            tell(Progress(stage.name, step + 1, self.total, told, rate, left, self.skipped, checked, saves))
            if over:
                break
        method.load_state_dict(average.module.state_dict())

    def _prepared(
        self, stage: Stage, plan: StageConfig, made: int, tensors: dict[str, Tensor] | None
    ) -> tuple[Stepper, AveragedModel]:
        """What makes a stage's steps and what averages its weights, as a checkpoint after `made` of them left both."""
        if tensors:
            with self._fitting(self._saved):
                self.method.load_state_dict(named(tensors, "method."))
        frozen = Frozen(self.method, stage, plan, self.taken)
        stepper = Stepper(stage, plan, self.config.seed, self.device, self.processes, frozen)
        average = averaged(stage.method, plan.ema, made)
        if tensors and made:
            with self._fitting(self._saved):
                average.module.load_state_dict(named(tensors, "average."))
                stepper.restore(named(tensors, "optimiser."))
        else:
            self.judge.choice.begin()
        _set_modes(stage)
        return stepper, average

    def _kept(self) -> str:
        """What is left to a training that cannot go on."""
        if not self._saved:
            return "no checkpoint was written yet"
        return f"the checkpoint of step {self._saved} is kept"

    def _tell(self, stage: Stage, losses: Mapping[str, Tensor], step: int) -> dict[str, float]:
        told = dict(zip(losses, torch.stack([value.float() for value in losses.values()]).tolist(), strict=True))
        finite = {name: value if math.isfinite(value) else None for name, value in told.items()}
        if self.processes.main:
            skipped = {"skipped": self.skipped} if self.skipped else {}
            self.run.log.append({"step": step, "stage": stage.name, **finite} | skipped)
        return told

    def batches(self, stage: str, plan: StageConfig, first: int, end: int) -> Iterator[Batch]:
        """Return this process's parts of the batches of the steps `first` to `end - 1`, one after the other."""
        seen = Plan(
            self.config.seed, stage, len(self.cases), plan.batch, self.limits, self.method.window, parts=plan.parts
        )
        own = self.processes.share(range(plan.parts))
        return self.cases.batches(seen, ((step, part) for step in range(first, end) for part in own))

    def _check_finite(self, stage: Stage, average: AveragedModel, plan: StageConfig, step: int) -> None:
        """Raise a `TrainingError` for weights that are not finite: they replace nothing, and are not validated."""
        for name, value in [*self.method.state_dict().items(), *average.module.state_dict().items()]:
            if not bool(torch.isfinite(value).all()):
                raise TrainingError(
                    f"stage {stage.name}: {name} is not finite after step {step}; {self._kept()}; lower "
                    f"stages.{stage.name}.lr (now {plan.lr:g})"
                )

    @contextmanager
    def _validating(self, what: str, step: int) -> Iterator[None]:
        """Say in one line that what is validated cannot be drawn from."""
        try:
            yield
        except InputError as error:
            raise TrainingError(f"{what}: validating after step {step}: {error}; {self._kept()}") from error

    def _save(self, stage: Stage, average: AveragedModel, stepper: Stepper, step: int) -> None:
        """Write the checkpoint and publish the averaged weights, or what was chosen of them."""
        if self.processes.main:
            state = self._state(step, stage.name)
            choice = self.judge.choice
            tensors = prefixed("method.", self.method.state_dict()) | choice.tensors()
            tensors |= prefixed("average.", average.module.state_dict()) | prefixed("optimiser.", stepper.tensors())
            chosen = choice.as_json()
            self.run.checkpoints.save(tensors, state | ({"choice": chosen} if chosen else {}))
            method, name = self.judge.result(stage, cast(Method, average.module))
            self.publish(method, state | {"stage": name})
        self._saved, self._of = step, stage.name

    def _state(self, step: int, stage: str) -> dict[str, Any]:
        """What a checkpoint and the card of its weights say of the training."""
        return {
            "step": step,
            "stage": stage,
            "total": self.total,
            "history": self.judge.history,
            "skipped": self.skipped,
            "trained_by": self.trained_by,
            **self.judge.choice.told(),
        }


def _set_modes(stage: Stage) -> None:
    """What is trained is in training mode, all else of the method is as when sampling."""
    stage.method.eval()
    stage.trained.train()
