"""`GrowingFiles`: the images and the masks of a store while it is written, each one flat array with an open end."""

import os
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np

from atfm.data.case import Case
from atfm.data.journal import Entry
from atfm.data.layout import HEADER_BYTES, STORED, decode_image, encode_masks, npy_header, on_grid

__all__ = ["GrowingFiles", "write_safely"]

IMAGES = {"uint8": "images.npy", "float32": "images-float32.npy"}  # the second takes the first's name at the end
MASKS = "masks.npy"


class GrowingFiles:
    """Append cases to the two files; images are 8-bit steps for as long as all of them lie on those, then float32.

    Args:
        folder: where they lie.
        classes: 1 for binary masks, which are stored as bits.
    """

    images: BinaryIO
    masks: BinaryIO

    def __init__(self, folder: Path, classes: int) -> None:
        self.folder, self.classes = folder, classes
        self.dtype: Literal["uint8", "float32"] = "uint8"
        self.image_end = self.mask_end = 0

    def open(self, dtype: Literal["uint8", "float32"], entries: list[Entry]) -> list[Entry]:
        """Open new files, or those of a killed writer after the last case that is safe and whole.

        Args:
            dtype: of its images.
            entries: the cases that its journal says are safe.

        Returns:
            Those that are there, whole.
        """
        images, masks = self.folder / IMAGES[dtype], self.folder / MASKS
        if entries and dtype == "float32" and not images.exists() and (self.folder / IMAGES["uint8"]).exists():
            # It was stopped at its very end, when the images had their last name already.
            (self.folder / IMAGES["uint8"]).replace(images)
        if entries and images.exists() and masks.exists():
            with images.open("rb") as pixels, masks.open("rb") as labels:
                entries = list(whole_cases(entries, pixels, labels, dtype))
        else:
            dtype, entries = "uint8", []
        self.dtype = dtype
        if entries:
            self.images, self.masks = images.open("r+b"), masks.open("r+b")
            self.image_end, self.mask_end = entries[-1].image_end, entries[-1].mask_end
        else:
            self.images, self.masks = self._start(IMAGES[dtype]), self._start(MASKS)
        # What lies behind the last safe case is the half of one.
        truncate(self.images, HEADER_BYTES + self.image_end * np.dtype(STORED[dtype]).itemsize)
        truncate(self.masks, HEADER_BYTES + self.mask_end)
        return entries

    def takes(self, case: Case) -> bool:
        """Whether the images can be stored as they are with this one; else they have to be widened first."""
        return self.dtype == "float32" or on_grid(case.image) is not None

    def append(self, case: Case) -> tuple[Entry, int]:
        """Write the image and the masks of a case; its entry in the journal, and how many bytes it took."""
        steps = on_grid(case.image) if self.dtype == "uint8" else None
        pixels = case.image if steps is None else steps
        image = pixels.astype(pixels.dtype.newbyteorder("<"), copy=False).tobytes()
        masks = encode_masks(case.masks, self.classes).tobytes()
        self.images.write(image)
        self.masks.write(masks)
        starts, crcs = (self.image_end, self.mask_end), (zlib.crc32(image), zlib.crc32(masks))
        row = (*starts, padded(case.image.shape[1:]), case.annotators, padded(map(float, case.spacing)), *crcs)
        self.image_end += case.image.size
        self.mask_end += len(masks)
        entry = Entry(case.case_id, case.patient_id, row, self.image_end, self.mask_end, case.warnings)
        return entry, len(image) + len(masks)

    def widen(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        """Rewrite the images so far as float32, one case at a time; `drop_narrow` when all is safe."""
        self.images.flush()
        narrow, self.images = self.images, self._start(IMAGES["float32"])
        narrow.close()
        self.dtype = "float32"
        with (self.folder / IMAGES["uint8"]).open("rb") as stream:
            stream.seek(HEADER_BYTES)
            for entry in entries:
                stored = np.frombuffer(stream.read(entry.image_end - entry.row[0]), np.uint8)
                pixels = decode_image(stored).astype("<f4").tobytes()
                self.images.write(pixels)
                yield entry._replace(row=(*entry.row[:5], zlib.crc32(pixels), entry.row[6]))

    def drop_narrow(self) -> None:
        """Remove the images of 8 bits after they were widened."""
        (self.folder / IMAGES["uint8"]).unlink(missing_ok=True)

    def settle(self) -> None:
        """See what was written safely on the disk."""
        settle(self.images)
        settle(self.masks)

    def finish(self) -> None:
        """Write the headers that were left open, and give the images their name."""
        end(self.images, npy_header(STORED[self.dtype], self.image_end))
        end(self.masks, npy_header("|u1", self.mask_end))
        if self.dtype == "float32":
            (self.folder / IMAGES["float32"]).replace(self.folder / IMAGES["uint8"])

    def close(self) -> None:
        """Close the files, whatever led here: after a full disk even that fails, as it flushes."""
        for name in ("images", "masks"):
            with suppress(OSError):
                if (stream := getattr(self, name, None)) is not None:
                    stream.close()

    def _start(self, name: str) -> BinaryIO:
        stream = (self.folder / name).open("wb")
        stream.write(bytes(HEADER_BYTES))
        return stream


def whole_cases(entries: Iterable[Entry], images: BinaryIO, masks: BinaryIO, dtype: str) -> Iterator[Entry]:
    """The entries up to the first whose pixels are not what was written, read from the two open files."""
    itemsize = np.dtype(STORED[dtype]).itemsize
    images.seek(HEADER_BYTES)
    masks.seek(HEADER_BYTES)
    for entry in entries:
        image = images.read((entry.image_end - entry.row[0]) * itemsize)
        mask = masks.read(entry.mask_end - entry.row[1])
        if (zlib.crc32(image), zlib.crc32(mask)) != (entry.row[5], entry.row[6]):
            return
        yield entry


def truncate(stream: BinaryIO, size: int) -> None:
    """Cut an open file to `size` bytes and go to its end."""
    stream.flush()
    stream.truncate(size)
    stream.seek(size)


def settle(stream: BinaryIO) -> None:
    """See what was written to an open file safely on the disk."""
    stream.flush()
    os.fsync(stream.fileno())


def write_safely(file: Path, data: bytes) -> None:
    """Write a small file, and see it safely on the disk."""
    with file.open("wb") as stream:
        stream.write(data)
        settle(stream)


def end(stream: BinaryIO, header: bytes) -> None:
    """Write the header that was left open, and see the file safely on the disk."""
    stream.seek(0)
    stream.write(header)
    settle(stream)
    stream.close()


def padded(values: Iterable[float]) -> tuple[float, ...]:
    """Three numbers, the missing ones 0."""
    return (*values, 0, 0, 0)[:3]
