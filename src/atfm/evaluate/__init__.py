"""Scoring a model, or masks that other code has drawn, on a split, with a guard against patients it was trained on."""

from atfm.evaluate.beside import Scored, earlier
from atfm.evaluate.cases import choose, guard
from atfm.evaluate.digests import settings_digest, weights_digest
from atfm.evaluate.evaluation import Evaluation, Result, scored_classes
from atfm.evaluate.foreign import Foreign, Stated, read_predictions, seen_as_stated
from atfm.evaluate.kept import Kept, is_kept, keep, read_kept
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
    "Foreign",
    "Kept",
    "Leak",
    "Parts",
    "Plan",
    "Result",
    "Scored",
    "Stated",
    "carry_out",
    "choose",
    "columns",
    "conclude",
    "earlier",
    "evaluate",
    "guard",
    "is_kept",
    "join",
    "keep",
    "numbers_of_samples",
    "prepare",
    "published",
    "read_kept",
    "read_predictions",
    "report_of",
    "save",
    "score_part",
    "scored_classes",
    "seen_as_stated",
    "settings_digest",
    "weights_digest",
]
