"""`StoreWriter`: cases in, one at a time, and a whole store or nothing out."""

import io
import json
import math
import os
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from atfm.data.case import Case
from atfm.data.growing import GrowingFiles, write_safely
from atfm.data.intensity import Intensity
from atfm.data.journal import Entry, Journal
from atfm.data.layout import FILES, INDEX_ROW, VERSION, StoreInfo, sha256
from atfm.data.partial import check_free, left_behind, partial_folder, remove, whole_store
from atfm.data.patients import PatientsKnown
from atfm.data.splits import check_disjoint
from atfm.data.telling import Telling
from atfm.data.uniform import Uniform
from atfm.disk.atomic import disk_errors, settle_folder
from atfm.disk.lock import file_lock
from atfm.errors import AtfmError, DiskError, InputError

__all__ = ["StoreWriter"]

# The pixels go safely to the disk, and into the journal, after so many cases or bytes: about once in some seconds.
COMMIT_CASES = 64
COMMIT_BYTES = 2**26

JOURNAL = "journal"


class StoreWriter:
    """Write a store case by case, in memory that does not grow with the pixels.

    The files are written into a hidden folder beside `path`, which takes its name when the block ends well. An error
    of the user's inside the block removes it; nothing appears under `path` then. What the machine refuses (a full
    disk, say) removes nothing that can be gone on from. Nobody else writes a store of this name meanwhile.

    Args:
        path: the folder to make; it may exist if it is empty.
        name, licence, source, modality: see `StoreInfo`.
        classes: 1 for binary masks, else the number of labels, background included.
        splits: patient ids of each split; patients that no case belongs to are left out of the store.
        ignore_label: a label that says nothing, `classes` to 255; binary masks, stored as bits, have none.
        intensity: how the files' values were put into [0, 1], if it was by a rule of its own.
        class_names: of every label but the background, in their order; None where they have numbers only.
        packed_from: digest of the store that these cases were packed from, if they were.
        patients_known: how the patients of the cases are; None where nobody records it.
        orientation: of every image, see `StoreInfo`.
        skipped: what is left out, a line with the reason for each; None where nobody records it.
        warnings: what is guessed or ignored of all cases alike; those of each case are counted besides.
        resume: a fingerprint of all that decides what is written. If a writer of the same fingerprint was killed here,
            the block begins with its cases: `len(writer)` tells how many, and the next one to add is the next one. The
            store is then the same, byte for byte, as if it had been written at one go.

    Raises:
        InputError: a path in use, splits that share a patient, an `ignore_label` that is a class, or names of classes
            that do not fit.
        BusyError: another process is making a store of this name.
        DiskError: the folder cannot be written.
    """

    info: StoreInfo
    _files: GrowingFiles

    def __init__(
        self,
        path: Path | str,
        *,
        name: str,
        licence: str = "unknown",
        source: str = "unknown",
        modality: str = "unknown",
        classes: int = 1,
        splits: Mapping[str, Sequence[str]] | None = None,
        ignore_label: int | None = None,
        intensity: Intensity | None = None,
        class_names: Sequence[str] | None = None,
        packed_from: str | None = None,
        patients_known: PatientsKnown | None = None,
        orientation: str = "unknown",
        skipped: Sequence[str] | None = None,
        warnings: Sequence[str] = (),
        resume: str | None = None,
    ) -> None:
        self.path = Path(os.path.abspath(path))  # `.` has no name to take at the end
        self.splits = dict(splits or {})
        self._about = {"name": name, "licence": licence, "source": source, "modality": modality}
        self._uniform = Uniform(classes, ignore_label, class_names)
        self._resume, self._intensity, self._packed_from = resume, intensity, packed_from
        self._patients_known = patients_known
        self._orientation = orientation
        self._skipped, self._warnings = None if skipped is None else tuple(skipped), tuple(warnings)
        self._entries: list[Entry] = []
        self._complete: StoreInfo | None = None  # a store that only lacked its name
        self._safe = self._unsafe_bytes = 0  # cases in the journal, and bytes written since
        check_disjoint(self.splits)
        check_free(self.path)

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(file_lock(self.path))
            check_free(self.path)  # another writer may have finished it before we had the lock
            with disk_errors(self.path):
                self._folder = partial_folder(self.path, self._resume)
                self._files = GrowingFiles(self._folder, self._uniform.classes)
                self._journal = Journal(self._folder / JOURNAL)
                if self._resume is not None and not self._journal.file.exists():
                    self._complete = whole_store(self._folder)
                if self._complete is None:
                    self._begin()
            self._claim = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._claim:
            try:
                if kind is None:
                    with disk_errors(self.path):
                        self._finish()
            except BaseException as own:
                kind = type(own)
                raise
            finally:
                self._files.close()
                if kind is not None and not self._stays(kind):
                    remove(self._folder)

    def _stays(self, kind: type[BaseException]) -> bool:
        """Whether what is safe stays, so that the same command goes on from there: the fault is not the user's."""
        return self._resume is not None and (not issubclass(kind, AtfmError) or issubclass(kind, DiskError))

    def __len__(self) -> int:
        return len(self._entries) if self._complete is None else self._complete.cases

    @property
    def patients(self) -> list[str]:
        """The patients of the cases so far, in order of first appearance."""
        return list(dict.fromkeys(self._uniform.patients.values()))

    def add(self, case: Case) -> None:
        """Append one case.

        Raises:
            InputError: an id used before, other channels or spatial axes than the first case, or labels that are not
                among the classes.
            DiskError: the disk is full.
        """
        self._uniform.admit(case)
        with disk_errors(self.path):
            if not self._files.takes(case):
                self._widen()
            entry, size = self._files.append(case)
        self._entries.append(entry)
        self._unsafe_bytes += size
        if len(self) - self._safe >= COMMIT_CASES or self._unsafe_bytes >= COMMIT_BYTES:
            self._commit()

    def _begin(self) -> None:
        """Open the files; after a killed writer, with its cases."""
        dtype, entries = self._journal.read() if self._resume is not None else ("uint8", [])
        self._entries = self._files.open(dtype, entries)
        self._safe = len(self)
        for entry in self._entries:
            shape = [int(n) for n in entry.row[2] if n]
            channels = (entry.image_end - entry.row[0]) // math.prod(shape)
            self._uniform.record(entry.case_id, entry.patient_id, channels, len(shape))
        if self._resume is not None:
            self._journal.restart(self._files.dtype, self._entries)

    def _widen(self) -> None:
        """From 8-bit steps to float32: from the journal's restart on the old file is no longer needed."""
        self._entries = list(self._files.widen(self._entries))
        if self._resume is not None:
            self._files.settle()
            self._journal.restart("float32", self._entries)
            self._safe = len(self)
        self._files.drop_narrow()

    def _commit(self) -> None:
        """See the cases so far safely on the disk, and say so in the journal."""
        if self._resume is not None:
            with disk_errors(self.path):
                self._files.settle()
                self._journal.append(self._entries[self._safe :])
        self._safe, self._unsafe_bytes = len(self), 0

    def _finish(self) -> None:
        if self._complete is None:
            self._write_rest()
        else:
            self.info = self._complete
        self._journal.file.unlink(missing_ok=True)
        settle_folder(self._folder)
        if self.path.exists():
            self.path.rmdir()  # empty, as __enter__ saw to it
        self._folder.rename(self.path)
        settle_folder(self.path.parent)
        for other in left_behind(self.path):
            remove(other)

    def _write_rest(self) -> None:
        """All but the pixels, and `store.json` last."""
        if not self._entries:
            raise InputError(f"{self.path}: no case was added; a store needs at least one")
        self._files.finish()
        index = io.BytesIO()
        np.save(index, np.array([entry.row for entry in self._entries], dtype=INDEX_ROW))
        write_safely(self._folder / "index.npy", index.getvalue())
        patients = self._uniform.patients
        write_safely(self._folder / "cases.json", json.dumps(list(patients.items())).encode())
        known = set(patients.values())
        self.info = StoreInfo(
            **self._about,
            classes=self._uniform.classes,
            channels=self._uniform.channels,
            spatial_dims=2 if self._uniform.spatial_dims == 2 else 3,
            cases=len(self),
            dtype=self._files.dtype,
            version=VERSION,
            files={name: sha256(self._folder / name) for name in FILES},
            splits={name: tuple(p for p in named if p in known) for name, named in self.splits.items()},
            ignore_label=self._uniform.ignore_label,
            intensity=self._intensity,
            class_names=self._uniform.class_names,
            packed_from=self._packed_from,
            patients_known=self._patients_known,
            orientation=self._orientation,
            skipped=self._skipped,
            warnings=self._told(),
        )
        text = self.info.model_dump_json(indent=1, exclude_none=True) + "\n"
        write_safely(self._folder / "store.json", text.encode())

    def _told(self) -> tuple[str, ...] | None:
        """The warnings of all cases; None where there are none and nobody asked for them."""
        telling = Telling(self._warnings)
        for entry in self._entries:
            telling.add(entry.case_id, entry.warnings)
        lines = tuple(telling.lines())
        return lines if lines or self._skipped is not None else None
