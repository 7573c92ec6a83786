"""`Held`: all cases as tensors on the device, so that a training step waits for no disk and for no other step."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from atfm.data.case import Case
from atfm.data.crop import slabs
from atfm.data.dataset import CaseDataset
from atfm.data.pixels import Box
from atfm.data.reading import Raw, Reader
from atfm.data.source import Source, source_of

__all__ = ["Held", "held_bytes"]

_POINTS = 256 * 3 * 4  # bytes of the marked pixels that are remembered of a case


class Held(CaseDataset):
    """Cases that lie on the device, images in the type of their source, binary masks as bits.

    Images of one size are batched by one indexing operation; with `crop` they may differ in size, and a batch holds a
    part of each. No annotator takes room in a case that lacks him.

    Args:
        cases: the cases; all images must have the same channels and, without `crop`, the same size.
        classes: 1 for binary masks, else the number of labels.
        device: where they are held.
        crop: size of the part that a batch shows; those smaller are grown by reflection; None: the whole image.
        ignore_label: a label that says nothing, see `StoreInfo`.

    Raises:
        InputError: no case, or images that do not fit each other or the crop.
    """

    def __init__(
        self,
        cases: Source | Sequence[Case],
        classes: int,
        device: torch.device | str = "cpu",
        *,
        crop: Sequence[int] | None = None,
        ignore_label: int | None = None,
    ) -> None:
        reader = Reader(source_of(cases), classes, crop=crop, ignore_label=ignore_label)
        super().__init__(_Memory(reader, torch.device(device)), device)


def held_bytes(source: Source, classes: int, *, crop: bool) -> int:
    """How many bytes the cases of a source take when they are held."""
    pixels = source.shapes.prod(1)
    rows = -(-source.shapes[:, -1] // 8) if classes == 1 else source.shapes[:, -1]
    masks = source.annotators * source.shapes[:, :-1].prod(1) * rows
    return int(pixels.sum()) * source.channels * source.dtype.itemsize + int(masks.sum()) + crop * len(source) * _POINTS


class _Memory(Reader):
    """Reads from tensors that hold all that another reader gives.

    The images lie one behind the other in `_images`. So do the masks in `_masks`, each row of binary pixels in bytes of
    its own; one mask of zeros stands at the end, for the rows of padding.
    """

    def __init__(self, reader: Reader, device: torch.device) -> None:
        super().__init__(reader.source, reader.classes, crop=reader.crop, ignore_label=reader.ignore_label)
        source, self.device = reader.source, device
        self._dense = [(*shape[:-1], -(-shape[-1] // 8)) if self.classes == 1 else tuple(shape)
                       for shape in source.shapes.tolist()]  # fmt: skip
        pixels = source.shapes.prod(1) * source.channels
        masks = np.array([math.prod(dense) for dense in self._dense], dtype=np.int64)
        self._image_starts = np.cumsum(pixels) - pixels
        self._mask_starts = np.cumsum(masks * source.annotators) - masks * source.annotators
        dtype = torch.uint8 if source.dtype == np.uint8 else torch.float32
        self._images = torch.empty(int(pixels.sum()), dtype=dtype, device=device)
        self._masks = torch.zeros(int((masks * source.annotators).sum() + masks[-1]), dtype=torch.uint8, device=device)
        self._first_rows = np.cumsum(source.annotators) - source.annotators  # of masks, where all are of one size
        self._shifts = torch.arange(7, -1, -1, dtype=torch.uint8, device=device)
        self._points = [np.empty(0)] * len(source) if self.crop else []
        for i in range(len(source)):
            self._load(i, reader)

    def _load(self, i: int, reader: Reader) -> None:
        """Take over one case, a slab at a time, so that a large volume is never unpacked whole."""
        image, masks = self._held_image(i), self._held_masks(i)
        for box in slabs(self.source.shapes[i].tolist()):
            image[:, box[0]] = reader.image(i, box).to(self.device)
            labels = reader.labels(i, box)
            dense = torch.from_numpy(np.packbits(labels.numpy(), axis=-1)) if self.classes == 1 else labels
            masks[:, box[0]] = dense.to(self.device)
        if self.crop:
            self._points[i] = reader.marked(i)

    def _held_image(self, i: int) -> Tensor:
        shape = (self.source.channels, *self.source.shapes[i].tolist())
        return self._images.narrow(0, int(self._image_starts[i]), math.prod(shape)).view(shape)

    def _held_masks(self, i: int) -> Tensor:
        shape = (int(self.source.annotators[i]), *self._dense[i])
        return self._masks.narrow(0, int(self._mask_starts[i]), math.prod(shape)).view(shape)

    def image(self, i: int, box: Box | None = None) -> Tensor:
        image = self._held_image(i)
        return image if box is None else image[:, *box]

    def labels(self, i: int, box: Box | None = None) -> Tensor:
        masks, width = self._held_masks(i), int(self.source.shapes[i, -1])
        rows = slice(0, width) if box is None else box[-1]
        part = masks if box is None else masks[:, *box[:-1]]
        if self.classes > 1:
            return part[..., rows]
        first = rows.start // 8
        return self._unpacked(part[..., first : -(-rows.stop // 8)])[
            ..., rows.start - 8 * first : rows.stop - 8 * first
        ]

    def marked(self, i: int) -> np.ndarray:
        return self._points[i]

    def _whole(self, chosen: Sequence[int]) -> Raw:
        """Gather images of one size, and of each the masks that it has."""
        size, index = self.source.shapes[0].tolist(), np.array(chosen)
        annotators = self.source.annotators[index]  # [B]
        columns = np.arange(annotators.max())
        rows = np.where(columns < annotators[:, None], self._first_rows[index][:, None] + columns, -1)  # [B, K]
        rows = np.where(rows < 0, self.source.annotators.sum(), rows)
        images = self._images.view(-1, self.source.channels, *size)[self._sent(index)]
        masks = self._masks.view(-1, *self._dense[0])[self._sent(rows)]  # [B, K, *dense]
        return Raw(images, self._unpacked(masks)[..., : size[-1]] if self.classes == 1 else masks, None)

    def _sent(self, index: np.ndarray) -> Tensor:
        return torch.from_numpy(index).to(self.device, non_blocking=True)

    def _unpacked(self, packed: Tensor) -> Tensor:
        """Eight pixels for each byte of `[..., bytes]`, the highest bit first."""
        return (packed.unsqueeze(-1) >> self._shifts).bitwise_and_(1).flatten(-2)
