"""`Plan`: what an importer is about to make, case by case, before anything is made.

An importer looks through its sources, names every case in order and tells how each is read. The same plan is then
built, which goes on where a killed import stopped, or surveyed for a dry run, which writes nothing.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from atfm import __version__
from atfm.data.case import Case
from atfm.data.intensity import Intensity
from atfm.data.layout import StoreInfo
from atfm.data.patients import PatientsKnown
from atfm.data.writer import StoreWriter
from atfm.importers.stems import patient_warnings

__all__ = ["Plan", "Planned", "Planning", "Progress", "build_store"]

Progress = Callable[[int, int], object]


@dataclass(frozen=True)
class Planned:
    """One case that will be made.

    Args:
        case_id: unique within the plan.
        patient_id: whose it is.
        read: makes the case; called once, in the order of the plan, and never for a case that is in the store already.
    """

    case_id: str
    patient_id: str
    read: Callable[[], Case]


@dataclass(frozen=True)
class Plan:
    """All that will be in a store, in the order in which it will be there.

    Sources that have to stay open until the cases are read, such as zips, are open inside a `with` block of the plan.

    Args:
        importer: its name on the command line.
        about: `name`, and if known `licence`, `source` and `modality`, as `StoreInfo` has them.
        cases: every case, in order.
        splits: patient ids of each split.
        sources: the files that are read; a change of their size or time makes it another import.
        arguments: whatever else decides how the cases come out, in plain values.
        classes: 1 for binary masks, else the number of labels, background included.
        ignore_label: a label that says nothing, if there is one.
        patients_known: how it is known whose the cases are.
        orientation: of every image, see `StoreInfo`.
        skipped: what is left out on purpose, a line with the reason for each.
        warnings: what is guessed or ignored of all cases alike, a sentence each; those of a case are its own.
        class_names: of every label but the background, if they have names.
        window: the values of the files that become 0 and 1, where it is not their type that tells.
        stretched: the files are 8-bit pictures that were each stretched from the darkest to the brightest value of a
            scan, so that a model of them knows what to do with the scan itself.
    """

    importer: str
    about: Mapping[str, str]
    cases: Sequence[Planned]
    splits: Mapping[str, Sequence[str]]
    sources: Sequence[Path]
    arguments: Mapping[str, object] = field(default_factory=dict)
    classes: int = 1
    ignore_label: int | None = None
    class_names: Sequence[str] | None = None
    patients_known: PatientsKnown | None = None
    orientation: str = "unknown"
    skipped: Sequence[str] = ()
    warnings: Sequence[str] = ()
    window: tuple[float, float] | None = None
    stretched: bool = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing was opened; an importer that opens something hands its plan out in a context of its own."""

    def writer(self, out: Path, *, resume: bool = True) -> StoreWriter:
        """The writer of this plan's store.

        Raises:
            InputError: a folder in use, splits that share a patient, or names of classes that do not fit.
        """
        return StoreWriter(
            out,
            classes=self.classes,
            ignore_label=self.ignore_label,
            class_names=self.class_names,
            intensity=self.intensity,
            splits=self.splits,
            patients_known=self.patients_known,
            orientation=self.orientation,
            skipped=self.skipped,
            warnings=self.told,
            resume=self.fingerprint() if resume else None,
            **self.about,
        )

    @property
    def told(self) -> list[str]:
        """The warnings that are about no single case, those about patients among them."""
        patients = (case.patient_id for case in self.cases)
        return [*patient_warnings(self.patients_known, patients), *self.warnings]

    @property
    def intensity(self) -> Intensity | None:
        """How the files' values were put into [0, 1]; None where their type tells."""
        if self.window:
            return Intensity(kind="window", low=self.window[0], high=self.window[1])
        return Intensity(kind="stretch") if self.stretched else None

    def fingerprint(self) -> str:
        """SHA-256 of all that decides what the store will hold: two imports with the same one write the same bytes."""
        stats = [(file, file.stat()) for file in map(Path.absolute, self.sources)]
        facts = {
            "version": __version__,
            "importer": self.importer,
            "about": dict(self.about),
            "arguments": dict(self.arguments),
            "classes": [self.classes, self.ignore_label, self.class_names],
            "window": self.window,
            "splits": {name: list(patients) for name, patients in self.splits.items()},
            "cases": [(case.case_id, case.patient_id) for case in self.cases],
            "sources": [(str(file), stat.st_size, stat.st_mtime_ns) for file, stat in stats],
        }
        return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()


Planning = AbstractContextManager[Plan]


def build_store(planning: Planning, out: Path, progress: Progress = lambda done, total: None) -> StoreInfo:
    """Make the store of a plan, one case in memory at a time; go on where the same import was killed before.

    Args:
        planning: what to make, such as `plan_phantom(cases=100)`.
        out: the store to make, whole or not at all.
        progress: called with the cases done and their total after each of them.

    Raises:
        InputError: whatever the importer refuses, a case that cannot be used, by name, or a folder in use.
        DiskError: the store cannot be written.
    """
    with planning as plan, plan.writer(out) as writer:
        for done in range(len(writer), len(plan.cases)):
            writer.add(plan.cases[done].read())
            progress(done + 1, len(plan.cases))
    return writer.info
