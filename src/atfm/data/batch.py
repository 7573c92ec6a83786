"""`Batch`: several cases as tensors on one device, annotators padded to the largest `K` of the batch."""

from dataclasses import dataclass

from torch import Tensor

__all__ = ["Batch"]


@dataclass(frozen=True)
class Batch:
    """`B` images with up to `K` annotations each.

    Args:
        image: `[B, C_in, *spatial]` float32 in [0, 1].
        annotations: `[B, K, C, *spatial]` float32 in {0, 1}: one channel for binary masks, one-hot for classes; all
            channels are 0 where an annotator says nothing.
        present: `[B, K]` bool; False marks a row of padding, for images with fewer annotators than the others.
        valid: `[B, K, *spatial]` bool, the pixels of which each annotator says something; None: all of them.
    """

    image: Tensor
    annotations: Tensor
    present: Tensor
    valid: Tensor | None = None
