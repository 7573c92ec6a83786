"""What each idea is worth: one training for each row of a table, all with the same networks, data and cost."""

from atfm.ablate.limits import LIMITS
from atfm.ablate.paper import ROWS, base
from atfm.ablate.rows import Row, shortened
from atfm.ablate.study import Outcome, study
from atfm.ablate.summary import Line, figures, summary, table

__all__ = [
    "LIMITS",
    "ROWS",
    "Line",
    "Outcome",
    "Row",
    "base",
    "figures",
    "shortened",
    "study",
    "summary",
    "table",
]
