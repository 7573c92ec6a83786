"""The files of an evaluation beside its rows: `summary.json` and `report.html`."""

import json
from pathlib import Path
from typing import Any

from atfm.evaluate.evaluation import Evaluation
from atfm.evaluate.present import report_of
from atfm.io.atomic import atomic_write
from atfm.report.page import render

__all__ = ["save"]


def save(evaluation: Evaluation, folder: Path, command: str) -> dict[str, Any]:
    """Write the summary and the report; each of them is whole or not there.

    Args:
        evaluation: what was measured.
        folder: where `rows.csv` is.
        command: the command line that makes it again.

    Returns:
        The summary, with the paths of the report and of the rows.

    Raises:
        DiskError: no space, no permission or an impossible path.
    """
    report, rows = folder / "report.html", folder / "rows.csv"
    summary = evaluation.as_json() | {"report": str(report), "rows": str(rows)}
    for file, text in (
        (report, render(report_of(evaluation, command))),
        (folder / "summary.json", json.dumps(summary, indent=1, allow_nan=False) + "\n"),
    ):
        with atomic_write(file) as temporary:
            temporary.write_text(text, encoding="utf-8")
    return summary
