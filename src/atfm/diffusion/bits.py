r"""Analog bits: classes as real numbers (Chen, Zhang and Hinton, "Analog Bits", ICLR 2023, section 2).

Class `c` of `C` becomes the `n = ceil(log2 C)` digits of its binary number, each +1 or -1; one channel of a binary mask
is one bit, +1 within the mask. Probabilities of the classes become expected bits, numbers in between.
"""

import torch
from torch import Tensor

__all__ = ["as_bits", "bits_of"]


def bits_of(channels: int) -> int:
    """Return how many bits a mask of so many channels takes: 1 for one channel, `ceil(log2 C)` for `C` classes."""
    return max(1, (channels - 1).bit_length())


def as_bits(shares: Tensor) -> Tensor:
    """Return the (expected) bits of masks or probabilities `[N, C, *spatial]`, `[N, n, *spatial]` in [-1, 1].

    Of several classes a pixel whose shares are all 0, of which nothing is known, becomes 0.
    """
    channels = shares.shape[1]
    if channels == 1:
        return 2 * shares - 1
    numbers = torch.arange(channels, device=shares.device)
    digits = torch.arange(bits_of(channels) - 1, -1, -1, device=shares.device)  # the highest first
    table = 2 * (numbers.unsqueeze(1) >> digits & 1) - 1  # [C, n]
    return torch.einsum("bc...,cn->bn...", shares, table.to(shares.dtype))
