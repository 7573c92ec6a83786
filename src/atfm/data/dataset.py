"""`CaseDataset`: what a training and a validation see of a set of cases, wherever these are kept."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch
from torch import Tensor

from atfm.data.augment import Augmentation, apply
from atfm.data.batch import Batch
from atfm.data.labels import counted, one_hot
from atfm.data.plan import Plan
from atfm.data.reading import Raw, Reader

__all__ = ["CaseDataset"]


class CaseDataset:
    """Cases by number, as batches on one device.

    `Held` keeps them all on the device, `Streamed` reads them while the training goes on; the batches are the same,
    bit for bit, since both give the same raw pixels, and all that follows is done here, on the device.

    Args:
        reader: reads the raw pixels.
        device: where the batches lie.
    """

    def __init__(self, reader: Reader, device: torch.device | str = "cpu") -> None:
        self.reader, self.device = reader, torch.device(device)
        self._annotators = reader.source.annotators

    def __len__(self) -> int:
        return len(self.reader.source)

    @property
    def case_ids(self) -> Sequence[str]:
        """The id of every case."""
        return self.reader.source.case_ids

    @property
    def channels(self) -> int:
        """The channels of every image, `C_in`."""
        return self.reader.source.channels

    @property
    def size(self) -> tuple[int, ...]:
        """The spatial size of a batch: that of every image, or of the crop."""
        return self.reader.size

    def batch(
        self,
        indices: Tensor | Sequence[int],
        drawn: Augmentation | None = None,
        window: Sequence[int] | None = None,
    ) -> Batch:
        """Return some cases, augmented and cut to their central window (or to a crop).

        Args:
            indices: numbers of the cases, `[B]`, on the CPU: else they are waited for.
            drawn: their augmentation, on the CPU; None: as they are, whole images then also whole.
            window: spatial size of what is cut out; None: `size`.
        """
        chosen = indices.tolist() if isinstance(indices, Tensor) else list(indices)
        window = tuple(window) if window else self.size
        return self._finished(self.reader.read(chosen, drawn, window), chosen, drawn, window)

    def batches(self, plan: Plan, asked: Iterable[tuple[int, int]]) -> Iterator[Batch]:
        """Return the batches of a plan's steps and parts, `(step, part)`, one after the other, in the order asked."""
        return (self.batch(*plan(step, part), plan.window) for step, part in asked)

    def image(self, index: int) -> Tensor:
        """Return one image as it is, of whatever size: `[C_in, *spatial]` float32 in [0, 1], on the device."""
        return self._floats(self.reader.image(index))

    def annotations(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Return what all annotators say of one case, of whatever size.

        Returns:
            Their masks `[K, C, *spatial]` bool, and which pixels count, `[*spatial]`: those that nobody ignores.
        """
        reader = self.reader
        labels = reader.labels(index).cpu().numpy()
        dims = labels.ndim - 1
        return one_hot(labels, reader.classes, dims, reader.ignore_label), counted(labels, reader.ignore_label)

    def _floats(self, stored: Tensor) -> Tensor:
        image = stored.to(self.device, non_blocking=True)
        return image.float() / 255 if image.dtype == torch.uint8 else image

    def _finished(self, raw: Raw, chosen: Sequence[int], drawn: Augmentation | None, window: Sequence[int]) -> Batch:
        """Take a raw batch to the device, augment it, and give its labels channels."""
        image, labels = self._floats(raw.image), raw.labels.to(self.device, non_blocking=True)
        if drawn is not None:
            centre = None if raw.centre is None else raw.centre.to(self.device, non_blocking=True)
            image, labels = apply(drawn.to(self.device), image, labels.float(), window, centre)
        present = np.arange(labels.shape[1]) < self._annotators[list(chosen)][:, None]  # [B, K]
        return self._as_batch(image, labels, torch.from_numpy(present).to(self.device, non_blocking=True))

    def _as_batch(self, image: Tensor, labels: Tensor, present: Tensor) -> Batch:
        """`image [B, C_in, *spatial]`, `labels [B, K, *spatial]`, `present [B, K]` with channels for the labels."""
        classes, ignored = self.reader.classes, self.reader.ignore_label
        if classes == 1:
            return Batch(image, (labels > 0).float().unsqueeze(2), present)
        numbers = torch.arange(classes, device=labels.device).view(-1, *[1] * (labels.dim() - 2))
        annotations = (labels.unsqueeze(2) == numbers).float()  # [B, K, C, *spatial]; no channel of an ignored pixel
        return Batch(image, annotations, present, None if ignored is None else labels != ignored)
