"""`Crop`: the random part of a larger image that a training step sees."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from torch import Tensor

from atfm.data.augment import Augmentation, apply
from atfm.data.case import Case
from atfm.data.mirror import mirror_pad

__all__ = ["Crop", "cut"]

_POINTS = 256  # marked pixels remembered of each case: a lesion of any shape is hit all over


@dataclass(frozen=True)
class Crop:
    """An image with its labels, and some of the pixels that any annotator marked.

    Args:
        image: `[C_in, *spatial]` uint8.
        labels: `[K, *spatial]` uint8.
        marked: `[M, d]` positions of marked pixels, on the CPU; `M = 0` where nobody marked any.
    """

    image: Tensor
    labels: Tensor
    marked: np.ndarray

    @classmethod
    def of(cls, case: Case, device: torch.device, ignore_label: int | None = None, *, points: bool = True) -> Self:
        """Take a case to a device; without `points` no marked pixel is remembered."""
        image = torch.from_numpy(np.rint(case.image * 255).astype(np.uint8)).to(device)
        marked = np.empty((0, case.masks.ndim - 1), np.int64)
        if points:
            said = case.masks > 0 if ignore_label is None else (case.masks > 0) & (case.masks != ignore_label)
            marked = np.argwhere(said.any(0))
            marked = marked[np.unique(np.linspace(0, len(marked) - 1, min(len(marked), _POINTS)).astype(int))]
        return cls(image, torch.tensor(case.masks).to(device), marked)

    def grown(self, size: Sequence[int]) -> "Crop":
        """The same, grown by reflection to at least this spatial size."""
        shape = self.labels.shape[1:]
        before = [max(wanted - length, 0) // 2 for wanted, length in zip(size, shape, strict=True)]
        return Crop(mirror_pad(self.image, size), mirror_pad(self.labels, size), self.marked + before)


def cut(part: Crop, drawn: Augmentation | None, row: int, window: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Cut a window out of one image and augment it.

    Only what the window can reach is turned into floats, however large the image.

    Args:
        part: the image, at least as large as the window.
        drawn: of the whole batch; None: the central window as it is.
        row: which of its augmentations is meant.
        window: spatial size of the result.

    Returns:
        `[C_in, *window]` float32 in [0, 1] and labels `[K, *window]` as float32.
    """
    size = part.image.shape[1:]
    if drawn is None:
        region = tuple(slice((s - w) // 2, (s - w) // 2 + w) for s, w in zip(size, window, strict=True))
        return part.image[:, *region].float() / 255, part.labels[:, *region].float()
    own = Augmentation(drawn.matrix[row : row + 1], drawn.gain[row : row + 1], drawn.offset[row : row + 1])
    corner = start(part, drawn, row, window)
    matrix = np.array(own.matrix[0].tolist())  # [d, d + 1], x first
    reach = np.abs(matrix[:, :-1]) @ ((np.array(window[::-1]) - 1) / 2) + np.abs(matrix[:, -1]) + 1
    box: list[slice] = []
    centre: list[float] = []
    for axis, (first, width, length) in enumerate(zip(corner, window, size, strict=True)):
        middle = first + (width - 1) / 2
        low = min(max(math.floor(middle - reach[-1 - axis]), 0), length - 1)
        high = max(min(math.ceil(middle + reach[-1 - axis]) + 1, length), low + 1)
        box.append(slice(low, high))
        centre.append(middle - (low + high - 1) / 2)
    image, labels = (x[:, *box].unsqueeze(0).float() for x in (part.image, part.labels))
    image, labels = apply(own, image / 255, labels, window, centre)
    return image[0], labels[0]


def start(part: Crop, drawn: Augmentation, row: int, window: Sequence[int]) -> list[int]:
    """The corner of the crop: anywhere, or so that a marked pixel lies anywhere within it."""
    size = part.image.shape[1:]
    free = [length - width for length, width in zip(size, window, strict=True)]
    if drawn.place is None:
        return [room // 2 for room in free]
    place = drawn.place[row].tolist()
    pick = -1.0 if drawn.pick is None else float(drawn.pick[row])
    if pick < 0 or not len(part.marked):
        return [int(share * (room + 1)) for share, room in zip(place, free, strict=True)]
    point = part.marked[int(pick * len(part.marked))].tolist()
    return [
        min(max(at - int(share * width), 0), room)
        for at, share, width, room in zip(point, place, window, free, strict=True)
    ]
