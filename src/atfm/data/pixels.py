"""`Pixels`: the images and masks of a store, read whole or in part through a memory map, and verified while reading."""

import math
import mmap
import zlib
from pathlib import Path

import numpy as np

from atfm.data.index import AGAIN, measure, one_behind_the_other, open_flat
from atfm.data.layout import STORED, StoreInfo, decode_masks
from atfm.errors import StoreError
from atfm.io.decoding import brief

__all__ = ["Box", "Pixels"]

Box = tuple[slice, ...]  # a part of an image: a slice with both ends for each spatial axis

# What was read stays mapped until so many bytes are; then all is let go, and the system's cache alone keeps it.
_MAPPED = 2**28
_AROUND = 2**16  # bytes that the system maps around those that were asked for


class Pixels:
    """The pixels of a store.

    A part is verified too: the first time that a process asks for one, all of that image (or its masks) is read.

    Args:
        path: the folder of the store.
        info: its `store.json`.
        index: its rows, `[cases]` of `INDEX_ROW`.
        ids: `(case_id, patient_id)` of every case, for what is said of a damaged one.

    Raises:
        StoreError: files or rows that do not belong together.
    """

    def __init__(self, path: Path, info: StoreInfo, index: np.ndarray, ids: list[tuple[str, str]]) -> None:
        self.path, self.info, self.index, self._ids = path, info, index, ids
        pixels, self._mask_bytes = measure(index, info, path / "index.npy")
        self._images, images = open_flat(path / "images.npy", STORED[info.dtype], int(pixels.sum()))
        self._masks, masks = open_flat(path / "masks.npy", "|u1", int(self._mask_bytes.sum()))
        self._maps = (images, masks)
        begins = zip((index["image"], index["mask"]), (pixels, self._mask_bytes), strict=True)
        if not all(one_behind_the_other(*pair) for pair in begins):
            raise StoreError(f"{path / 'index.npy'}: its cases do not lie one behind the other; {AGAIN}")
        self._sound = {crc: np.zeros(len(index), dtype=bool) for crc in ("image_crc", "mask_crc")}
        self._mapped = 0

    def shape(self, i: int) -> tuple[int, ...]:
        """The spatial shape of case `i`."""
        return tuple(self.index["shape"][i, : self.info.spatial_dims].tolist())

    def image(self, i: int, box: Box | None = None) -> np.ndarray:
        """The image of case `i`, `[C_in, *spatial]`, or a part of it: a view, in the type of the store.

        Raises:
            StoreError: a byte of the image is not what was written.
        """
        first = int(self.index["image"][i])
        stored = self._images[first : first + self.info.channels * math.prod(self.shape(i))]
        self._verify(i, stored, "image_crc", again=box is None)
        image = stored.reshape(self.info.channels, *self.shape(i))
        return image if box is None else self._read(image[:, *box])

    def labels(self, i: int, box: Box | None = None) -> np.ndarray:
        """The labels of case `i`, `[K, *spatial]` uint8, or a part of them.

        Raises:
            StoreError: a byte of the masks is not what was written.
        """
        stored, shape = self.masks(i, again=box is None), (int(self.index["annotators"][i]), *self.shape(i))
        if box is None:
            return decode_masks(stored, shape, self.info.classes)
        if self.info.classes > 1:
            return np.array(self._read(stored.reshape(shape)[:, *box]))
        return self._read(_bits(stored, shape, box))

    def masks(self, i: int, *, again: bool = True) -> np.ndarray:
        """The masks of case `i` as they are stored, flat: eight pixels to a byte for binary masks, else the labels.

        Args:
            i: number of the case.
            again: verify them also where this was done before.

        Raises:
            StoreError: a byte of the masks is not what was written.
        """
        first = int(self.index["mask"][i])
        stored = self._masks[first : first + int(self._mask_bytes[i])]
        self._verify(i, stored, "mask_crc", again=again)
        return stored

    def _verify(self, i: int, stored: np.ndarray, crc: str, *, again: bool) -> None:
        if self._sound[crc][i] and not again:
            return
        if zlib.crc32(stored.data) != self.index[crc][i]:
            name = "images.npy" if crc == "image_crc" else "masks.npy"
            raise StoreError(
                f"{self.path / name}: damaged in case {brief(self._ids[i][0])}: its CRC-32 does not match; {AGAIN}"
            )
        self._sound[crc][i] = True
        self._read(stored)

    def _read(self, part: np.ndarray) -> np.ndarray:
        """Let the maps go when much was read: else all of a large store would count as memory of this process."""
        self._mapped += part.nbytes + _AROUND
        if self._mapped > _MAPPED and hasattr(mmap, "MADV_DONTNEED"):
            for pages in self._maps:
                pages.madvise(mmap.MADV_DONTNEED)
            self._mapped = 0
        return part


def _bits(stored: np.ndarray, shape: tuple[int, ...], box: Box) -> np.ndarray:
    """A part of masks `[K, *spatial]` that lie eight pixels to a byte, one row of pixels behind the other."""
    *outer, width = shape
    row, rows = box[-1], box[-2]
    if width % 8 == 0:
        first, end = row.start // 8, -(-row.stop // 8)
        part = stored.reshape(*outer, width // 8)[:, *box[:-1], first:end]
        return np.unpackbits(part, axis=-1)[..., row.start - 8 * first : row.stop - 8 * first]
    # rows begin within a byte: unpack the stretch of rows that each slice of each annotator has
    height = outer[-1]
    slices = np.arange(math.prod(outer[:-1])).reshape(outer[:-1])[:, *box[:-2]]
    found = np.empty((slices.size, rows.stop - rows.start, row.stop - row.start), np.uint8)
    for target, number in zip(found, slices.ravel().tolist(), strict=True):
        begin, end = (number * height + rows.start) * width, (number * height + rows.stop) * width
        bits = np.unpackbits(stored[begin // 8 : -(-end // 8)])[begin % 8 :][: end - begin]
        target[:] = bits.reshape(-1, width)[:, row]
    return found.reshape(*slices.shape, *found.shape[1:])
