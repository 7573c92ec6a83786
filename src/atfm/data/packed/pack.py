"""`pack`: from a store to one small file."""

import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from atfm.data.case import Case
from atfm.data.intensity import Intensity
from atfm.data.layout import StoreInfo, encode_masks, on_grid
from atfm.data.ood.recorder import nearly_all, reaches
from atfm.data.packed.head import DIGITS, HEAD, MARK, VERSION, Head, PackedCase, seal
from atfm.data.packed.part import Part, encode
from atfm.data.store import Store
from atfm.disk.atomic import atomic_write
from atfm.disk.lock import file_lock
from atfm.errors import InputError

__all__ = ["Packed", "pack"]

PLANES = 4096  # of one part: the more of them are read in step, the quicker
PIXELS = 2**26  # ... and the most of them, where planes are large
MASK_BYTES = 2**22  # of one part, before they are compressed
LONG_AGO = (1980, 1, 1, 0, 0, 0)  # the same store packs to the same bytes


@dataclass(frozen=True)
class Packed:
    """What `pack` wrote.

    Args:
        cases, patients: how many.
        bytes: size of the file.
        sha256: its seal.
        splits: cases and patients of each split.
        images_bytes, masks_bytes: of the parts, compressed.
    """

    cases: int
    patients: int
    bytes: int
    sha256: str
    splits: dict[str, dict[str, int]]
    images_bytes: int
    masks_bytes: int


def pack(
    store: Store,
    file: Path,
    *,
    splits: Sequence[str] | None = None,
    cases: Sequence[int] | None = None,
    window: Sequence[int] | None = None,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> Packed:
    """Write a store, or a part of it, as one small file, every byte of which `unpack` verifies.

    Args:
        store: what to pack; every case is verified as it is read.
        file: to make, whole or not at all.
        splits: those to keep; None for all, and the patients in no split too.
        cases: the numbers of the cases to keep, of those splits; None for all.
        window: spatial size of the central part to keep of every image; None for the whole.
        progress: called with the cases done and their total after each of them.

    Raises:
        InputError: a file in use, a window larger than an image or of other axes, or no case.
        StoreError: a split that is not there, or a damaged store.
        BusyError: another process is writing this file.
        DiskError: the file cannot be written.
    """
    with file_lock(file):
        if file.exists():
            raise InputError(f"{file}: exists already; give the name of a new file, or remove this one first")
        return write(store, file, splits, cases, window, progress)


def write(
    store: Store,
    file: Path,
    splits: Sequence[str] | None,
    cases: Sequence[int] | None,
    window: Sequence[int] | None,
    progress: Callable[[int, int], object],
) -> Packed:
    """Write a pack to a file that is not there, which nobody else writes."""
    names = list(store.info.splits) if splits is None else list(dict.fromkeys(splits))
    chosen = numbers(store, None if splits is None else names, cases)
    checked_window(store, chosen, window)
    full = 0
    with atomic_write(file) as temporary:
        with zipfile.ZipFile(temporary, "w") as archive:
            archive.comment = MARK + b"0" * DIGITS
            writing = Writing(archive, store.info.classes)
            for done, number in enumerate(chosen, start=1):
                case = store[number]
                writing.add(central(case, window), store.info.dtype)
                full += reaches(case.image)
                progress(done, len(chosen))
            intensity = store.info.intensity if window is None else rule(store.info, nearly_all(full, len(chosen)))
            head = writing.end(store, names, window, intensity)
        digest = seal(temporary)
    patients = [case.patient_id for case in head.cases]
    counted = {
        name: {"cases": sum(p in kept for p in patients), "patients": len(kept)}
        for name, kept in ((name, set(kept)) for name, kept in head.store.splits.items())
    }
    sizes = (writing.images.bytes, writing.masks.bytes)
    return Packed(len(patients), len(set(patients)), file.stat().st_size, digest, counted, *sizes)


def numbers(store: Store, splits: Sequence[str] | None, cases: Sequence[int] | None) -> list[int]:
    """The cases to pack, in the order of the store."""
    kept = set(range(len(store))) if splits is None else {i for name in splits for i in store.split(name)}
    if cases is not None:
        kept &= set(cases)
    if not kept:
        raise InputError(f"{store.path}: no case to pack; name splits or cases that it has")
    return sorted(kept)


def checked_window(store: Store, cases: Sequence[int], window: Sequence[int] | None) -> None:
    """Refuse a window that does not lie within every image."""
    if window is None:
        return
    if len(window) != store.info.spatial_dims or min(window) < 1:
        raise InputError(f"window: expected {store.info.spatial_dims} numbers above 0, got {list(window)}")
    for i in cases:
        if any(length < wanted for length, wanted in zip(store.shape(i), window, strict=True)):
            raise InputError(
                f"window: {list(window)} is more than case {store.ids()[i][0]} has, {list(store.shape(i))}; "
                "give a smaller one, or none to keep images whole"
            )


def rule(info: StoreInfo, stretched: bool) -> Intensity | None:
    """The rule of the intensities, with what the whole images tell and their central parts no longer show."""
    if not stretched or (info.intensity is not None and info.intensity.kind not in ("byte", "as-is")):
        return info.intensity
    kept = info.intensity or Intensity(kind="byte" if info.dtype == "uint8" else "as-is")
    return kept.model_copy(update={"stretched": True})


def central(case: Case, window: Sequence[int] | None) -> Case:
    """The central part of a case, where a training without augmentation cuts it too."""
    if window is None:
        return case
    shape = case.image.shape[1:]
    region = tuple(slice((s - w) // 2, (s - w) // 2 + w) for s, w in zip(shape, window, strict=True))
    return Case(case.image[:, *region], case.masks[:, *region], case.case_id, case.patient_id, case.spacing)


@dataclass
class Rows:
    """Rows that wait until a part is full.

    Args:
        archive: where parts go.
        word: what their names begin with.
    """

    archive: zipfile.ZipFile
    word: str
    waiting: list[np.ndarray] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    bytes: int = 0

    def add(self, rows: np.ndarray, most: int) -> None:
        """Append rows; parts are cut after `most` of them and where their shape changes."""
        if self.waiting and self.waiting[0].shape[1:] != rows.shape[1:]:
            self.flush()
        while len(rows):
            room = most - sum(map(len, self.waiting))
            self.waiting.append(rows[:room])
            rows = rows[room:]
            if sum(map(len, self.waiting)) >= most:
                self.flush()

    def flush(self) -> None:
        """Write what waits as a part."""
        if self.waiting:
            part, data = encode(f"{self.word}-{len(self.parts):05d}", np.concatenate(self.waiting))
            self.archive.writestr(zipfile.ZipInfo(part.name, LONG_AGO), data)
            self.parts.append(part)
            self.bytes += len(data)
            self.waiting.clear()


class Writing:
    """A pack that is being written.

    Args:
        archive: the zip.
        classes: of the masks.
    """

    def __init__(self, archive: zipfile.ZipFile, classes: int) -> None:
        self.archive, self.classes = archive, classes
        self.images, self.masks = Rows(archive, "images"), Rows(archive, "masks")
        self.cases: list[PackedCase] = []

    def add(self, case: Case, dtype: str) -> None:
        """Append one case."""
        steps = on_grid(case.image) if dtype == "uint8" else None
        pixels = case.image if steps is None else steps
        planes = pixels.reshape(-1, *pixels.shape[-2:])  # [C, *spatial] -> [C or C * D, H, W]
        self.images.add(planes, min(max(PIXELS // planes[0].size, 1), PLANES))
        self.masks.add(encode_masks(case.masks, self.classes), MASK_BYTES)
        shape = case.image.shape[1:]
        self.cases.append(PackedCase(case.case_id, case.patient_id, shape, case.annotators, case.spacing))

    def end(
        self, store: Store, splits: Sequence[str], window: Sequence[int] | None, intensity: Intensity | None
    ) -> Head:
        """Write what is left, and the head."""
        self.images.flush()
        self.masks.flush()
        there = {case.patient_id for case in self.cases}
        kept = {name: tuple(p for p in store.info.splits[name] if p in there) for name in splits}
        head = Head(
            format="atfm-pack",
            version=VERSION,
            packed_from=store.digest,
            window=None if window is None else tuple(window),
            store=store.info.model_copy(update={"splits": kept, "cases": len(self.cases), "intensity": intensity}),
            cases=self.cases,
            images=self.images.parts,
            masks=self.masks.parts,
        )
        info = zipfile.ZipInfo(HEAD, LONG_AGO)
        info.compress_type = zipfile.ZIP_DEFLATED
        self.archive.writestr(info, head.model_dump_json(exclude_none=True))
        return head
