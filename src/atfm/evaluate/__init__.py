"""Scoring a model on a split, with a guard against patients it was trained on."""

from atfm.evaluate.beside import Scored, earlier
from atfm.evaluate.classes import scored_classes
from atfm.evaluate.evaluation import Evaluation, Result
from atfm.evaluate.guard import Leak, guard
from atfm.evaluate.parts import Parts
from atfm.evaluate.plan import Plan, numbers_of_samples, prepare
from atfm.evaluate.present import report_of
from atfm.evaluate.rows import Entry, Row, columns
from atfm.evaluate.save import save
from atfm.evaluate.score import conclude, evaluate, join, score_part
from atfm.evaluate.subset import choose

__all__ = [
    "Entry",
    "Evaluation",
    "Leak",
    "Parts",
    "Plan",
    "Result",
    "Row",
    "Scored",
    "choose",
    "columns",
    "conclude",
    "earlier",
    "evaluate",
    "guard",
    "join",
    "numbers_of_samples",
    "prepare",
    "report_of",
    "save",
    "score_part",
    "scored_classes",
]
