"""`StoreWriter`: cases in, one at a time, and a whole store or nothing out."""

import json
import math
import os
import secrets
import shutil
import time
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Literal, Self

import numpy as np

from atfm.data.case import Case
from atfm.data.layout import (
    FILES,
    HEADER_BYTES,
    INDEX_ROW,
    STORED,
    VERSION,
    StoreInfo,
    decode_image,
    encode_masks,
    npy_header,
    on_grid,
    sha256,
)
from atfm.data.splits import check_disjoint
from atfm.errors import InputError
from atfm.io.atomic import disk_errors

__all__ = ["StoreWriter"]

Row = tuple[int, int, tuple[float, ...], int, tuple[float, ...], int, int]  # the fields of INDEX_ROW

# A writer touches its files with every case; a folder silent for this long was left by a killed one.
ABANDONED_SECONDS = 3600.0


class StoreWriter:
    """Write a store case by case, in memory that does not grow with the pixels.

    The files are written into a hidden folder beside `path`, which takes its name when the block ends well. An error
    inside the block removes it; nothing appears under `path` then.

    Args:
        path: the folder to make; it may exist if it is empty.
        name, licence, source, modality: see `StoreInfo`.
        classes: 1 for binary masks, else the number of labels, background included.
        splits: patient ids of each split; patients that no case belongs to are left out of the store.

    Raises:
        InputError: a path in use, or splits that share a patient.
        DiskError: the folder cannot be written.
    """

    info: StoreInfo

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
    ) -> None:
        if not 1 <= classes <= 256:
            raise InputError(f"classes: expected 1 (binary) to 256, got {classes}")
        self.path = Path(os.path.abspath(path))  # `.` has no name to take at the end
        self.splits = dict(splits or {})
        self._about = {"name": name, "licence": licence, "source": source, "modality": modality}
        self._classes = classes
        self._rows: list[Row] = []
        self._cases: dict[str, str] = {}  # case_id -> patient_id, in order
        self._dtype: Literal["uint8", "float32"] = "uint8"
        self._channels = self._spatial_dims = 0
        self._image_end = self._mask_end = 0
        check_disjoint(self.splits)
        if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
            raise InputError(f"{path}: exists already; give the name of a new folder, or remove this one first")

    def __enter__(self) -> Self:
        with disk_errors(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            prefix = f".{self.path.name}.partial-"
            remove_abandoned(self.path.parent, prefix)
            self._folder = self.path.with_name(prefix + secrets.token_hex(8))
            self._folder.mkdir()
            try:
                self._images = self._start("images.npy")
                self._masks = self._start("masks.npy")
            except OSError:
                shutil.rmtree(self._folder, ignore_errors=True)
                raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                with disk_errors(self.path):
                    self._finish()
        finally:
            for stream in (self._images, self._masks):
                # After a full disk even close() fails, as it flushes; the cause is on its way already.
                try:
                    stream.close()
                except OSError:
                    continue
            shutil.rmtree(self._folder, ignore_errors=True)

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def patients(self) -> list[str]:
        """The patients of the cases so far, in order of first appearance."""
        return list(dict.fromkeys(self._cases.values()))

    def add(self, case: Case) -> None:
        """Append one case.

        Raises:
            InputError: an id used before, other channels or spatial axes than the first case, or labels that are not
                among the classes.
            DiskError: the disk is full.
        """
        self._check(case)
        spatial = case.image.shape[1:]
        with disk_errors(self.path):
            pixels = self._pixels(case.image)
            image = pixels.astype(pixels.dtype.newbyteorder("<"), copy=False).tobytes()
            masks = encode_masks(case.masks, self._classes).tobytes()
            self._images.write(image)
            self._masks.write(masks)
        self._rows.append(
            (
                self._image_end,
                self._mask_end,
                padded(spatial),
                case.annotators,
                padded(case.spacing),
                zlib.crc32(image),
                zlib.crc32(masks),
            )
        )
        self._cases[case.case_id] = case.patient_id
        self._image_end += case.image.size
        self._mask_end += len(masks)

    def _check(self, case: Case) -> None:
        channels, spatial_dims = len(case.image), case.image.ndim - 1
        if not self._rows:
            self._channels, self._spatial_dims = channels, spatial_dims
        if case.case_id in self._cases:
            raise InputError(f"case {case.case_id}: there are two of this name; every case needs its own")
        if (channels, spatial_dims) != (self._channels, self._spatial_dims):
            raise InputError(
                f"case {case.case_id}: image: expected {self._channels} channels and {self._spatial_dims} spatial axes "
                f"as in the first case, got {channels} and {spatial_dims}"
            )
        top = max(self._classes - 1, 1)
        if case.masks.max(initial=0) > top:
            raise InputError(
                f"case {case.case_id}: masks: expected labels 0 to {top}, got {case.masks.max()}; "
                "set the number of classes"
            )

    def _pixels(self, image: np.ndarray) -> np.ndarray:
        """The image as it is stored: exact 8-bit steps for as long as all images have them, else float32."""
        if self._dtype == "float32":
            return image
        steps = on_grid(image)
        if steps is not None:
            return steps
        self._widen()
        return image

    def _widen(self) -> None:
        """Rewrite the images so far as float32, one case at a time."""
        narrow = self._images
        narrow.flush()
        widened = self._start("images-float32.npy")
        with (self._folder / "images.npy").open("rb") as stream:
            stream.seek(HEADER_BYTES)
            for i, row in enumerate(self._rows):
                size = self._channels * int(math.prod(n for n in row[2] if n))
                pixels = decode_image(np.frombuffer(stream.read(size), np.uint8)).astype("<f4").tobytes()
                widened.write(pixels)
                self._rows[i] = (*row[:5], zlib.crc32(pixels), row[6])
        narrow.close()
        (self._folder / "images-float32.npy").replace(self._folder / "images.npy")
        self._images, self._dtype = widened, "float32"

    def _start(self, name: str) -> BinaryIO:
        stream = (self._folder / name).open("wb")
        stream.write(bytes(HEADER_BYTES))
        return stream

    def _finish(self) -> None:
        if not self._rows:
            raise InputError(f"{self.path}: no case was added; a store needs at least one")
        end(self._images, npy_header(STORED[self._dtype], self._image_end))
        end(self._masks, npy_header("|u1", self._mask_end))
        np.save(self._folder / "index.npy", np.array(self._rows, dtype=INDEX_ROW))
        (self._folder / "cases.json").write_text(json.dumps(list(self._cases.items())), encoding="utf-8")
        known = set(self._cases.values())
        self.info = StoreInfo(
            **self._about,
            classes=self._classes,
            channels=self._channels,
            spatial_dims=2 if self._spatial_dims == 2 else 3,
            cases=len(self._rows),
            dtype=self._dtype,
            version=VERSION,
            files={name: sha256(self._folder / name) for name in FILES},
            splits={name: tuple(p for p in patients if p in known) for name, patients in self.splits.items()},
        )
        (self._folder / "store.json").write_text(self.info.model_dump_json(indent=1) + "\n", encoding="utf-8")
        if self.path.exists():
            self.path.rmdir()  # empty, as __init__ saw to it
        self._folder.rename(self.path)


def end(stream: BinaryIO, header: bytes) -> None:
    """Write the header that was left open, and see the file safely on the disk."""
    stream.seek(0)
    stream.write(header)
    stream.flush()
    os.fsync(stream.fileno())
    stream.close()


def padded(values: Sequence[float]) -> tuple[float, ...]:
    """Three numbers, the missing ones 0."""
    return (*values, 0, 0, 0)[:3]


def remove_abandoned(parent: Path, prefix: str) -> None:
    """Remove the half-written folders that killed writers left behind."""
    for folder in parent.glob(f"{prefix}*"):
        newest = max((file.stat().st_mtime for file in [folder, *folder.iterdir()]), default=0.0)
        if time.time() - newest > ABANDONED_SECONDS:
            shutil.rmtree(folder, ignore_errors=True)
