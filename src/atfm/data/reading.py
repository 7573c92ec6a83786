"""`Reader`: batches of a source as raw tensors, wherever they lie; what is made of them is the data set's affair."""

from collections import OrderedDict
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from atfm.data.augment import Augmentation
from atfm.data.crop import marked_points, parts
from atfm.data.labels import highest
from atfm.data.pixels import Box
from atfm.data.source import Source
from atfm.errors import InputError

__all__ = ["Raw", "Reader"]

_REMEMBERED = 2**12  # cases whose marked pixels are remembered, 3 KB each


class Raw(NamedTuple):
    """A batch before it is augmented.

    Args:
        image: `[B, C_in, *size]` uint8 or float32, as the source keeps them.
        labels: `[B, K, *size]` uint8, 0 in rows of padding.
        centre: `[B, d]` float32, where each window lies in its part; None for whole images.
    """

    image: Tensor
    labels: Tensor
    centre: Tensor | None


class Reader:
    """Reads from a source, on the CPU; it can be sent to another process.

    Args:
        source: the cases.
        classes: 1 for binary masks, else the number of labels.
        crop: size of the parts that are read; None: whole images.
        ignore_label: a label that says nothing, see `StoreInfo`.

    Raises:
        InputError: no case, or images that do not fit each other or the crop.
    """

    def __init__(
        self, source: Source, classes: int, *, crop: Sequence[int] | None = None, ignore_label: int | None = None
    ) -> None:
        self.source, self.classes, self.ignore_label = source, classes, ignore_label
        self.crop = tuple(crop) if crop else None
        self._marked: OrderedDict[int, np.ndarray] = OrderedDict()
        self._check()

    def _check(self) -> None:
        source = self.source
        if not len(source):
            raise InputError("no case to train on: the split is empty; name another split or import more cases")
        first = source.shapes[0].tolist()
        if self.crop is not None:
            if len(first) != len(self.crop):
                raise InputError(
                    f"case {source.case_ids[0]}: expected {len(self.crop)} spatial axes for the crop "
                    f"{list(self.crop)}, got an image of {first}; set crop to as many numbers"
                )
            return
        unlike = np.flatnonzero((source.shapes != source.shapes[0]).any(1))
        if len(unlike):
            raise InputError(
                f"case {source.case_ids[unlike[0]]}: expected an image of {first} like the first case, got "
                f"{source.shapes[unlike[0]].tolist()}; set fit.canvas to scale all into one size, or crop to train "
                "on parts of one size"
            )

    @property
    def size(self) -> tuple[int, ...]:
        """The spatial size of a batch: that of every image, or of the crop."""
        return self.crop or tuple(self.source.shapes[0].tolist())

    def image(self, i: int, box: Box | None = None) -> Tensor:
        """The image of case `i`, `[C_in, *spatial]` as it is kept, or a part of it."""
        return torch.from_numpy(np.array(self.source.image(i, box)))

    def labels(self, i: int, box: Box | None = None) -> Tensor:
        """The labels of case `i`, `[K, *spatial]` uint8, or a part of them."""
        return torch.from_numpy(np.array(self._labels(i, box)))

    def marked(self, i: int) -> np.ndarray:
        """Some of the pixels of case `i` that any annotator marked, `[M, d]`."""
        if i in self._marked:
            self._marked.move_to_end(i)
            return self._marked[i]
        found = marked_points(partial(self._labels, i), self.source.shapes[i].tolist(), self.ignore_label)
        self._marked[i] = found
        if len(self._marked) > _REMEMBERED:
            self._marked.popitem(last=False)
        return found

    def read(self, chosen: Sequence[int], drawn: Augmentation | None, window: Sequence[int]) -> Raw:
        """Read whole images, or of each the part that its augmented window can reach.

        Args:
            chosen: numbers of the cases.
            drawn: their augmentation, on the CPU.
            window: what is cut out of a part.
        """
        if self.crop is None:
            return self._whole(chosen)
        none = np.empty((0, len(window)), np.int32)
        over = [False] * len(chosen) if drawn is None or drawn.pick is None else (drawn.pick >= 0).tolist()
        marked = [self.marked(i) if lesion else none for i, lesion in zip(chosen, over, strict=True)]
        cut = parts(self.source.shapes[list(chosen)], marked, drawn, window)
        images = [cut.image(row, partial(self.image, i)) for row, i in enumerate(chosen)]
        labels = [cut.labels(row, partial(self.labels, i)) for row, i in enumerate(chosen)]
        return Raw(torch.stack(images), padded(labels), torch.from_numpy(cut.centre))

    def _whole(self, chosen: Sequence[int]) -> Raw:
        return Raw(torch.stack([self.image(i) for i in chosen]), padded([self.labels(i) for i in chosen]), None)

    def _labels(self, i: int, box: Box | None) -> np.ndarray:
        labels = self.source.labels(i, box)
        top = highest(labels, self.ignore_label) if self.classes > 1 else 0
        if top >= max(self.classes, 2):
            raise InputError(
                f"case {self.source.case_ids[i]}: masks: expected labels 0 to {self.classes - 1}, got {top}; "
                "set the number of classes"
            )
        return labels


def padded(labels: Sequence[Tensor]) -> Tensor:
    """Labels `[K_i, *spatial]` of several images as one tensor `[B, K, *spatial]`, the missing rows 0."""
    most = max(len(masks) for masks in labels)
    if all(len(masks) == most for masks in labels):
        return torch.stack(list(labels))
    stacked = labels[0].new_zeros(len(labels), most, *labels[0].shape[1:])
    for row, masks in zip(stacked, labels, strict=True):
        row[: len(masks)] = masks
    return stacked
