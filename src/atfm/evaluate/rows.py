"""The rows of an evaluation, one for each case and method, kept as a CSV file that grows while the cases are scored."""

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from atfm.errors import InputError
from atfm.io.atomic import disk_errors
from atfm.metrics.table import METRICS

__all__ = ["Row", "RowFile", "columns"]


@dataclass(frozen=True)
class Row:
    """The scores of one case by one method.

    Args:
        method: name of the method or reference.
        case_id, patient_id: as in the store.
        annotators: `K`.
        scores: by metric; one that does not exist for this case is absent.
    """

    method: str
    case_id: str
    patient_id: str
    annotators: int
    scores: Mapping[str, float]


class RowFile:
    """Write rows as they are computed.

    They go to `<path>.part`, flushed case by case, which takes the name `path` when the block ends well: an evaluation
    that was killed leaves all the rows it had computed, under a name that says they are not all.

    Args:
        path: the CSV file to be.
        metrics: the columns after `method, case_id, patient_id, annotators`.

    Raises:
        InputError: a file where the folder should be.
        DiskError: no space, no permission or an impossible path.
    """

    def __init__(self, path: Path, metrics: Sequence[str]) -> None:
        self.path = path
        self.part = path.with_name(path.name + ".part")
        self.metrics = list(metrics)
        self._stream: IO[str] | None = None

    def __enter__(self) -> Self:
        if self.path.parent.exists() and not self.path.parent.is_dir():
            raise InputError(
                f"{self.path.parent}: this is a file; give the name of a folder for the rows and the report"
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._stream is None:
            return
        with disk_errors(self.path):
            self._stream.close()
            if kind is None:
                self.part.replace(self.path)

    def add(self, rows: Iterable[Row]) -> None:
        """Append rows and hand them to the operating system; the file is begun with the first of them."""
        with disk_errors(self.path):
            if self._stream is None:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                self._stream = self.part.open("w", newline="", encoding="utf-8")
                csv.writer(self._stream).writerow(["method", "case_id", "patient_id", "annotators", *self.metrics])
            csv.writer(self._stream).writerows(
                [
                    row.method,
                    row.case_id,
                    row.patient_id,
                    row.annotators,
                    *(text(row, metric) for metric in self.metrics),
                ]
                for row in rows
            )
            self._stream.flush()


def text(row: Row, metric: str) -> str:
    """A score with seven digits, nothing where there is none."""
    value = row.scores.get(metric, math.nan)
    return f"{value:.7g}" if math.isfinite(value) else ""


def columns(ns: Sequence[int], classes: Sequence[str] = ()) -> list[str]:
    """Every score that a row can hold; ECE belongs to all cases and is not one.

    Args:
        ns: numbers of samples.
        classes: those that are scored one by one too: `ged_16`, then `ged_16/liver` of each, see `scored_classes`.
    """
    families = [name for name in METRICS if name != "ece"]
    single = [name for name in families if not name.endswith("_n")]
    wholes = single + [f"{name[:-1]}{n}" for name in families if name.endswith("_n") for n in ns]
    return wholes + [f"{name}/{label}" for label in classes for name in wholes]
