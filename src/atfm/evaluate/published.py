"""The files of a finished evaluation: rows, samples, report and summary as one unit that knows what made it.

`summary.json` is their manifest: it holds what decides the scores (`made_by`), the SHA-256 of the other files and that
of itself. The same evaluation is read back instead of being made again; another one is never replaced without a word.
"""

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from atfm.disk.sealed import in_words, is_whole, plain
from atfm.disk.unit import changed, read_manifest, write_unit
from atfm.errors import InputError
from atfm.evaluate.by_empty import by_empty
from atfm.evaluate.empty_shares import empty_shares
from atfm.evaluate.evaluation import Evaluation
from atfm.evaluate.floor import best_floor
from atfm.evaluate.parts import Parts, Tell
from atfm.evaluate.plan import numbers_of_samples
from atfm.evaluate.present import described, report_of
from atfm.evaluate.rows import columns, rows_text
from atfm.evaluate.samples import DRAWN, drawings_text
from atfm.report.page import render

__all__ = ["published", "save"]

REPORT, ROWS, SUMMARY = "report.html", "rows.csv", "summary.json"


def save(
    evaluation: Evaluation, folder: Path, command: str, made_by: Mapping[str, object] | None = None
) -> dict[str, Any]:
    """Write all files of an evaluation, all of them or none, into a folder that nobody else writes in.

    Args:
        evaluation: what was measured.
        folder: where; made if it is missing.
        command: the command line that makes it again.
        made_by: what decides the scores, `Plan.identity`; without it the folder is never taken for the same evaluation.

    Returns:
        The summary, with the paths of the report and of the rows.

    Raises:
        DiskError: no space, no permission, a failing disk or an impossible path; what was there is there still.
    """
    metrics = columns(numbers_of_samples(evaluation.samples), evaluation.classes, weighted=evaluation.weighted)
    cases = zip(*(result.rows for result in evaluation.results), strict=True)
    files = {
        ROWS: rows_text(itertools.chain.from_iterable(cases), metrics),
        DRAWN: drawings_text(evaluation),
        REPORT: render(report_of(evaluation, command)),
    }
    floor = best_floor(evaluation)
    told = {
        "titles": {result.name: described(result) for result in evaluation.results},
        "floor": None if floor is None else floor.as_json(),
        "by_empty": [line.as_json() for line in by_empty(evaluation.result, evaluation.seed)],
        "empty_calibration": {name: one.as_json() for name, one in empty_shares(evaluation).items()},
    }
    summary = evaluation.as_json() | told | _places(folder) | {"made_by": made_by}
    return write_unit(folder, files, SUMMARY, summary)


def published(
    folder: Path, parts: Parts, *, overwrite: bool = False, tell: Tell = lambda line: None
) -> dict[str, Any] | None:
    """The summary of the evaluation that a folder holds already, if it is the one that is wanted and whole.

    Args:
        folder: of the results; nobody else writes in it.
        parts: of the evaluation that is wanted, with its identity.
        overwrite: take the place of another evaluation.
        tell: is told why one that is there is made again.

    Returns:
        None where there is none yet, or it is damaged, or another one is to be replaced.

    Raises:
        InputError: the folder holds another evaluation, or files that nobody knows the making of.
        DiskError: the machine refuses to read it.
    """
    document = read_manifest(folder / SUMMARY)
    there = document.get("made_by") if isinstance(document, dict) else None
    same = there is not None and there == plain(parts.identity)
    lost = changed(folder, document)
    if same and not lost:
        return dict(document) | _places(folder)
    if same:
        tell(f"{folder / (lost[0] or SUMMARY)}: missing or damaged: the evaluation is made again")
        return None
    found = [name for name in (SUMMARY, ROWS, DRAWN, REPORT) if (folder / name).exists()]
    # Rows without a summary are half of a unit: this very evaluation was stopped as it put its files in their places.
    stopped = found and SUMMARY not in found and parts
    if not found or stopped:
        return None
    if overwrite:
        tell(f"{folder}: replaces another evaluation ({_what(document, parts.identity)})")
        return None
    raise InputError(
        f"{folder}: holds another evaluation already ({_what(document, parts.identity)}); give another --out, or "
        "--overwrite to replace it"
    )


def _places(folder: Path) -> dict[str, str]:
    return {"report": str(folder / REPORT), "rows": str(folder / ROWS)}


def _what(document: Any, identity: Mapping[str, Any]) -> str:
    """What is known of an evaluation that is not the one that is wanted."""
    if not isinstance(document, dict):
        return f"{SUMMARY} is missing or damaged"
    if not is_whole(document):
        return f"{SUMMARY} is damaged, or of an earlier version"
    return f"it differs in {in_words(document.get('made_by'), identity)}"
