"""`drawn.json`, the samples of an evaluation by case: whoever compares evaluations shows them without the model."""

import json
from collections.abc import Mapping
from typing import Any

from atfm.errors import InputError
from atfm.evaluate.evaluation import Evaluation
from atfm.evaluate.illustrate import ranking
from atfm.report.case_table import MOST_BYTES
from atfm.report.order import in_order

__all__ = ["DRAWN", "drawings_text", "read_drawings"]

DRAWN = "drawn.json"


def drawings_text(evaluation: Evaluation) -> str:
    """The file: for each case the text of its `Drawn`; as many as fit into `MOST_BYTES`, in the order of a page."""
    rows = evaluation.result.rows
    ranks = [ranking(row, evaluation.samples) for row in rows]
    kept: dict[str, str] = {}
    held = 0
    for place in in_order(ranks, [row.case_id for row in rows]):
        text = evaluation.drawn.get(rows[place].case_id, "")
        held += len(text)
        if held > MOST_BYTES:
            break
        if text:
            kept[rows[place].case_id] = text
    return json.dumps({"cases": kept}, indent=0) + "\n"


def read_drawings(text: str, name: str) -> Mapping[str, str]:
    """What such a file holds, by case.

    Args:
        text: of the file.
        name: of the file, for the error.

    Raises:
        InputError: something else.
    """
    try:
        cases: Any = json.loads(text)["cases"]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(f"{name}: expected the samples of an evaluation by case; evaluate again") from error
    if not isinstance(cases, dict):
        raise InputError(f"{name}: expected the samples of an evaluation by case; evaluate again")
    return cases
