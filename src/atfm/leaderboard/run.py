"""Train and score jobs, a line of progress for each, going on past those that fail; what is done is not done again."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from atfm.ablate import shortened
from atfm.ablate.trained import Clock
from atfm.compare import Entrant, Named, Scoring, enter
from atfm.disk.lock import file_lock
from atfm.disk.sealed import read_sealed, write_sealed
from atfm.errors import AtfmError, BusyError, InputError
from atfm.fit import fit
from atfm.folds import deal
from atfm.folds import score as score_folds
from atfm.folds import train as train_folds
from atfm.leaderboard.jobs import Board, Job
from atfm.train.cases import Cases, from_store
from atfm.train.config import Config

__all__ = ["Failed", "carry_out", "seconds_of_training", "trained"]

Tell = Callable[[str], object]


@dataclass(frozen=True)
class Failed:
    """A job that came to nothing.

    Args:
        board, job: which.
        reason: one line.
    """

    board: str
    job: str
    reason: str


def carry_out(work: Sequence[Job], device: torch.device, tell: Tell) -> tuple[list[Entrant], list[Failed]]:
    """Train and score jobs; one that fails is told and left, and the next one begins.

    Args:
        work: those of this process.
        device: where.
        tell: is told a line of each job.

    Returns:
        What is trained and scored, and what failed. What another process is at is left to it, and is neither.
    """
    done: list[Entrant] = []
    failed: list[Failed] = []
    for number, job in enumerate(work, 1):
        place = f"{job.board.name}, {job.name} ({number} of {len(work)})"
        try:
            with file_lock(job.run):
                _train(job, device, tell)
                done += _entered(job, device, tell)
            tell(f"{place}: {_told(job, done[-1])}")
        except BusyError as error:
            tell(f"{place}: left to another process ({error})")
        except Exception as error:  # whatever went wrong in one method says nothing of the next
            reason = _reason(error)
            failed.append(Failed(job.board.name, job.name, reason))
            tell(f"{place}: FAILED: {reason}")
    return done, failed


def trained(job: Job) -> bool:
    """Whether the training of a job has come to its end."""
    value, _ = read_sealed(_end(job), job.identity)
    return value is not None


def seconds_of_training(job: Job) -> float:
    """How long a job was trained, over all the times that it was stopped and went on; 0 where it was not."""
    value, _ = read_sealed(_clock(job), job.identity)
    return 0.0 if value is None else float(value)


def _told(job: Job, entrant: Entrant) -> str:
    """What came of a job, in a few words."""
    scores = entrant.kept.summary["scores"]
    ged = scores.get("ged", scores[f"ged_{job.board.samples}"])["mean"]
    return f"trained in {seconds_of_training(job) / 60:.1f} min, GED {ged:.3f}"


def _train(job: Job, device: torch.device, tell: Tell) -> None:
    if trained(job):
        return
    board = job.board
    config = job.config if board.budget is None else shortened(job.config, board.budget)
    clock = Clock(_clock(job), job.identity, tell, board.planned_by if board.planned else board.watch)
    if board.folds is not None:
        folds = deal(board.store, board.folds)
        done = train_folds(
            config, board.store, folds, job.run, device=device, progress=lambda fold, folder: nullcontext(clock)
        )
        steps = sum(fitted.steps for fitted in done)
    else:
        steps = fit(
            config,
            _cases(board, config),
            job.run,
            device=device,
            minutes=None if board.budget is not None else board.minutes,
            watch=board.watch,
            tell=clock,
        ).steps
    clock.stop()
    write_sealed(_end(job), steps, job.identity)


def _cases(board: Board, config: Config) -> Cases:
    """What a method is trained on; with fewer patients than the store has, the description says so."""
    cases = from_store(board.store, config)
    if board.patients is None:
        return cases
    return replace(cases, description={**cases.description, "patients": board.patients})


def _entered(job: Job, device: torch.device, tell: Tell) -> list[Entrant]:
    board = job.board
    if board.folds is not None:
        folds = deal(board.store, board.folds)
        joined = score_folds(
            board.store, folds, job.run, board.command, samples=board.samples, device=device, tell=tell
        )
        if joined is None:
            raise InputError(f"{job.run}: is scored by another process")
        return [Entrant(job.label, joined.kept, None, "of each fold its own weights were scored")]
    return enter([Named(job.label, str(job.run))], scoring_of(board, device), device=device, tell=tell)


def scoring_of(board: Board, device: torch.device) -> Scoring:
    """How the methods of a board are scored."""
    folder = board.folder / "evaluations"
    return Scoring(board.store, folder, board.split, board.samples, board.limit, device=device, command=board.command)


def _end(job: Job) -> Path:
    return job.run / "end.json"


def _clock(job: Job) -> Path:
    return job.run / "seconds.json"


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())[:300]
    return text if isinstance(error, AtfmError) and text else f"{type(error).__name__}: {text}"
