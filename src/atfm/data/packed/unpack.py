"""`unpack`: from one small file to the store that was packed, or the part of it that was."""

import hashlib
import math
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from atfm import __version__
from atfm.data.case import Case
from atfm.data.layout import StoreInfo, decode_image, decode_masks
from atfm.data.packed.head import AGAIN, Head, opened
from atfm.data.packed.part import LARGEST, Part, decode
from atfm.data.writer import StoreWriter
from atfm.errors import StoreError

__all__ = ["unpack"]


def unpack(file: Path, out: Path, *, progress: Callable[[int, int], object] = lambda done, total: None) -> StoreInfo:
    """Make the store of a pack, verified byte for byte: its cases are those that were packed, pixel for pixel.

    Args:
        file: made by `pack`.
        out: the store to make, whole or not at all; its `store.json` names the store that was packed. After a kill or
            a full disk the same call goes on from the cases that are safe.
        progress: called with the cases done and their total after each of them.

    Raises:
        StoreError: no pack, or a damaged one.
        InputError: a folder in use.
        BusyError: another process is making a store of this name.
        DiskError: the store cannot be written.
    """
    with opened(file) as (archive, head):
        about = {name: getattr(head.store, name) for name in ("name", "licence", "source", "modality")}
        writer = StoreWriter(
            out,
            **about,
            classes=head.store.classes,
            splits=head.store.splits,
            ignore_label=head.store.ignore_label,
            intensity=head.store.intensity,
            class_names=head.store.class_names,
            packed_from=head.packed_from,
            patients_known=head.store.patients_known,
            orientation=head.store.orientation,
            skipped=head.store.skipped,
            warnings=head.store.warnings or (),
            resume=fingerprint(head),
        )
        with writer:
            there = len(writer)
            for done, case in enumerate(cases(file, archive, head), start=1):
                if done > there:
                    writer.add(case)
                progress(done, len(head.cases))
    return writer.info


def fingerprint(head: Head) -> str:
    """SHA-256 of all that decides what the store will hold: the head names the digest of every part."""
    return hashlib.sha256(f"unpack {__version__} {head.model_dump_json()}".encode()).hexdigest()


def cases(file: Path, archive: zipfile.ZipFile, head: Head) -> Iterator[Case]:
    """Every case of a pack, in its order.

    Raises:
        StoreError: parts that do not hold what the head says.
    """
    images, masks = Rows(file, archive, head.images), Rows(file, archive, head.masks)
    channels, classes, dims = head.store.channels, head.store.classes, head.store.spatial_dims
    for case in head.cases:
        sound = len(case.shape) == len(case.spacing) == dims and min(*case.shape, case.annotators) > 0
        if not sound or math.prod(case.shape) * max(channels, case.annotators) > LARGEST:
            raise StoreError(f"{file}: head.json: the sizes of a case cannot be; {AGAIN}")
        planes = images.take(channels * math.prod(case.shape[:-2]), case.shape[-2:])
        labels = case.annotators * math.prod(case.shape)
        bits = masks.take(-(-labels // 8) if classes == 1 else labels, ())
        yield Case(
            image=decode_image(planes.reshape(channels, *case.shape)),
            masks=decode_masks(bits, (case.annotators, *case.shape), classes),
            case_id=case.case_id,
            patient_id=case.patient_id,
            spacing=case.spacing,
        )
    images.end()
    masks.end()


class Rows:
    """The rows of parts that follow each other, taken a few at a time.

    Args:
        file: of the pack, for errors.
        archive: its zip.
        parts: in their order.
    """

    def __init__(self, file: Path, archive: zipfile.ZipFile, parts: list[Part]) -> None:
        self.file, self.archive = file, archive
        self.parts = iter(parts)
        self.left = np.empty(0, np.uint8)

    def take(self, count: int, shape: tuple[int, ...]) -> np.ndarray:
        """The next `count` rows, each of `shape`."""
        pieces = []
        while count:
            if not len(self.left):
                self.left = self.next()
            if self.left.shape[1:] != shape:
                raise StoreError(f"{self.file}: its parts are not those of its cases; {AGAIN}")
            pieces.append(self.left[:count])
            count -= len(pieces[-1])
            self.left = self.left[len(pieces[-1]) :]
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)

    def next(self) -> np.ndarray:
        """The rows of the next part."""
        part = next(self.parts, None)
        if part is None:
            raise StoreError(f"{self.file}: its parts hold less than its cases; {AGAIN}")
        try:
            return decode(part, self.archive.read(part.name))
        except StoreError as error:
            raise StoreError(f"{self.file}: {error}; {AGAIN}") from error

    def end(self) -> None:
        """Refuse rows that belong to no case."""
        if len(self.left) or next(self.parts, None) is not None:
            raise StoreError(f"{self.file}: its parts hold more than its cases; {AGAIN}")
