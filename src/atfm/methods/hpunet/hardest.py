r"""The hardest pixels: the cross-entropy of those few that are told wrongest, most of all others being background.

The `k` pixels are the largest, or drawn without replacement with probabilities in proportion to their cross-entropy, by
the `k` largest of `log ce + Gumbel` (Kool et al., 2019; Kohl et al., 2019, section 2.2).
"""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from atfm.nn.precision import in_float32

__all__ = ["Hardest", "cross_entropies", "hardest"]


class Hardest(NamedTuple):
    """The cross-entropy of the pixels that count.

    Args:
        mean: of a pixel, a scalar in nats.
        pixels: how many there are of a mask, on average, a scalar.
    """

    mean: Tensor
    pixels: Tensor


@in_float32
def cross_entropies(logits: Tensor, mask: Tensor) -> Tensor:
    """Return the cross-entropy of every pixel, `[N, *spatial]` in nats; both `[N, C, *spatial]`."""
    if logits.shape[1] == 1:
        return F.binary_cross_entropy_with_logits(logits, mask, reduction="none").squeeze(1)
    return F.cross_entropy(logits, mask, reduction="none")


@in_float32
def hardest(losses: Tensor, share: float, said: Tensor | None = None, *, draw: bool = True) -> Hardest:
    """Return the mean over the hardest pixels of all masks together.

    Args:
        losses: cross-entropies `[N, *spatial]`.
        share: of the pixels that counts, above 0 to 1.
        said: `[N, *spatial]` bool, the pixels that may count; None: all.
        draw: draw them by their cross-entropy, with torch's own randomness; else the largest are taken.
    """
    flat = losses.flatten()
    may = torch.ones_like(flat) if said is None else said.flatten().to(flat.dtype)
    count = max(1, int(share * len(flat)))
    if count < len(flat):
        score = flat.detach().clamp_min(1e-30).log()
        if draw:
            score = score - torch.empty_like(score).exponential_().log()  # minus the log of an exponential: Gumbel
        chosen = torch.where(may > 0, score, -torch.inf).topk(count, sorted=False).indices
        flat, may = flat[chosen], may[chosen]  # pixels of which nothing is said are among them only if others run out
    kept = may.sum()
    return Hardest((flat * may).sum() / kept.clamp_min(1), kept / len(losses))
