"""`Trained`: the run folder of a row, named for all that decides its weights, and the time that they took."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from atfm.ablate.rows import Row
from atfm.ablate.shared import shared_stages
from atfm.data.store import Store
from atfm.disk.atomic import sweep
from atfm.disk.sealed import digest, read_sealed, write_sealed
from atfm.fit import fit
from atfm.methods import Method
from atfm.train.cases import from_store
from atfm.train.clock import Watch, now
from atfm.train.config import Config
from atfm.train.progress import Progress

__all__ = ["Trained", "made_by", "train"]

Tell = Callable[[str], object]


@dataclass(frozen=True)
class Trained:
    """A row after its training.

    Args:
        folder: of its scores.
        run: the run folder of its weights: the same, or that of the stages that it shares if it has no other.
        seconds: that the stages of its own took, over all the times that they were stopped and went on.
    """

    folder: Path
    run: Path
    seconds: float


def made_by(store: Store, config: Config, row: Row) -> dict[str, Any]:
    """What decides the weights of a row: with another budget, data or seed it is another training."""
    return {"config": config.model_dump(mode="json"), "store_digest": store.digest, "patients": row.patients}


def train(
    store: Store, config: Config, method: Method, row: Row, out: Path, device: torch.device, tell: Tell
) -> Trained:
    """Train a row, or go on with it, after the stages that it shares with others.

    Args:
        store: with the split train.
        config: of the row, with its seed.
        method: of that configuration.
        row: for its name and its share of the patients.
        out: the folder of the study.
        device: where.
        tell: is told of each training.
    """
    identity = made_by(store, config, row)
    folder = out / f"{row.name}-{digest(identity)[:8]}-seed-{config.seed}"
    sweep(folder)  # what was half-written of its scores; a row that shares all of its stages has no run of its own
    shared, take = shared_stages(config, method, row.patients, out, store.digest), {}
    if shared is not None:
        tell(f"{', '.join(shared.stages)}, seed {config.seed}: {shared.folder.name}")
        fit(shared.config, from_store(store, shared.config, share=row.patients), shared.folder, device=device)
        take = dict.fromkeys(shared.stages, shared.folder)
        if row.steps == (0,) or not any(plan.steps for name, plan in config.stages.items() if name not in take):
            return Trained(folder, shared.folder, 0.0)
    clock = Clock(folder / "seconds.json", identity, tell)
    fit(config, from_store(store, config, share=row.patients), folder, device=device, take=take, tell=clock)
    if clock.stop():
        tell(f"{row.name}, seed {config.seed}: trained in {clock.seconds:.0f} s")
    return Trained(folder, folder, clock.seconds)


class Clock:
    """The time of a training, kept whenever its weights are, so that it adds up when the training goes on from them.

    Args:
        file: where it is kept.
        identity: of the training.
        tell: is told of a time that is there and not believed.
        watch: see `atfm.train.clock.now`.
    """

    def __init__(self, file: Path, identity: Mapping[str, object], tell: Tell, watch: Watch = "wall") -> None:
        self.file, self.identity, self.watch = file, identity, watch
        value, reason = read_sealed(file, identity)
        if reason:
            tell(f"{file} {reason}: the time of this training counts from here on")
        self.before = self.seconds = 0.0 if value is None else float(value)
        self.started, self.steps = now(watch), 0

    def __call__(self, progress: Progress) -> None:
        self.steps += 1
        if progress.saved:
            self._keep()

    def stop(self) -> bool:
        """Keep the whole time; whether any step was made."""
        if self.steps:
            self._keep()
        return bool(self.steps)

    def _keep(self) -> None:
        self.seconds = round(self.before + now(self.watch) - self.started, 1)
        write_sealed(self.file, self.seconds, self.identity)
