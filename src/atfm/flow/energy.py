r"""The energy score of drawn masks: what GED is made of, as a loss.

    L_E = 2 / (S N) sum_si d(s, y_i) - 1 / (S (S - 1)) sum_{s != s'} d(s, s'),   d = 1 - IoU

It is the unbiased GED without the term of the annotators, which no model can change, and a proper score: in the mean it
is least where samples are distributed as annotations are (Gneiting and Raftery, JASA 2007, section 5), for the Jaccard
index is a positive definite kernel (Bouchard, Jousselme and Dore, Int. J. of Approximate Reasoning 2013).
"""

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["energy_score", "harden"]

_SMALL = 16.0  # pixels


def harden(probability: Tensor) -> Tensor:
    """Return the mask of a probability `[B, S, C, *spatial]`, with the gradient of the probability (straight through).

    A soft mask could hedge where a mask has to decide; so the score sees masks.
    """
    channels = probability.shape[2]
    if channels == 1:
        hard = (probability > 0.5).to(probability.dtype)
    else:
        hard = F.one_hot(probability.argmax(2), channels).movedim(-1, 2).to(probability.dtype)
    return hard + probability - probability.detach()


def energy_score(probability: Tensor, annotations: Tensor, present: Tensor, counts: Tensor | None = None) -> Tensor:
    """Return `L_E` averaged over images, a scalar; of classes the background is left out.

    Args:
        probability: samples `[B, S, C, *spatial]` in [0, 1], `S >= 2`; they are hardened here.
        annotations: `[B, K, C, *spatial]` in {0, 1}.
        present: `[B, K]` bool.
        counts: `[B, K, *spatial]` bool, the pixels of which an annotator says something; None: all.
    """
    first = int(probability.shape[2] > 1)
    drawn, truth = harden(probability)[:, :, first:], annotations[:, :, first:]
    if counts is not None:  # A pixel that one annotator leaves out says nothing of how samples differ either.
        said = counts.masked_fill(~present.reshape(*present.shape, *[1] * (counts.dim() - 2)), True).all(1)
        drawn, truth = drawn * said[:, None, None], truth * said[:, None, None]
    drawn, truth = drawn.flatten(2), truth.flatten(2)  # [B, S, N], [B, K, N]
    weight = present / present.sum(1, keepdim=True)  # [B, K]
    across = (_distances(drawn, truth).mean(1) * weight).sum(1)  # [B]
    pairs = _distances(drawn, drawn)  # [B, S, S]
    samples = drawn.shape[1]
    within = (pairs.sum((1, 2)) - pairs.diagonal(dim1=1, dim2=2).sum(1)) / (samples * (samples - 1))
    return (2 * across - within).mean()


def _distances(a: Tensor, b: Tensor) -> Tensor:
    """`1 - IoU` of every pair of hardened masks `a [B, S, N]` and `b [B, T, N]`, `[B, S, T]`; empty with empty is 0.

    Beside an empty mask every other one has distance 1, whatever its size, so nothing would ever shrink to nothing.
    There the gradient (not the value) is that of the other's size.
    """
    overlap = torch.einsum("bsn,btn->bst", a, b)
    size_a, size_b = a.sum(-1).unsqueeze(2), b.sum(-1).unsqueeze(1)
    empty_a, empty_b = size_a.detach() < 0.5, size_b.detach() < 0.5
    distance = (1 - overlap / (size_a + size_b - overlap).clamp_min(1.0)) * ~(empty_a & empty_b)
    return distance + _slope(size_a) * empty_b + _slope(size_b) * empty_a


def _slope(size: Tensor) -> Tensor:
    """Zero, with the gradient of a size in units of itself (or of `_SMALL` pixels, for smaller ones)."""
    share = size / size.detach().clamp_min(_SMALL)
    return share - share.detach()
