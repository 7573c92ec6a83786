"""`Resident`: cases of a store held as tensors on the device, so that a training step waits for no disk."""

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from atfm.data.augment import Augmentation, apply
from atfm.data.batch import Batch
from atfm.data.case import Case
from atfm.data.crop import Crop, cut
from atfm.errors import InputError

__all__ = ["Resident"]


class Resident:
    """Cases on one device, as 8-bit images and labels.

    Images of one size are held as one tensor and batched whole. With `crop` they may differ in size, and a batch holds
    a part of each; those smaller than the part are grown by reflection, image and masks alike.

    Args:
        cases: the cases; all images must have the same channels and, without `crop`, the same size.
        classes: 1 for binary masks, else the number of labels.
        device: where they are held.
        crop: size of the part that a batch shows; None: the whole image.
        ignore_label: a label that says nothing, see `StoreInfo`.

    Raises:
        InputError: no case, or images that do not fit each other or the crop.
    """

    def __init__(
        self,
        cases: Iterable[Case],
        classes: int,
        device: torch.device | str = "cpu",
        *,
        crop: Sequence[int] | None = None,
        ignore_label: int | None = None,
    ) -> None:
        self.classes, self.ignore_label, self.device = classes, ignore_label, torch.device(device)
        self.crop = tuple(crop) if crop else None
        self.case_ids: list[str] = []
        self.parts: list[Crop] = []
        for case in cases:
            self._check(case)
            self.case_ids.append(case.case_id)
            self.parts.append(Crop.of(case, self.device, ignore_label, points=self.crop is not None))
        if not self.parts:
            raise InputError("no case to train on: the split is empty; name another split or import more cases")
        if self.crop is None:
            self.images = torch.stack([part.image for part in self.parts])  # [N, C_in, *spatial]
            self.labels, self.present = padded([part.labels for part in self.parts])  # [N, K, *spatial], [N, K]
            for i, part in enumerate(self.parts):  # Views of the stack: held once.
                self.parts[i] = Crop(self.images[i], self.labels[i, : len(part.labels)], part.marked)

    def _check(self, case: Case) -> None:
        shape, size = case.image.shape, case.image.shape[1:]
        if self.crop is not None and len(size) != len(self.crop):
            raise InputError(
                f"case {case.case_id}: expected {len(self.crop)} spatial axes for the crop {list(self.crop)}, "
                f"got an image {list(shape)}; set crop to as many numbers"
            )
        first = tuple(self.parts[0].image.shape) if self.parts else shape
        if shape[0] != first[0] or (self.crop is None and shape != first):
            raise InputError(
                f"case {case.case_id}: expected an image {list(first)} like the first case, got {list(shape)}; "
                "set crop to train on parts of one size, or import the set again with --size"
            )

    def __len__(self) -> int:
        return len(self.parts)

    @property
    def channels(self) -> int:
        """The channels of every image, `C_in`."""
        return self.parts[0].image.shape[0]

    @property
    def size(self) -> tuple[int, ...]:
        """The spatial size of a batch: that of every image, or of the crop."""
        return self.crop or tuple(self.parts[0].image.shape[1:])

    def batch(
        self, indices: Tensor, augmentation: Augmentation | None = None, window: Sequence[int] | None = None
    ) -> Batch:
        """Return the cases `indices [B]`, augmented and cut to their central window (or to a crop) where asked for."""
        if self.crop is not None:
            return self._cropped(indices.tolist(), augmentation, window or self.crop)
        image, labels = self.images[indices].float() / 255, self.labels[indices].float()
        if augmentation is not None:
            image, labels = apply(augmentation, image, labels, window or self.size)
        return self._as_batch(image, labels, self.present[indices])

    def whole(self, index: int) -> Batch:
        """Return one case as it is, of whatever size, with its own annotators alone."""
        part = self.parts[index]
        present = torch.ones(1, len(part.labels), dtype=torch.bool, device=self.device)
        return self._as_batch(part.image[None].float() / 255, part.labels[None].float(), present)

    def _cropped(self, indices: Sequence[int], augmentation: Augmentation | None, window: Sequence[int]) -> Batch:
        images, masks = [], []
        for row, index in enumerate(indices):
            image, labels = cut(self.parts[index].grown(window), augmentation, row, window)
            images.append(image)
            masks.append(labels)
        labels, present = padded(masks)
        return self._as_batch(torch.stack(images), labels, present)

    def _as_batch(self, image: Tensor, labels: Tensor, present: Tensor) -> Batch:
        """`image [B, C_in, *spatial]`, `labels [B, K, *spatial]`, `present [B, K]` with channels for the labels."""
        if self.classes == 1:
            return Batch(image, (labels > 0).float().unsqueeze(2), present)
        if self.ignore_label is None:
            return Batch(image, _one_hot(labels, self.classes), present)
        valid = labels != self.ignore_label
        annotations = _one_hot(torch.where(valid, labels, 0), self.classes) * valid.unsqueeze(2)
        return Batch(image, annotations, present, valid)


def _one_hot(labels: Tensor, classes: int) -> Tensor:
    """`[B, K, *spatial] -> [B, K, C, *spatial]`."""
    return F.one_hot(labels.long(), classes).movedim(-1, 2).float()


def padded(labels: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Labels `[K_i, *spatial]` of several images as one tensor `[B, K, *spatial]`, and which of its rows they fill."""
    counts = torch.tensor([len(masks) for masks in labels])
    annotators = int(counts.max())
    first = labels[0]
    stacked = first.new_zeros(len(labels), annotators, *first.shape[1:])
    for row, masks in zip(stacked, labels, strict=True):
        row[: len(masks)] = masks
    return stacked, (torch.arange(annotators) < counts[:, None]).to(first.device)
