"""Masks as numbers of either sign, on which a flow from noise ends, and back."""

import torch
from torch import Tensor

from atfm.nn.precision import in_float32

__all__ = ["signed", "simplex", "unsigned"]


def signed(mask: Tensor) -> Tensor:
    """Return a mask of {0, 1} as numbers of {-1, 1}."""
    return 2 * mask - 1


@in_float32
def unsigned(x: Tensor) -> Tensor:
    """Return what flowed to {-1, 1}, `[B, S, C, *spatial]`, as probabilities: cut at 0, or the largest of classes."""
    return ((x + 1) / 2).clamp(0, 1) if x.shape[2] == 1 else simplex(x)


@in_float32
def simplex(x: Tensor) -> Tensor:
    """Return numbers of several classes `[B, S, C, *spatial]` as shares of sum 1: the least of a pixel becomes 0.

    Which class is the largest stays as it is; where all are equal, so are the shares.
    """
    above = x - x.amin(2, keepdim=True)
    total = above.sum(2, keepdim=True)
    return torch.where(total > 0, above / total.clamp_min(1e-12), 1 / x.shape[2])
