"""`Store`: the cases of a data set in one folder, read at random and verified while reading.

    with StoreWriter("runs/mine", name="mine", splits={"train": ["p1"], "test": ["p2"]}) as writer:
        for case in cases:
            writer.add(case)
    store = Store.open("runs/mine")
    store[0].image, store.split("train")

The layout of the files is told in `atfm.data.layout`.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from atfm.data.case import Case
from atfm.data.index import AGAIN, read_ids, read_index
from atfm.data.labels import highest
from atfm.data.layout import StoreInfo, decode_image, read_info, sha256
from atfm.data.pixels import Pixels
from atfm.data.splits import check_disjoint
from atfm.data.writer import StoreWriter
from atfm.errors import InputError, StoreError
from atfm.io.decoding import brief

__all__ = ["Checked", "Store", "StoreInfo", "StoreWriter"]


@dataclass(frozen=True)
class Checked:
    """What `Store.check` went through.

    Args:
        cases, patients, bytes: how many were read and found whole.
        unassigned: patients in no split.
    """

    cases: int
    patients: int
    bytes: int
    unassigned: list[str]


class Store:
    """Cases by number; open one with `Store.open`.

    Args:
        path: the folder.
        info: its `store.json`.
        digest: SHA-256 of `store.json`, which holds the SHA-256 of all the rest: it names this very data.

    Its attribute `pixels` reads parts of a case, in the type of the store.
    """

    def __init__(self, path: Path, info: StoreInfo, digest: str) -> None:
        self.path, self.info, self.digest = path, info, digest
        self._ids = read_ids(self._verified("cases.json"), info.cases)
        self.pixels = Pixels(path, info, read_index(self._verified("index.npy"), info.cases), self._ids)
        self._index = self.pixels.index
        self._patients: dict[str, list[int]] = defaultdict(list)
        for i, (_, patient) in enumerate(self._ids):
            self._patients[patient].append(i)

    @classmethod
    def open(cls, path: Path | str) -> Self:
        """Open the store in the folder `path`.

        Raises:
            StoreError: not a store, another version, or a file missing, damaged or of the wrong size.
        """
        path = Path(path)
        info = read_info(path)
        return cls(path, info, hashlib.sha256((path / "store.json").read_bytes()).hexdigest())

    def __reduce__(self) -> tuple[object, ...]:
        # A worker process opens the files itself: a memory map would be sent as a copy of all its pixels.
        return type(self).open, (self.path,)

    def __len__(self) -> int:
        return self.info.cases

    def _repr_html_(self) -> str:
        """What a notebook shows: some cases, and what the store says of itself."""
        from atfm.data.shown import store_html

        return store_html(self)

    def __iter__(self) -> Iterator[Case]:
        return (self[i] for i in range(len(self)))

    def __getitem__(self, i: int) -> Case:
        """Read case `i` and verify it.

        Raises:
            StoreError: a byte of its image or masks is not what was written.
        """
        if not -len(self) <= i < len(self):
            raise IndexError(f"case {i} of a store with {len(self)}")
        i %= len(self)
        case_id, patient_id = self._ids[i]
        return Case(
            image=decode_image(self.pixels.image(i)),
            masks=self.pixels.labels(i),
            case_id=case_id,
            patient_id=patient_id,
            spacing=tuple(self._index["spacing"][i, : self.info.spatial_dims].tolist()),
        )

    def ids(self) -> list[tuple[str, str]]:
        """`(case_id, patient_id)` of every case."""
        return list(self._ids)

    def patients(self) -> list[str]:
        """Every patient, in order of first appearance."""
        return list(self._patients)

    def unassigned(self) -> list[str]:
        """The patients that no split names."""
        assigned = {patient for patients in self.info.splits.values() for patient in patients}
        return [patient for patient in self._patients if patient not in assigned]

    def split(self, name: str) -> list[int]:
        """The numbers of the cases of one split.

        Raises:
            StoreError: an unknown name; those that exist are listed.
        """
        if name not in self.info.splits:
            known = brief(", ".join(self.info.splits)) or "none at all"
            raise StoreError(f"{self.path}: no split {name!r}; it has {known}")
        return sorted(i for patient in self.info.splits[name] for i in self._patients.get(patient, ()))

    def shape(self, i: int) -> tuple[int, ...]:
        """The spatial shape of case `i`."""
        return self.pixels.shape(i)

    def annotators(self, i: int) -> int:
        """The number `K` of annotators of case `i`."""
        return int(self._index["annotators"][i])

    def check(self, progress: Callable[[int, int], object] = lambda done, total: None) -> Checked:
        """Read everything: the SHA-256 of every file, every case, and the splits.

        Args:
            progress: called with the cases done and their total after each of them.

        Raises:
            StoreError: the first thing that is wrong, by name.
        """
        # Cases first: a broken one is named by its id, where the hash knows only the file.
        for i in range(len(self)):
            try:
                top = highest(self[i].masks, self.info.ignore_label)
            except InputError as error:
                raise StoreError(f"{self.path}: {brief(error, 400)}; {AGAIN}") from error
            if top >= max(self.info.classes, 2):
                raise StoreError(
                    f"{self.path}: case {brief(self._ids[i][0])}: label {top} of {self.info.classes}; {AGAIN}"
                )
            progress(i + 1, len(self))
        for name in self.info.files:
            self._verified(name)
        try:
            check_disjoint(self.info.splits)
        except InputError as error:
            raise StoreError(f"{self.path}: {error}") from error
        for name, patients in self.info.splits.items():
            for patient in patients:
                if patient not in self._patients:
                    raise StoreError(
                        f"{self.path}: split {brief(name)!r} names patient {brief(patient)}, of whom there is no case"
                    )
        size = sum((self.path / name).stat().st_size for name in self.info.files)
        return Checked(len(self), len(self._patients), size, self.unassigned())

    def _verified(self, name: str) -> Path:
        file = self.path / name
        try:
            found = sha256(file)
        except OSError as error:
            raise StoreError(f"{file}: missing or unreadable; {AGAIN}") from error
        if found != self.info.files.get(name):
            raise StoreError(f"{file}: damaged: its SHA-256 is not the one in store.json; {AGAIN}")
        return file
