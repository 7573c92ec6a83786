"""Scoring a model on a split, with a guard against patients it was trained on."""

from atfm.evaluate.beside import Scored, earlier
from atfm.evaluate.cases import choose, guard
from atfm.evaluate.evaluation import Evaluation, Result, scored_classes
from atfm.evaluate.leak import Leak
from atfm.evaluate.parts import Parts
from atfm.evaluate.plan import Plan, numbers_of_samples, prepare
from atfm.evaluate.present import report_of
from atfm.evaluate.published import published, save
from atfm.evaluate.rows import CaseScores, Entry, columns
from atfm.evaluate.score import carry_out, conclude, evaluate, join, score_part

__all__ = [
    "CaseScores",
    "Entry",
    "Evaluation",
    "Leak",
    "Parts",
    "Plan",
    "Result",
    "Scored",
    "carry_out",
    "choose",
    "columns",
    "conclude",
    "earlier",
    "evaluate",
    "guard",
    "join",
    "numbers_of_samples",
    "prepare",
    "published",
    "report_of",
    "save",
    "score_part",
    "scored_classes",
]
