"""Where a flow has anything to do: the pixels of which stage 1 is unsure, and those near them."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from atfm.distributions.low_rank_normal import LowRankNormal

__all__ = ["ambiguous"]


def ambiguous(distribution: LowRankNormal, margin: int, *, unsure: float = 0.01) -> Tensor:
    """Return where a mask drawn from the distribution may be one thing or the other, `[B, 1, *spatial]` bool.

    A pixel is unsure if its probability lies between `unsure` and `1 - unsure`, with
    `E sigmoid(X) ~ sigmoid(mu / sqrt(1 + pi var / 8))` (MacKay, Neural Computation 1992).

    Args:
        distribution: over logits `[C, *spatial]`, one for each image.
        margin: pixels by which the region is widened, at least 0.
        unsure: the smallest probability that counts as unsure.
    """
    logit = distribution.mean / (1 + math.pi / 8 * distribution.variance).sqrt()
    probability = logit.sigmoid() if logit.shape[1] == 1 else logit.softmax(1)
    region = ((probability > unsure) & (probability < 1 - unsure)).any(1, keepdim=True).float()
    pool = {4: F.max_pool2d, 5: F.max_pool3d}[region.dim()]
    return torch.as_tensor(pool(region, 2 * margin + 1, stride=1, padding=margin) > 0)
