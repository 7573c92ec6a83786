"""The leaderboard as a page of Markdown: every board's table, how long each method was trained, and what failed."""

from collections.abc import Mapping, Sequence

from atfm.compare import Comparison, markdown
from atfm.compare.table import short
from atfm.leaderboard.jobs import Board, Job
from atfm.leaderboard.run import Failed, seconds_of_training
from atfm.report.grid import Column, Grid

__all__ = ["leaderboard_text"]


def leaderboard_text(
    boards: Mapping[str, tuple[Board, Comparison]], work: Sequence[Job], failed: Sequence[Failed], command: str
) -> str:
    """Return the page.

    Args:
        boards: by name, those that have a table.
        work: all jobs.
        failed: those that came to nothing.
        command: the command line that makes it again.
    """
    parts = ["# Leaderboard", f"    {command}"]
    if failed:
        parts.append("\n".join(f"- FAILED on {one.board}: {one.job}: {one.reason}" for one in failed))
    for name, (board, found) in boards.items():
        own = [job for job in work if job.board.name == name]
        parts += [f"## {name}", _how(board), markdown(found).rstrip(), _trainings(own, found).markdown().rstrip()]
    return "\n\n".join(parts) + "\n"


def _how(board: Board) -> str:
    """Under what every method was trained."""
    seeds = ", ".join(map(str, board.seeds))
    if board.budget is not None:
        equal = f"{board.budget} steps of the first stage, the others alike"
    elif board.planned is not None:
        equal = f"{board.planned:g} minutes of training for each method and seed"
        equal += f", and each of {board.folds} folds" if board.folds else ""
        equal += ", as the process computed (`--watch cpu`)" if board.planned_by == "cpu" else ""
    elif board.minutes is not None:
        equal = f"{board.minutes:g} minutes of training for each method and seed"
        equal += ", as the process computed (`--watch cpu`)" if board.watch == "cpu" else ""
    else:
        equal = "the steps of each preset"
    return f"Equal training: {equal}; seeds {seeds}."


def _trainings(work: Sequence[Job], found: Comparison) -> Grid:
    """How long every method was trained, seed by seed."""
    views = {line.label: line.cost.views for line in found.methods if line.cost is not None}
    labels = list(dict.fromkeys(job.label for job in work))
    seeds = list(dict.fromkeys(job.config.seed for job in work))
    minutes = {(job.label, job.config.seed): seconds_of_training(job) / 60 for job in work}
    columns = [Column("method", text=True), Column("preset", text=True)]
    columns += [*(Column(f"minutes, seed {seed}") for seed in seeds), Column("image views, first seed")]
    presets = {job.label: job.config.preset for job in work}
    rows = [
        [
            label,
            presets[label],
            *(f"{minutes[label, seed]:.1f}" if minutes.get((label, seed)) else "" for seed in seeds),
            short(seen) if (seen := views.get(label)) is not None else "",
        ]
        for label in labels
    ]
    return Grid(columns, rows)
