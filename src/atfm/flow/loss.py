r"""The losses of SFM.

    L_FM = || g(x_t, t, image) - (x_1 - x_0) ||^2                                 (ATFM, Algorithm 1)
    L_SF = L_FM + alpha / N sum_i ( 1 - SoftDice(x_1^t, y_i) )                    (lines 4-5; N annotators)

`L_FM` is a mean over pixels. The Dice is of probabilities, never of thresholded masks, so that it carries gradient; of
several classes it is the mean over all but the background. Pixels that an annotator says nothing of are left out.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from atfm.nn.precision import in_float32

__all__ = ["cross_entropy", "flow_matching", "semantic", "soft_dice"]


@in_float32
def flow_matching(velocity: Tensor, dx_t: Tensor, valid: Tensor | None = None) -> Tensor:
    """Return `L_FM`, the mean squared error of a velocity, a scalar.

    Args:
        velocity: `g`, `[N, C, *spatial]`.
        dx_t: of the path, likewise.
        valid: `[N, *spatial]` bool, the pixels to average over; None: all.
    """
    if valid is None:
        return F.mse_loss(velocity, dx_t)
    return _mean((velocity - dx_t).square().mean(1), valid)


@in_float32
def cross_entropy(logits: Tensor, x_1: Tensor, valid: Tensor | None = None) -> Tensor:
    """Return the mean over pixels of the cross-entropy of endpoint logits with the mask `x_1`, a scalar.

    Args:
        logits: `[N, C, *spatial]`.
        x_1: likewise, in {0, 1}, one-hot if `C > 1`.
        valid: `[N, *spatial]` bool, the pixels to average over; None: all.
    """
    if logits.shape[1] == 1:
        losses = F.binary_cross_entropy_with_logits(logits, x_1, reduction="none").squeeze(1)  # [N, *spatial]
    else:
        losses = F.cross_entropy(logits, x_1, reduction="none")  # [N, *spatial]
    return losses.mean() if valid is None else _mean(losses, valid)


def _mean(losses: Tensor, valid: Tensor) -> Tensor:
    """The mean of `[N, *spatial]` over the pixels that count; 0 where none does."""
    return torch.where(valid, losses, 0.0).sum() / valid.sum().clamp_min(1)


def soft_dice(probability: Tensor, mask: Tensor, *, smooth: float = 1.0) -> Tensor:
    """Return `(2 sum p y + s) / (sum p + sum y + s)`, mean over channels: 1 for empty against empty.

    Args:
        probability: `[..., C, *spatial]` with values in [0, 1] (a prediction may leave it slightly).
        mask: broadcastable to it.
        smooth: `s`, in pixels.

    Returns:
        Both arguments' leading axes, broadcast; the last `1 + spatial` axes are reduced. Two leading axes are expected.
    """
    overlap = (probability * mask).flatten(3).sum(-1)
    total = probability.flatten(3).sum(-1) + mask.flatten(3).sum(-1)
    return ((2 * overlap + smooth) / (total + smooth)).mean(-1)


@in_float32
def semantic(endpoint: Tensor, annotations: Tensor, present: Tensor, valid: Tensor | None = None) -> Tensor:
    """Return `1/N sum_i (1 - SoftDice(x_1^t, y_i))` over all annotators, averaged over pairs, a scalar.

    Args:
        endpoint: `x_1^t`, `[B, P, C, *spatial]`, `P` pairs of each image; of classes the background is left out.
        annotations: `[B, K, C, *spatial]`.
        present: `[B, K]` bool.
        valid: `[B, K, *spatial]` bool, the pixels of which an annotator says something; None: all.
    """
    if endpoint.shape[2] > 1:
        endpoint, annotations = endpoint[:, :, 1:], annotations[:, :, 1:]
    weight = present / present.sum(1, keepdim=True)  # [B, K]
    per_pair = []
    for prediction in endpoint.unbind(1):
        seen = prediction.unsqueeze(1)  # [B, 1, C, *spatial]
        seen = seen if valid is None else seen * valid.unsqueeze(2)  # [B, K, C, *spatial]
        per_pair.append(((1 - soft_dice(seen, annotations)) * weight).sum(1))
    return sum(per_pair[1:], per_pair[0]).mean() / len(per_pair)
