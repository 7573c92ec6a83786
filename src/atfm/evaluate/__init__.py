"""Scoring a model on a split, with a guard against patients it was trained on."""

from atfm.evaluate.cases import Leak, choose, guard
from atfm.evaluate.evaluation import Evaluation, Result, scored_classes
from atfm.evaluate.present import report_of
from atfm.evaluate.rows import Row, RowFile, columns
from atfm.evaluate.score import Scored, evaluate, numbers_of_samples

__all__ = [
    "Evaluation",
    "Leak",
    "Result",
    "Row",
    "RowFile",
    "Scored",
    "choose",
    "columns",
    "evaluate",
    "guard",
    "numbers_of_samples",
    "report_of",
    "scored_classes",
]
