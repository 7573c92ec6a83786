"""What one training step sees of the readers of a batch: some masks of each image."""

from typing import NamedTuple

import torch
from torch import Tensor

from atfm.data.batch import Batch
from atfm.flow.coupling import equal_shares
from atfm.methods.method import Method

__all__ = ["Readings", "readings"]


class Readings(NamedTuple):
    """Masks of the window, one after the other: `N = B P` of `P` readers of each image.

    Args:
        mask: `[N, C, *window]` in {0, 1}, one-hot of classes; all channels 0 where nothing is said.
        said: `[N, *window]` bool, the pixels of which the reader says something; None: all.
    """

    mask: Tensor
    said: Tensor | None


def readings(method: Method, batch: Batch, count: int) -> Readings:
    """Choose `count` readers of each image at random, all of its readers as often as each other.

    Args:
        method: whose window is looked at.
        batch: what is trained on.
        count: `P`; an image with fewer readers shows some of them again.
    """
    chosen = equal_shares(batch.present, count)  # [B, P]
    rows = torch.arange(len(chosen), device=chosen.device).unsqueeze(1)
    mask = method.focus(batch.annotations)[rows, chosen].flatten(0, 1)
    return Readings(mask, None if batch.valid is None else method.focus(batch.valid)[rows, chosen].flatten(0, 1))
