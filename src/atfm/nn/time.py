"""The embedding of the time t in [0, 1]."""

import math
from typing import cast

import torch
from torch import Tensor, nn

__all__ = ["TimeEmbedding"]


class TimeEmbedding(nn.Module):
    """Sinusoids of `t` followed by a small network: `[B] -> [B, width]`.

    Args:
        width: channels of the embedding.
        frequencies: number of sinusoids; 64 give wavelengths from 2 pi down to 2 pi / 1000 of the unit interval.
    """

    def __init__(self, width: int, frequencies: int = 64) -> None:
        super().__init__()
        rates = torch.exp(torch.linspace(0, math.log(1000.0), frequencies))
        self.register_buffer("rates", rates, persistent=False)
        self.net = nn.Sequential(nn.Linear(2 * frequencies, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU())

    def forward(self, t: Tensor) -> Tensor:
        angles = t[:, None] * cast(Tensor, self.rates)  # [B, frequencies]
        return cast(Tensor, self.net(torch.cat([angles.sin(), angles.cos()], -1)))
