"""What the leaderboard trains: on each set every method that has a preset for it, with every seed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from atfm.data.store import Store
from atfm.disk.sealed import digest, plain
from atfm.errors import ConfigError, InputError
from atfm.io.naming import is_folder_name
from atfm.methods import METHODS
from atfm.train.clock import Watch
from atfm.train.config import Config
from atfm.train.presets import presets

__all__ = ["Board", "Job", "jobs", "rows_for"]


@dataclass(frozen=True)
class Board:
    """One set, and how methods are trained and scored on it.

    Args:
        name: "phantom" or "lidc": presets of it end in this; a folder is named after it.
        store: with the splits train, val and `split`.
        folder: of the runs, the evaluations and the table.
        minutes: of every training; None: the presets' own steps.
        watch: what the minutes are measured by, see `atfm.train.clock.now`.
        budget: steps of a preset's first stage, the others alike, in place of a time; None: a time.
        seeds: of the trainings.
        split, samples, limit: what is scored, as for `atfm.evaluate.prepare`.
        command: the command line that makes it again.
        rows: configurations by label; None: the presets that are named for the board.
        patients: how many are trained on, of a board with fewer than the store has; the store is a view of these.
        folds: all patients are scored, by so many folds; None: those of `split`.
        planned: minutes that the steps of `rows` were measured for.
        planned_by: what they were measured by.
    """

    name: str
    store: Store
    folder: Path
    minutes: float | None = 5.0
    watch: Watch = "wall"
    budget: int | None = None
    seeds: Sequence[int] = (0,)
    split: str = "test"
    samples: int = 100
    limit: int | None = None
    command: str = "atfm leaderboard"
    rows: Mapping[str, Config] | None = None
    patients: int | None = None
    folds: int | None = None
    planned: float | None = None
    planned_by: Watch = "wall"


@dataclass(frozen=True)
class Job:
    """One training and its scores.

    Args:
        board: on what.
        label: of the row.
        config: of the preset, with the seed.
    """

    board: Board
    label: str
    config: Config

    @property
    def name(self) -> str:
        """What a reader calls it."""
        return f"{self.label}-seed-{self.config.seed}"

    @property
    def run(self) -> Path:
        """Its run folder, named for all that decides its weights."""
        return self.board.folder / "runs" / f"{self.name}-{digest(plain(self.identity))[:8]}"

    @property
    def identity(self) -> Mapping[str, Any]:
        """What decides its weights, but for the machine that a number of minutes was spent on."""
        found = {
            "config": self.config.model_dump(mode="json"),
            "store_digest": self.board.store.digest,
            "minutes": self.board.minutes if self.board.budget is None else None,
            "budget": self.board.budget,
        }
        found |= {name: getattr(self.board, name) for name in ("patients", "folds") if getattr(self.board, name)}
        timed = self.board.budget is None and self.board.minutes is not None
        return found | ({"watch": self.board.watch} if timed and self.board.watch != "wall" else {})


def rows_for(board: str, chosen: Sequence[str] = ()) -> dict[str, Config]:
    """Return the rows of a board: the presets that are named for it, by label.

    `prob-unet-phantom` is the row `prob-unet` of the board `phantom`; a preset that has the board's own name is the row
    of its method.

    Args:
        board: its name.
        chosen: labels; none: all.

    Raises:
        InputError: a label that the board does not have.
    """
    known = presets()
    found: dict[str, Config] = {}
    for method, entry in METHODS.items():
        for preset in entry.presets:
            label = method if preset == board else preset.removesuffix(f"-{board}")
            if preset == board or preset.endswith(f"-{board}"):
                found[label] = known[preset]
    for label in chosen:
        if label not in found:
            raise InputError(f"--methods {label}: {board} has no such row; expected some of {', '.join(found)}")
    return {label: config for label, config in found.items() if not chosen or label in chosen}


def _chosen(board: Board, chosen: Sequence[str]) -> dict[str, Config]:
    """The rows that a board was made with, or some of them."""
    rows = board.rows or {}
    for label in chosen:
        if label not in rows:
            raise InputError(f"--methods {label}: {board.name} has no such row; expected some of {', '.join(rows)}")
    return {label: config for label, config in rows.items() if not chosen or label in chosen}


def jobs(boards: Sequence[Board], chosen: Sequence[str] = ()) -> list[Job]:
    """Return all jobs, seed by seed, so that a leaderboard that is stopped has every method before any of them twice.

    Raises:
        InputError: a label that a board does not have.
        ConfigError: a label that no folder can have.
    """
    found = []
    for board in boards:
        rows = rows_for(board.name, chosen) if board.rows is None else _chosen(board, chosen)
        for label in rows:
            if not is_folder_name(label):
                raise ConfigError(f"preset {label!r}: a folder is named after it; expected a name without / and dots")
        for seed in board.seeds:
            found += [Job(board, label, row.model_copy(update={"seed": seed})) for label, row in rows.items()]
    return found
