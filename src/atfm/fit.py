"""`fit`: a configuration and cases in, a trained run folder out."""

import platform
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from atfm import __version__
from atfm.data.case import Case
from atfm.data.phantom_store import phantom_cases
from atfm.data.resident import Resident
from atfm.data.splits import patient_hash
from atfm.data.store import Store
from atfm.methods.method import Method
from atfm.models import WEIGHTS, build, publish
from atfm.seeding import step_generator
from atfm.train.config import Config
from atfm.train.loop import Progress, Trainer
from atfm.train.run import Run

__all__ = ["Cases", "Fitted", "fit", "from_phantom", "from_store"]


@dataclass(frozen=True)
class Cases:
    """What a training needs of a data set.

    Args:
        train: training cases, read once.
        validation: validation cases, read once; may be empty.
        description: JSON that names this very data: name, digest, splits.
        patients: ids of the training patients.
        classes: 1 for binary masks, else the number of labels.
    """

    train: Iterable[Case]
    validation: Iterable[Case]
    description: dict[str, Any]
    patients: list[str]
    classes: int = 1


@dataclass(frozen=True)
class Fitted:
    """Where a training stands when `fit` returns: steps made, steps in all, the last validation."""

    run: Path
    steps: int
    total: int
    validation: dict[str, Any] | None


def from_store(store: Store, config: Config, *, train: str = "train", validation: str = "val") -> Cases:
    """Return the cases of a store's splits, and of the second a seeded subset of `config.validate_cases`."""
    indices = store.split(validation) if validation in store.info.splits else []
    order = torch.randperm(len(indices), generator=step_generator(config.seed, "validation cases"))
    chosen = sorted(indices[i] for i in order[: config.validate_cases].tolist())
    split = store.split(train)
    identifiers = store.ids()
    return Cases(
        (store[i] for i in split),
        (store[i] for i in chosen),
        {"name": store.info.name, "digest": store.digest, "train": train, "validation": validation},
        sorted({identifiers[i][1] for i in split}),
        store.info.classes,
    )


def from_phantom(config: Config, *, cases: int = 3000) -> Cases:
    """Return simulated cases, generated in memory: `cases` to train on and `config.validate_cases` to validate."""
    drawn = phantom_cases(config.seed, cases + config.validate_cases)
    train = [next(drawn) for _ in range(cases)]
    description = {"name": "phantom", "seed": config.seed, "train": cases, "validation": config.validate_cases}
    return Cases(train, drawn, description, [case.patient_id for case in train])


def fit(
    config: Config,
    cases: Cases,
    out: Path,
    *,
    device: torch.device,
    max_steps: int | None = None,
    tell: Callable[[Progress], None] = lambda progress: None,
) -> Fitted:
    """Train both stages in `out`, or go on where a killed or shortened training stopped.

    Raises:
        ConfigError: a configuration that does not fit the data.
        CheckpointError: `out` holds another training, or a damaged checkpoint.
        DiskError: the disk is full; the last checkpoint stays usable.
    """
    run = Run(out, {"config": config.model_dump(mode="json"), "data": cases.description})
    train = Resident(cases.train, cases.classes, device)
    held_out = list(cases.validation)
    validation = Resident(held_out, cases.classes, device) if held_out else None
    torch.manual_seed(config.seed)
    method = build(config, in_channels=train.images.shape[1], channels=cases.classes, size=train.size).to(device)
    card = {
        "config": config.model_dump(mode="json"),
        "data": cases.description,
        "patients": sorted(map(patient_hash, cases.patients)),
        "versions": versions(),
    }
    trainer = Trainer(method, config, train, validation, run, partial(_publish, out / WEIGHTS, card))
    steps = trainer.train(max_steps, tell)
    return Fitted(out, steps, trainer.total, trainer.history[-1] if trainer.history else None)


def _publish(path: Path, card: dict[str, Any], method: Method, state: dict[str, Any]) -> None:
    publish(path, method, card | {"training": state})


def versions() -> dict[str, str]:
    """Return what a training ran on."""
    return {
        "atfm": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": np.__version__,
    }
