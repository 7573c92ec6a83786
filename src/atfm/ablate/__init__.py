"""What each idea is worth: one training for each row of a table, all with the same networks, data and cost."""

from atfm.ablate.rows import ROWS, Row, base
from atfm.ablate.study import Outcome, study
from atfm.ablate.summary import Line, figures, summary, table

__all__ = ["ROWS", "Line", "Outcome", "Row", "base", "figures", "study", "summary", "table"]
