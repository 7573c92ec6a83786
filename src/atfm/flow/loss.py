r"""The losses of SFM.

    L_FM = || g(x_t, t, image) - (x_1 - x_0) ||^2                                 (ATFM, Algorithm 1)
    L_SF = L_FM + alpha / N sum_i ( 1 - SoftDice(x_1^t, y_i) )                    (lines 4-5; N annotators)

`L_FM` is a mean over pixels. The Dice is of probabilities, never of thresholded masks, so that it carries gradient.
"""

from torch import Tensor
from torch.nn import functional as F

__all__ = ["cross_entropy", "flow_matching", "semantic", "soft_dice"]


def flow_matching(velocity: Tensor, dx_t: Tensor) -> Tensor:
    """Return `L_FM`, the mean squared error of a velocity `[N, C, *spatial]`, a scalar."""
    return F.mse_loss(velocity, dx_t)


def cross_entropy(logits: Tensor, x_1: Tensor) -> Tensor:
    """Return the mean over pixels of the cross-entropy of endpoint logits `[N, C, *spatial]` with the mask `x_1`."""
    if logits.shape[1] == 1:
        return F.binary_cross_entropy_with_logits(logits, x_1)
    return F.cross_entropy(logits, x_1)


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


def semantic(endpoint: Tensor, annotations: Tensor, present: Tensor) -> Tensor:
    """Return `1/N sum_i (1 - SoftDice(x_1^t, y_i))` over all annotators, averaged over pairs, a scalar.

    Args:
        endpoint: `x_1^t`, `[B, P, C, *spatial]`, `P` pairs of each image.
        annotations: `[B, K, C, *spatial]`.
        present: `[B, K]` bool.
    """
    weight = present / present.sum(1, keepdim=True)  # [B, K]
    per_pair = [
        ((1 - soft_dice(prediction.unsqueeze(1), annotations)) * weight).sum(1) for prediction in endpoint.unbind(1)
    ]
    return sum(per_pair[1:], per_pair[0]).mean() / len(per_pair)
