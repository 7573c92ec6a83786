"""`Samples`: plausible masks of some images, and what the method knows besides."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["Drawn", "Samples"]


class Drawn(NamedTuple):
    """What a method's pure function of tensors gives, see `Method.forward`.

    Args:
        probabilities: `[B, S, C, *window]` float32 in [0, 1].
        weights: `[B, S]`, the share of each sample, which sum to 1; None: equal shares.
        empty: `[B]`, the probability that nothing is there, where the method knows it without sampling; else None.
    """

    probabilities: Tensor
    weights: Tensor | None = None
    empty: Tensor | None = None


@dataclass(frozen=True)
class Samples:
    """`S` plausible masks for each of `B` images.

    Args:
        masks: `[B, S, C, *spatial]` bool.
        probabilities: `[B, S, C, *spatial]` float32 in [0, 1]; the masks are their threshold (or argmax).
        weights: `[B, S]` float32, the share of each sample, which sum to 1; None: equal shares.
        empty: `[B]`, the probability of an empty mask where the method knows it exactly; else None.
    """

    masks: Tensor
    probabilities: Tensor
    weights: Tensor | None = None
    empty: Tensor | None = None

    @property
    def mean_probability(self) -> Tensor:
        """How often a pixel belongs to the mask, `[B, C, *spatial]`: the weighted mean over samples of the masks."""
        if self.weights is None:
            return self.masks.float().mean(1)
        mean = torch.einsum("bs...,bs->b...", self.masks.float(), self.weights.float())
        return mean.clamp(max=1)  # weights sum to 1 but for rounding

    @property
    def entropy(self) -> Tensor:
        """The ambiguity of each pixel in bits, `[B, *spatial]`: the entropy of `mean_probability`."""
        p = self.mean_probability
        terms = -torch.xlogy(p, p) if p.shape[1] > 1 else -torch.xlogy(p, p) - torch.xlogy(1 - p, 1 - p)
        return terms.sum(1) / torch.log(torch.tensor(2.0))
