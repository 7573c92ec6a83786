"""A finished evaluation read back from its folder, and one that is carried out in its folder if it is not there yet."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from atfm.disk.lock import folder_lock
from atfm.disk.machine import reading
from atfm.disk.unit import changed, read_manifest
from atfm.errors import InputError
from atfm.evaluate.parts import Parts, Tell
from atfm.evaluate.plan import Plan
from atfm.evaluate.published import ROWS, SUMMARY, published, save
from atfm.evaluate.rows import CaseScores
from atfm.evaluate.samples import DRAWN, read_drawings
from atfm.evaluate.score import join, score_part
from atfm.io.cells import uncelled

__all__ = ["Kept", "is_kept", "keep", "read_kept"]

KNOWN_BY = ("method", "case_id", "patient_id", "annotators")


@dataclass(frozen=True)
class Kept:
    """A finished evaluation.

    Args:
        folder: where it lies.
        summary: its `summary.json`.
        rows: of every method and reference, in the order of the store.
        drawn: the model's samples by case, see `report.drawn.Drawn`; none of an evaluation that kept none.
    """

    folder: Path
    summary: Mapping[str, Any]
    rows: Mapping[str, Sequence[CaseScores]]
    drawn: Mapping[str, str] = field(default_factory=dict)

    @property
    def own(self) -> Sequence[CaseScores]:
        """The rows of the model itself."""
        return self.rows[self.summary["method"]]

    @property
    def made_by(self) -> Mapping[str, Any]:
        """What decided the scores, see `Plan.identity`."""
        return self.summary["made_by"]


def is_kept(folder: Path) -> bool:
    """Whether a folder looks like that of an evaluation, whole or not."""
    return (folder / SUMMARY).is_file() and not (folder / "weights.safetensors").exists()


def read_kept(folder: Path) -> Kept:
    """Return the evaluation that a folder holds.

    Raises:
        InputError: none, one that was changed since it was written, or one that does not say what made it.
        DiskError: the machine refuses to read it.
    """
    document = read_manifest(folder / SUMMARY)
    if document is None:
        raise InputError(f"{folder}: expected a finished evaluation with {SUMMARY}, found none; run `atfm evaluate`")
    lost = changed(folder, document)
    if lost:
        raise InputError(f"{folder / (lost[0] or SUMMARY)}: missing, damaged, or of an earlier version; evaluate again")
    if not isinstance(document.get("made_by"), dict):
        raise InputError(f"{folder}: does not say what made it (store, samples, seed); evaluate again")
    with reading(folder / ROWS):
        text = (folder / ROWS).read_text("utf-8")
    rows = _rows(text)
    if document["method"] not in rows:
        raise InputError(f"{folder / ROWS}: holds no row of {document['method']}; evaluate again")
    return Kept(folder, document, rows, _drawn(folder / DRAWN) if DRAWN in document["files"] else {})


def keep(
    plan: Plan,
    folder: Path,
    command: str,
    *,
    tell: Tell = lambda line: None,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> Kept:
    """Carry out an evaluation in its folder, or what of it is missing there, and return it.

    Args:
        plan: what is scored.
        folder: nobody else writes in it meanwhile.
        command: the command line that makes it again.
        tell: is told of what is damaged and made again.
        progress: is told how many cases of how many are done.

    Raises:
        InputError: the folder holds another evaluation.
        BusyError: another process writes in it.
        StoreError: a damaged case, or none that counts.
        DiskError: no space, no permission, a failing disk or an impossible path.
    """
    identity = plan.identity()
    parts = Parts(folder / "parts", identity, tell)
    with folder_lock(folder):
        if published(folder, parts, tell=tell) is None:
            score_part(plan, parts, plan.batches, "all", progress)
            save(join(plan, parts), folder, command, identity)
        parts.clear()
    return read_kept(folder)


def _drawn(file: Path) -> Mapping[str, str]:
    with reading(file):
        text = file.read_text("utf-8")
    return read_drawings(text, str(file))


def _rows(text: str) -> dict[str, list[CaseScores]]:
    """The rows of a file that `rows_text` wrote, by method."""
    found: dict[str, list[CaseScores]] = {}
    for line in csv.DictReader(io.StringIO(text, newline="")):
        scores = {name: float(value) for name, value in line.items() if name not in KNOWN_BY and value}
        row = CaseScores(
            uncelled(line["method"]),
            uncelled(line["case_id"]),
            uncelled(line["patient_id"]),
            int(line["annotators"]),
            scores,
        )
        found.setdefault(row.method, []).append(row)
    return found
