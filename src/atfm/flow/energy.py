r"""The energy score of drawn masks: what GED is made of, as a loss.

    L_E = 2 / (S N) sum_si d(s, y_i) - 1 / (S (S - 1)) sum_{s != s'} d(s, s'),   d = 1 - IoU

Of several classes each is scored by itself, and `d` is the mean of its distances: as in `atfm.metrics`, not the IoU of
all classes in one. It is the unbiased GED without the term of the annotators, which no model can change, and a proper
score: in the mean it
is least where samples are distributed as annotations are (Gneiting and Raftery, JASA 2007, section 5), for the Jaccard
index is a positive definite kernel (Bouchard, Jousselme and Dore, Int. J. of Approximate Reasoning 2013).
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from atfm.nn.precision import in_float32

__all__ = ["cut", "energy_score", "harden", "score_masks"]


def harden(probability: Tensor, *, slope: float = 1.0) -> Tensor:
    """Return the mask of a probability `[B, S, C, *spatial]`, with a gradient all the same (straight through).

    A soft mask could hedge where a mask has to decide; so the score sees masks. The gradient is that of
    `p^k / sum_c p_c^k` with the slope `k`, of a logit times `k`: above 1 it belongs to the pixels near the threshold,
    and thousands of sure background pixels do not outvote the border of a small mask.
    """
    channels = probability.shape[2]
    if channels == 1:
        hard = (probability > 0.5).to(probability.dtype)
    else:
        hard = F.one_hot(probability.argmax(2), channels).movedim(-1, 2).to(probability.dtype)
    soft = probability if slope == 1 else _steeper(probability, slope)
    return hard + soft - soft.detach()


def cut(logits: Tensor, *, slope: float = 1.0) -> Tensor:
    """Return the mask of logits `[B, S, 1, *spatial]`: `harden` of their sigmoid, in a fraction of its passes."""
    return Tensor(_Cut.apply(logits, slope))


class _Cut(torch.autograd.Function):
    """`[x > 0]` with the gradient of `sigmoid(k x)`."""

    @staticmethod
    def forward(ctx: Any, logits: Tensor, slope: float) -> Tensor:
        ctx.save_for_backward(logits)
        ctx.slope = slope
        return (logits > 0).to(logits.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (logits,) = ctx.saved_tensors
        soft = torch.sigmoid(logits if ctx.slope == 1 else ctx.slope * logits)
        return gradients[0] * (soft * (1 - soft) * ctx.slope), None


def _steeper(probability: Tensor, slope: float) -> Tensor:
    """`p^k / sum_c p_c^k`, computed in logarithms."""
    logs = slope * probability.clamp(1e-6, 1 - 1e-6).log()
    if probability.shape[2] > 1:
        return logs.softmax(2)
    return torch.sigmoid(logs - slope * (1 - probability).clamp(1e-6, 1 - 1e-6).log())


def energy_score(
    probability: Tensor,
    annotations: Tensor,
    present: Tensor,
    valid: Tensor | None = None,
    *,
    weight: Tensor | None = None,
    slope: float = 1.0,
    smooth: float = 1.0,
) -> Tensor:
    """Return `L_E` averaged over images, a scalar; of classes the background is left out.

    Args:
        probability: samples `[B, S, C, *spatial]` in [0, 1], `S >= 2`; they are hardened here.
        annotations: as for `score_masks`.
        present: likewise.
        valid: likewise.
        weight: likewise.
        slope: of the gradient, see `harden`.
        smooth: as for `score_masks`.
    """
    return score_masks(harden(probability, slope=slope), annotations, present, valid, weight=weight, smooth=smooth)


@in_float32
def score_masks(
    masks: Tensor,
    annotations: Tensor,
    present: Tensor,
    valid: Tensor | None = None,
    *,
    weight: Tensor | None = None,
    smooth: float = 1.0,
) -> Tensor:
    """Return `L_E` of masks that have a gradient (`harden`, `cut`), averaged over images, a scalar.

    Args:
        masks: independent samples `[B, S, C, *spatial]` in {0, 1}, `S >= 2`; of classes the background is left out.
        annotations: `[B, K, C, *spatial]` in {0, 1}.
        present: `[B, K]` bool.
        valid: `[B, K, *spatial]` bool, the pixels of which an annotator says something; None: all.
        weight: `[B]`, how much each image counts; None: all alike. An image of weight 0 may have no annotator at all.
        smooth: pixels added to intersection and union of each class, so that empty masks have a slope.
    """
    first = int(masks.shape[2] > 1)
    drawn, truth = masks[:, :, first:], annotations[:, :, first:]
    if valid is not None:  # A pixel that one annotator leaves out says nothing of how samples differ either.
        said = valid.masked_fill(~present.reshape(*present.shape, *[1] * (valid.dim() - 2)), True).all(1)
        drawn, truth = drawn * said[:, None, None], truth * said[:, None, None]
    drawn, truth = drawn.flatten(3), truth.flatten(3)  # [B, S, C, N], [B, K, C, N]
    share = present / present.sum(1, keepdim=True).clamp_min(1)  # [B, K]
    across = (_distances(drawn, truth, smooth).mean(1) * share).sum(1)  # [B]
    pairs = _distances(drawn, drawn, smooth)  # [B, S, S]
    samples = drawn.shape[1]
    within = (pairs.sum((1, 2)) - pairs.diagonal(dim1=1, dim2=2).sum(1)) / (samples * (samples - 1))
    scores = 2 * across - within  # [B]
    return scores.mean() if weight is None else (scores * weight).mean()


def _distances(a: Tensor, b: Tensor, smooth: float) -> Tensor:
    """`1 - IoU` of every pair of `a [B, S, C, N]` and `b [B, T, C, N]`, the mean over the classes, `[B, S, T]`."""
    overlap = torch.einsum("bscn,btcn->bcst", a, b)
    sizes_a, sizes_b = a.sum(-1).transpose(1, 2), b.sum(-1).transpose(1, 2)  # [B, C, S], [B, C, T]
    union = sizes_a.unsqueeze(3) + sizes_b.unsqueeze(2) - overlap
    return 1 - ((overlap + smooth) / (union + smooth)).mean(1)
