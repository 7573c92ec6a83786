"""Several methods in one table: the same cases, samples and meaning of scores, or a refusal with the reason."""

from atfm.compare.comparison import Comparison, Wanted, compare
from atfm.compare.cost import Cost, cost_of, seconds_of, views_of
from atfm.compare.entrant import Entrant, Named, Scoring, enter, named
from atfm.compare.lines import Line, Paired
from atfm.compare.page import files_of, markdown
from atfm.compare.protocol import PROTOCOL, check_protocol

__all__ = [
    "PROTOCOL",
    "Comparison",
    "Cost",
    "Entrant",
    "Line",
    "Named",
    "Paired",
    "Scoring",
    "Wanted",
    "check_protocol",
    "compare",
    "cost_of",
    "enter",
    "files_of",
    "markdown",
    "named",
    "seconds_of",
    "views_of",
]
