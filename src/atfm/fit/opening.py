"""`Opened`: the cases of a training as its network sees them, held or streamed."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import torch

from atfm.data.budget import Budget
from atfm.data.case import Case
from atfm.data.dataset import CaseDataset
from atfm.data.geometry.rule import Fit
from atfm.data.source import Source
from atfm.errors import ConfigError
from atfm.io.memory import available_bytes
from atfm.metrics.resolution import FEW, resolution_line
from atfm.train.cases import Cases
from atfm.train.config import Config
from atfm.train.fitting import fitted_cases, rule_of, told
from atfm.train.memory import spoken
from atfm.train.processes import Processes

__all__ = ["Opened", "opened"]


@dataclass(frozen=True)
class Opened:
    """What a training reads.

    Args:
        cases: on the network's pixels.
        native: the training cases as they are.
        rule: by which they were brought there; None: none.
        train, validation: opened; None where there are none to validate on.
        free: bytes of memory that the process may take; None: not known.
    """

    cases: Cases
    native: Source | Sequence[Case]
    rule: Fit | None
    train: CaseDataset
    validation: CaseDataset | None
    free: int | None

    @property
    def owners(self) -> list[str]:
        """Whose each validation case is."""
        names = [] if self.validation is None else self.validation.case_ids
        return [self.cases.owners.get(name, name) for name in names]

    def told(self, config: Config) -> list[str]:
        """How images were brought to the network, and what so few patients can show where validations choose."""
        few, chooses = len(set(self.owners)), config.patience is not None or config.keep == "better"
        if not chooses or not 0 < few < FEW:
            return told(self.cases.train)
        what = f"{len(self.cases.train):,} training cases, {few} patients to validate on"
        return [*told(self.cases.train), resolution_line(what, few)]


def opened(config: Config, cases: Cases, budget: Budget, device: torch.device, processes: Processes) -> Opened:
    """Bring cases to the network and open them.

    Raises:
        ConfigError: a rule that does not fit the images, or cases that are to be held and do not fit into memory.
        InputError: no case, or images that do not fit each other or the crop.
    """
    rule = rule_of(config.fit, cases.train)
    seen = fitted_cases(cases, rule)
    free = _room(config, seen, budget, device, processes)
    held = partial(budget.open, classes=seen.classes, device=device, crop=config.crop, ignore_label=seen.ignore_label)
    validation = held(seen.validation) if len(seen.validation) else None
    return Opened(seen, cases.train, rule, held(seen.train), validation, free)


def _room(config: Config, cases: Cases, budget: Budget, device: torch.device, processes: Processes) -> int | None:
    """The memory that each process may take; cases that are to be held and do not fit are refused before they are read.

    The processes of one machine share it, but for GPUs, of which each has its own.
    """
    free = available_bytes(device)
    if free is not None and device.type == "cpu":
        free //= processes.beside
    free = processes.from_main(free)
    sets = [chosen for chosen in (cases.train, cases.validation) if len(chosen)]
    size = sum(budget.holds(chosen, cases.classes, device, crop=config.crop is not None) for chosen in sets)
    if free is not None and size > free:
        raise ConfigError(
            f"cases: {spoken(size)} are to be held and {spoken(free)} of memory are free; give --hold "
            f"{free / 2e9:.2g}, so that they are streamed"
        )
    return free
