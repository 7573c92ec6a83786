"""The run of runs: every method trained for the same time on the same data, scored alike, in one table."""

from atfm.leaderboard.jobs import Board, Job, jobs, rows_for
from atfm.leaderboard.own import OURS, ROWS, OwnSet, board_of, swapped
from atfm.leaderboard.own_table import compared, own_csv, own_text, verdicts
from atfm.leaderboard.run import Failed, carry_out, trained
from atfm.leaderboard.text import leaderboard_text

__all__ = [
    "OURS",
    "ROWS",
    "Board",
    "Failed",
    "Job",
    "OwnSet",
    "board_of",
    "carry_out",
    "compared",
    "jobs",
    "leaderboard_text",
    "own_csv",
    "own_text",
    "rows_for",
    "swapped",
    "trained",
    "verdicts",
]
