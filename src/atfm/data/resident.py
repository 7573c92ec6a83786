"""`Resident`: cases of a store held as tensors on the device, so that a training step waits for no disk."""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from atfm.data.augment import Augmentation, apply
from atfm.data.batch import Batch
from atfm.data.case import Case
from atfm.errors import InputError

__all__ = ["Resident"]


class Resident:
    """Cases of one size on one device, as 8-bit images and labels.

    Args:
        cases: the cases; all images must have the same shape.
        classes: 1 for binary masks, else the number of labels.
        device: where they are held.

    Raises:
        InputError: no case, or images of several sizes.
    """

    def __init__(self, cases: Iterable[Case], classes: int, device: torch.device | str = "cpu") -> None:
        self.classes = classes
        self.case_ids: list[str] = []
        images: list[np.ndarray] = []
        labels: list[np.ndarray] = []
        for case in cases:
            if images and case.image.shape != images[0].shape:
                raise InputError(
                    f"case {case.case_id}: expected an image {list(images[0].shape)} like the first case, "
                    f"got {list(case.image.shape)}; import the set again with --size to give all images one size"
                )
            self.case_ids.append(case.case_id)
            images.append(np.rint(case.image * 255).astype(np.uint8))
            labels.append(case.masks)
        if not images:
            raise InputError("no case to train on: the split is empty; name another split or import more cases")
        annotators = max(map(len, labels))
        self.images = torch.from_numpy(np.stack(images)).to(device)  # [N, C_in, *spatial]
        padded = np.zeros((len(labels), annotators, *labels[0].shape[1:]), np.uint8)  # [N, K, *spatial]
        for row, masks in zip(padded, labels, strict=True):
            row[: len(masks)] = masks
        self.labels = torch.from_numpy(padded).to(device)
        counts = torch.tensor([len(masks) for masks in labels])
        self.present = (torch.arange(annotators) < counts[:, None]).to(device)  # [N, K]

    def __len__(self) -> int:
        return len(self.images)

    @property
    def size(self) -> tuple[int, ...]:
        """The spatial size of every image."""
        return tuple(self.images.shape[2:])

    def batch(
        self, indices: Tensor, augmentation: Augmentation | None = None, window: Sequence[int] | None = None
    ) -> Batch:
        """Return the cases `indices [B]`, augmented and cut to their central window where asked for."""
        image = self.images[indices].float() / 255
        labels = self.labels[indices].float()
        if augmentation is not None:
            image, labels = apply(augmentation, image, labels, window or self.size)
        return Batch(image, self._one_hot(labels), self.present[indices])

    def _one_hot(self, labels: Tensor) -> Tensor:
        """`[B, K, *spatial] -> [B, K, C, *spatial]`."""
        if self.classes == 1:
            return (labels > 0).float().unsqueeze(2)
        return F.one_hot(labels.long(), self.classes).movedim(-1, 2).float()
