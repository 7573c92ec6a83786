"""The training loop: the stages of a method one after the other, each frozen when it is done.

Every step is seeded from (seed, stage, step) and the order of the cases from (seed, stage, epoch); with the weights,
averages and optimiser state of a checkpoint this makes a resumed training the same training, bit for bit on the CPU.
"""

import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from atfm.data.augment import AugmentationRange
from atfm.data.batch import Batch
from atfm.data.dataset import CaseDataset
from atfm.data.plan import Plan
from atfm.methods.method import Method, Stage
from atfm.seeding import seed_of
from atfm.train.average import Average
from atfm.train.config import Config, StageConfig
from atfm.train.run import Run
from atfm.train.validate import validate

__all__ = ["Progress", "Trainer"]


@dataclass(frozen=True)
class Progress:
    """Where a training stands: told after every step."""

    stage: str
    step: int
    total: int
    losses: dict[str, float]
    images_per_second: float
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
        cases: CaseDataset,
        validation: CaseDataset | None,
        run: Run,
        publish: Callable[[Method, dict[str, Any]], None],
    ) -> None:
        self.method, self.config, self.cases, self.validation = method, config, cases, validation
        self.run, self.publish = run, publish
        self.device = cases.device
        self.limits = AugmentationRange(**config.augment.model_dump())
        self.history: list[dict[str, Any]] = []

    @property
    def total(self) -> int:
        """Steps of all stages together."""
        return sum(plan.steps for _, plan in self._plan())

    def _plan(self) -> list[tuple[Stage, StageConfig]]:
        return list(
            zip(self.method.stages(), [self.config.stage1, self.config.stage2, self.config.stage3], strict=False)
        )

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
        parameters = list(stage.trained.requires_grad_(True).parameters())
        optimiser = torch.optim.AdamW(parameters, lr=plan.lr, weight_decay=plan.weight_decay)
        average = Average(method, plan.ema)
        if tensors and done > first:
            average.weights = {name: value.to(self.device) for name, value in _named(tensors, "average.").items()}
            _restore(optimiser, _named(tensors, "optimiser."))
        method.train()
        started, begun = time.perf_counter(), max(done, first)
        steps = range(begun, min(end, first + plan.steps))
        seen = Plan(self.config.seed, stage.name, len(self.cases), plan.batch, self.limits, self.method.window)
        batches = self.cases.batches(seen, steps.start - first, steps.stop - first)
        for step, batch in zip(steps, batches, strict=True):
            losses = self._step(stage, plan, optimiser, parameters, step - first, batch)
            average.update(method, step - first)
            last = step + 1 == min(end, first + plan.steps)
            checked = self._validate(stage, average, step + 1, last)
            saved = last or (step + 1) % self.config.save_every == 0
            if saved:
                self._save(stage, average, optimiser, step + 1)
            rate = (step + 1 - begun) * plan.batch / (time.perf_counter() - started)
            tell(Progress(stage.name, step + 1, self.total, losses, rate, checked, saved))
        method.load_state_dict(average.weights)

    def _step(
        self,
        stage: Stage,
        plan: StageConfig,
        optimiser: torch.optim.Optimizer,
        parameters: list[nn.Parameter],
        step: int,
        batch: Batch,
    ) -> dict[str, float]:
        for group in optimiser.param_groups:
            group["lr"] = plan.lr * _schedule(plan, step)
        torch.manual_seed(seed_of(self.config.seed, stage.name, step))
        with self._precision(plan):
            losses = stage.loss(batch)
        optimiser.zero_grad(set_to_none=True)
        torch.stack(list(losses.values())).sum().backward()
        norm = nn.utils.clip_grad_norm_(parameters, plan.clip)
        optimiser.step()
        told = {name: float(value.detach()) for name, value in losses.items()} | {"gradient": float(norm)}
        entry = {"step": self._offset(stage) + step + 1, "stage": stage.name, **told}
        if (step + 1) % 10 == 0 or step == 0:
            self.run.append(entry)
        return told

    def _offset(self, stage: Stage) -> int:
        names = [other.name for other, _ in self._plan()]
        return sum(plan.steps for _, plan in self._plan()[: names.index(stage.name)])

    def _precision(self, plan: StageConfig) -> Any:
        cuda = self.device.type == "cuda"
        if plan.precision == "float32" or (plan.precision == "auto" and not (cuda and torch.cuda.is_bf16_supported())):
            return nullcontext()
        return torch.autocast(self.device.type, torch.bfloat16)

    def _validate(self, stage: Stage, average: Average, step: int, last: bool) -> dict[str, float] | None:
        if self.validation is None or not (last or step % self.config.validate_every == 0):
            return None
        trained = {name: value.clone() for name, value in stage.method.state_dict().items()}
        stage.method.load_state_dict(average.weights)
        scores = validate(stage.method, self.validation, self.config.validate_samples, self.config.seed)
        stage.method.load_state_dict(trained)
        stage.method.train()
        self.history.append({"step": step, "stage": stage.name, **scores})
        self.run.append({"step": step, "stage": stage.name, "validation": scores})
        return scores

    def _save(self, stage: Stage, average: Average, optimiser: torch.optim.Optimizer, step: int) -> None:
        state = {"step": step, "stage": stage.name, "total": self.total, "history": self.history}
        tensors = {f"method.{name}": value for name, value in self.method.state_dict().items()}
        tensors |= average.tensors("average.") | _optimiser_tensors(optimiser)
        self.run.save(tensors, state)
        trained = {name: value.clone() for name, value in stage.method.state_dict().items()}
        stage.method.load_state_dict(average.weights)
        self.publish(stage.method, state)
        stage.method.load_state_dict(trained)


def _schedule(plan: StageConfig, step: int) -> float:
    """The learning rate as a share of the largest: linear warm-up, then a half cosine down to 1 %."""
    if step < plan.warmup:
        return (step + 1) / plan.warmup
    if plan.decay == "none":
        return 1.0
    progress = (step - plan.warmup) / max(1, plan.steps - plan.warmup)
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress))


def _named(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _optimiser_tensors(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    state = optimiser.state_dict()["state"]
    return {f"optimiser.{index}.{name}": value for index, entry in state.items() for name, value in entry.items()}


def _restore(optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        index, name = key.split(".", 1)
        state.setdefault(int(index), {})[name] = value
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
