"""The run of runs: every method trained for the same time on the same data, scored alike, in one table."""

from atfm.leaderboard.jobs import Board, Job, jobs, rows_for
from atfm.leaderboard.run import Failed, carry_out, trained
from atfm.leaderboard.text import leaderboard_text

__all__ = [
    "Board",
    "Failed",
    "Job",
    "carry_out",
    "jobs",
    "leaderboard_text",
    "rows_for",
    "trained",
]
