"""One optimiser step: a batch in parts, the gradient clipped, and skipped where it is not finite."""

import math
from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import torch
from torch import Tensor, nn

from atfm.data.batch import Batch
from atfm.errors import TrainingError
from atfm.methods.config import StageConfig
from atfm.methods.method import Stage
from atfm.seeding import seed_of

__all__ = ["Stepper", "schedule"]

_PATIENCE = 10  # steps in a row that are not finite: no training comes back from that


class Stepper:
    """Makes the steps of one stage.

    Args:
        stage: what is trained.
        plan: how.
        seed: of the training.
        device: where.
    """

    def __init__(self, stage: Stage, plan: StageConfig, seed: int, device: torch.device) -> None:
        self.stage, self.plan, self.seed, self.device = stage, plan, seed, device
        self.parameters = list(stage.trained.requires_grad_(True).parameters())
        # Fused: it can leave a step out on the device itself, which then need not be waited for.
        self.optimiser = torch.optim.AdamW(self.parameters, lr=plan.lr, weight_decay=plan.weight_decay, fused=True)
        self.skipped = torch.zeros((), device=device)
        self._streak = torch.zeros((), device=device)

    def step(self, number: int, batches: Iterator[Batch]) -> dict[str, Tensor]:
        """Make a step and return its losses and the norm of its gradient, on the device.

        Noise is seeded from (seed, stage, step, part), so that a part gives the same gradient in whatever process.

        Args:
            number: of the step within the stage, from 0.
            batches: gives the parts of the step's batch, one after the other.
        """
        for group in self.optimiser.param_groups:
            group["lr"] = self.plan.lr * schedule(self.plan, number)
        self.optimiser.zero_grad(set_to_none=True)
        told: dict[str, Tensor] = {}
        for part in range(self.plan.parts):
            torch.manual_seed(seed_of(self.seed, self.stage.name, number, part))
            images = next(batches)
            with self._precision():
                losses = self.stage.loss(images)
            (torch.stack(list(losses.values())).sum() / self.plan.parts).backward()
            for name, loss in losses.items():
                told[name] = told.get(name, 0) + loss.detach() / self.plan.parts
        norm = nn.utils.clip_grad_norm_(self.parameters, self.plan.clip)
        bad = (~torch.isfinite(norm)).float()
        self.optimiser.found_inf = bad  # type: ignore[attr-defined]  # torch's own way for scaled gradients
        self.optimiser.step()
        self.skipped += bad
        self._streak = (self._streak + bad) * bad
        return told | {"gradient": norm}

    def check(self, last_good: int) -> int:
        """Return how many steps were skipped so far; waits for the device.

        Raises:
            TrainingError: ten steps in a row were not finite.
        """
        if int(self._streak) >= _PATIENCE:
            raise TrainingError(
                f"stage {self.stage.name}: loss or gradient were not finite in {_PATIENCE} steps or more in a row; the "
                f"checkpoint of step {last_good} is kept; lower stages.{self.stage.name}.lr (now {self.plan.lr:g})"
            )
        return int(self.skipped)

    def _precision(self) -> Any:
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


def schedule(plan: StageConfig, step: int) -> float:
    """The learning rate as a share of the largest: linear warm-up, then a half cosine down to 1 %."""
    if step < plan.warmup:
        return (step + 1) / plan.warmup
    if plan.decay == "none":
        return 1.0
    progress = (step - plan.warmup) / max(1, plan.steps - plan.warmup)
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
