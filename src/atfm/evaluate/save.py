"""The files of an evaluation: `rows.csv`, `summary.json` and `report.html`."""

import itertools
import json
from pathlib import Path
from typing import Any

from atfm.evaluate.evaluation import Evaluation
from atfm.evaluate.plan import numbers_of_samples
from atfm.evaluate.present import report_of
from atfm.evaluate.rows import columns, write_rows
from atfm.io.atomic import atomic_write
from atfm.report.page import render

__all__ = ["save"]


def save(evaluation: Evaluation, folder: Path, command: str) -> dict[str, Any]:
    """Write the rows, the summary and the report; each of them is whole or not there.

    Args:
        evaluation: what was measured.
        folder: where; made if it is missing.
        command: the command line that makes it again.

    Returns:
        The summary, with the paths of the report and of the rows.

    Raises:
        DiskError: no space, no permission or an impossible path.
    """
    report, rows = folder / "report.html", folder / "rows.csv"
    metrics = columns(numbers_of_samples(evaluation.samples), evaluation.classes, weighted=evaluation.weighted)
    cases = zip(*(result.rows for result in evaluation.results), strict=True)
    write_rows(rows, itertools.chain.from_iterable(cases), metrics)
    summary = evaluation.as_json() | {"report": str(report), "rows": str(rows)}
    for file, text in (
        (report, render(report_of(evaluation, command))),
        (folder / "summary.json", json.dumps(summary, indent=1, allow_nan=False) + "\n"),
    ):
        with atomic_write(file) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return summary
