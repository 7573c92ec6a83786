"""One optimiser step: a batch in parts, the gradient clipped, and skipped where it is not finite."""

import math
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor, nn

from atfm.data.batch import Batch
from atfm.errors import ConfigError, TrainingError
from atfm.methods.config import StageConfig
from atfm.methods.method import Stage
from atfm.seeding import seed_of
from atfm.train.frozen import Frozen
from atfm.train.processes import Processes
from atfm.train.sums import Sums

__all__ = ["Stepper", "check_parts", "schedule"]

_PATIENCE = 10  # steps in a row that are not finite: no training comes back from that


class Stepper:
    """Makes the steps of one stage.

    Args:
        stage: what is trained.
        plan: how.
        seed: of the training.
        device: where.
        processes: those that share the parts of a step; each has a stepper.
        frozen: what of the stage stays as it is; None: nothing.
    """

    def __init__(
        self,
        stage: Stage,
        plan: StageConfig,
        seed: int,
        device: torch.device,
        processes: Processes | None = None,
        frozen: Frozen | None = None,
    ) -> None:
        self.stage, self.plan, self.seed, self.device, self.frozen = stage, plan, seed, device, frozen
        self.processes = processes or Processes()
        self.parameters = list(stage.trained.requires_grad_(True).parameters())
        # Fused: it can leave a step out on the device itself, which then need not be waited for.
        self.optimiser = torch.optim.AdamW(self.parameters, lr=plan.lr, weight_decay=plan.weight_decay, fused=True)
        drop = (lambda: None) if frozen is None else frozen.drop
        self.sums = Sums(stage.trained, plan.parts, self.processes, drop)
        self.streak, self.skipped = 0, 0  # as far as `check` has asked
        self._streak, self._skipped = torch.zeros((), device=device), torch.zeros((), device=device)

    @property
    def own(self) -> list[int]:
        """The parts of a step that this process makes."""
        return self.processes.share(range(self.plan.parts))

    def step(self, number: int, batches: Iterator[Batch]) -> dict[str, Tensor]:
        """Make a step and return its losses and the norm of its gradient, on the device.

        Noise is seeded from (seed, stage, step, part), so that a part gives the same gradient in whatever process.

        Args:
            number: of the step within the stage, from 0.
            batches: gives this process's own parts of the step's batch, one after the other.
        """
        if self.frozen is not None and self.frozen.at(number):
            self.sums.changed()
        for group in self.optimiser.param_groups:
            group["lr"] = self.plan.lr * schedule(self.plan, number)
        self.sums.begin()
        for part in self.own:
            torch.manual_seed(seed_of(self.seed, self.stage.name, number, part))
            images = next(batches)
            self.sums.rewind()
            with self._precision():
                losses = self.stage.loss(images)
            self.sums.add(losses)
        told = self.sums.total()
        norm = nn.utils.clip_grad_norm_(self.parameters, self.plan.clip)
        bad = (~torch.isfinite(norm + torch.stack(list(told.values())).sum())).float()
        self.optimiser.found_inf = bad  # type: ignore[attr-defined]  # torch's own way for scaled gradients
        self.optimiser.step()
        self.sums.settle(bad)
        self._skipped += bad
        self._streak = (self._streak + bad) * bad
        return told | {"gradient": norm}

    def check(self, kept: str) -> None:
        """Find out how many steps were skipped so far, and how many in a row; waits for the device.

        Args:
            kept: what is said of the last checkpoint.

        Raises:
            TrainingError: ten steps in a row were not finite.
        """
        streak, skipped = torch.stack([self._streak, self._skipped]).tolist()
        self.streak, self.skipped = int(streak), int(skipped)
        if self.streak >= _PATIENCE:
            raise TrainingError(
                f"stage {self.stage.name}: loss or gradient were not finite in {_PATIENCE} steps or more in a row; "
                f"{kept}; lower stages.{self.stage.name}.lr (now {self.plan.lr:g})"
            )

    def _precision(self) -> AbstractContextManager[None]:
        plan, cuda = self.plan, self.device.type == "cuda"
        if plan.precision == "float32" or (plan.precision == "auto" and not (cuda and torch.cuda.is_bf16_supported())):
            return nullcontext()
        return torch.autocast(self.device.type, torch.bfloat16)

    def tensors(self) -> dict[str, Tensor]:
        """The optimiser's state, by name."""
        state = self.optimiser.state_dict()["state"]
        return {f"{index}.{name}": value for index, entry in state.items() for name, value in entry.items()}

    def restore(self, tensors: dict[str, Tensor]) -> None:
        """Take over a state that `tensors` gave."""
        state: dict[int, dict[str, Tensor]] = {}
        for key, value in tensors.items():
            index, name = key.split(".", 1)
            parameter = self.parameters[int(index)]
            # The fused step goes through memory as it lies: moments have to lie as their weights do, channels last too.
            own = value if name == "step" else torch.empty_like(parameter, device=value.device).copy_(value)
            state.setdefault(int(index), {})[name] = own
        self.optimiser.load_state_dict({"state": state, "param_groups": self.optimiser.state_dict()["param_groups"]})


def check_parts(stages: Mapping[str, StageConfig], processes: Processes) -> None:
    """Refuse parts that are not equal, and more processes than parts; fewer share them, evenly or not.

    Raises:
        ConfigError: a batch that cannot be split so, or a process that would have nothing to do.
    """
    for name, plan in stages.items():
        if plan.batch % plan.parts:
            raise ConfigError(
                f"stages.{name}.parts: a batch of {plan.batch} has no {plan.parts} equal parts; set parts to a divisor "
                f"of it, or stages.{name}.batch to a multiple of {plan.parts}"
            )
        if plan.steps and plan.parts < processes.world:
            raise ConfigError(
                f"{processes.world} processes: a step of stage {name} has {plan.parts} part(s), and each process needs "
                f"one; start {plan.parts}, or set stages.{name}.parts to {processes.world} or a multiple of it"
            )


def schedule(plan: StageConfig, step: int) -> float:
    """The learning rate as a share of the largest: linear warm-up, then a half cosine down to 1 %."""
    if step < plan.warmup:
        return (step + 1) / plan.warmup
    if plan.decay == "none":
        return 1.0
    progress = (step - plan.warmup) / max(1, plan.steps - plan.warmup)
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
