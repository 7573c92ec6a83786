"""One's own set against what one would do otherwise: its plan with the method swapped, each for equal time."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from atfm.data.store import Store
from atfm.data.views import fewer_patients
from atfm.disk.lock import file_lock
from atfm.disk.sealed import read_sealed, write_sealed
from atfm.errors import BusyError, ConfigError
from atfm.folds import deal
from atfm.leaderboard.jobs import Board
from atfm.methods.atfm import ATFMConfig
from atfm.methods.config import MethodConfig, StageConfig
from atfm.methods.ensemble import EnsembleConfig
from atfm.methods.gtr import GTRConfig
from atfm.methods.unet import UNetConfig
from atfm.methods.unet.config import SegmenterConfig
from atfm.plan import plan, with_method
from atfm.plan.rules import PRESENT
from atfm.train.clock import Watch
from atfm.train.config import Config

__all__ = ["OURS", "ROWS", "OwnSet", "board_of", "swapped"]

OURS = "atfm"
MEMBERS = 5
ROWS = {
    "unet": "a deterministic U-Net, trained on the majority of the readers",
    "ensemble": f"{MEMBERS} deterministic U-Nets, each trained on one reader",
    "gtr": "a low-rank normal over logits alone (in essence SSN), as it was published",
    "hurdle": "the same behind the plan's presence; of sets whose plan has one",
    OURS: "what atfm train auto trains",
}


@dataclass(frozen=True)
class OwnSet:
    """A store that methods are compared on.

    Args:
        store: with the splits train, val and test.
        patients: to train on; None: all of the split.
        folds: score all patients by so many folds in place of the test split; None: the test split.
    """

    store: Store
    patients: int | None = None
    folds: int | None = None

    @property
    def name(self) -> str:
        """What a row of the table says: the store's folder, by which it was given, and how many patients."""
        return self.store.path.resolve().name + (f", {self.patients} patients" if self.patients else "")

    @property
    def folder(self) -> str:
        """The same for a folder."""
        return self.store.path.resolve().name + (f"-{self.patients}" if self.patients else "")

    def view(self) -> Store:
        """The store as one training sees it: a fold, or fewer patients."""
        if self.folds is not None:
            return deal(self.store, self.folds)[0].view(self.store)
        return self.store if self.patients is None else fewer_patients(self.store, self.patients)


def board_of(
    own: OwnSet,
    out: Path,
    *,
    minutes: float,
    watch: Watch,
    device: torch.device,
    budget: int | None = None,
    seeds: Sequence[int] = (0,),
    samples: int = 32,
    limit: int | None = None,
    command: str = "atfm baselines",
    tell: Callable[[str], object] = lambda line: None,
) -> Board:
    """Return the board of a set: its plan with every method, as planned when it was first asked for.

    Steps are measured, so that another plan would be another training; what was planned is kept in the folder.

    Args:
        own: the set.
        out: the board's folder lies in it.
        minutes: of every training.
        watch: what they are measured by.
        device: where.
        budget: steps of the first stage in place of a time, for a test of the whole.
        seeds: of the trainings.
        samples: of each case.
        limit: score a fixed subset of so many cases.
        command: the command line that makes it again.
        tell: is told that it is planned.

    Raises:
        StoreError, InputError, ConfigError: as `atfm.plan.plan`.
    """
    folder, view = out / f"on-{own.folder}", own.view()
    made_by = {
        "store": own.store.digest,
        "patients": own.patients,
        "folds": own.folds,
        "minutes": minutes,
        "watch": watch,
    }
    rows = _kept(folder / "rows.json", made_by, lambda: _planned(view, minutes, watch, device, tell), tell)
    configs = {label: Config.model_validate_json(json.dumps(fields)) for label, fields in rows.items()}
    return Board(
        own.name,
        own.store if own.folds is not None else view,
        folder,
        None,
        budget=budget,
        seeds=seeds,
        samples=samples,
        limit=limit,
        command=command,
        rows=configs,
        patients=own.patients,
        folds=own.folds,
        planned=minutes,
        planned_by=watch,
    )


def _kept(
    file: Path, made_by: Mapping[str, object], make: Callable[[], dict[str, Any]], tell: Callable[[str], object]
) -> dict[str, Any]:
    """What was planned before, or is planned now; who comes second waits for the first."""
    while True:
        try:
            with file_lock(file):
                value, reason = read_sealed(file, made_by)
                if reason:
                    tell(f"{file} {reason}: planned anew")
                if value is None:
                    value = make()
                    write_sealed(file, value, made_by)
                return dict(value)
        except BusyError:
            time.sleep(1)


def _planned(
    view: Store, minutes: float, watch: Watch, device: torch.device, tell: Callable[[str], object]
) -> dict[str, Any]:
    """The configuration of every row, as JSON."""
    tell(f"plans for {view.info.name}: {minutes:g} minutes for each training")
    ours = plan(view, minutes=minutes, device=device, watch=watch).config
    rows = {OURS: ours}
    for label, config in swapped(ours).items():
        rows[label] = with_method(config, view, _shares(config), minutes=minutes, watch=watch, device=device)
    return {label: rows[label].model_dump(mode="json") for label in ROWS if label in rows}


def swapped(planned: Config) -> dict[str, Config]:
    """Return a plan with its method swapped: the same images, augmentation, batch and widths.

    GTR alone is the paper's: of all masks, trained by its likelihood, and sampled as it is trained.

    Raises:
        ConfigError: a plan whose method has no network that reads an image as GTR does.
    """
    method = planned.method
    gtr = method.gtr if isinstance(method, ATFMConfig) else method
    if not isinstance(gtr, GTRConfig):
        raise ConfigError(
            f"plan: expected atfm or gtr, got {method.name}; the other methods take their networks from it"
        )
    network = SegmenterConfig(widths=gtr.widths, blocks=gtr.blocks, patch=gtr.patch, dropout=gtr.dropout)
    stage = planned.stages["gtr"]
    own = {name: plan for name, plan in planned.stages.items() if name in ("presence", "gtr")}
    plain = gtr.model_copy(update={"energy": None})
    hurdle = {} if gtr.presence is None else {"hurdle": _with(planned, plain, own)}
    return {
        "unet": _with(
            planned, UNetConfig(network=network, test_time_dropout=False, target="majority"), {"unet": stage}
        ),
        "ensemble": _with(planned, EnsembleConfig(members=MEMBERS, network=network), {"ensemble": stage}),
        "gtr": _with(planned, plain.model_copy(update={"presence": None}), {"gtr": stage}),
        **hurdle,
    }


def _with(planned: Config, method: MethodConfig, stages: Mapping[str, StageConfig]) -> Config:
    return planned.model_copy(update={"method": method, "stages": dict(stages), "calibrate": False})


def _shares(config: Config) -> dict[str, float]:
    """The stages' shares of the time: all of it for the one, less a plan's for presence before it."""
    before = PRESENT if "presence" in config.stages else 0.0
    return {name: before if name == "presence" else 1 - before for name in config.stages}
