"""MoSE's network: a plain U-Net, a gate on its mean feature, and the experts' latent codes fused with its features."""

import math
from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from atfm.nn.blocks import conv
from atfm.nn.plain import Decoder, Encoder, Layers

__all__ = ["MoSENetwork"]


class MoSENetwork(nn.Module):
    """Features `u(image)`, gate `pi(image)`, experts `z ~ N(mu_k, sigma_k^2)` and logits `h(u, z)` (Gao et al., 2023).

    The published one has a bias before each batch normalisation, which cancels it; it is left out here.

    Args:
        in_channels: channels of the image.
        classes: of the mask, the background among them, `C'`.
        widths: channels of the levels, finest first.
        layers: how its layers are made.
        convs: convolutions on each level.
        gate: level whose mean feature the gate sees.
        experts: `K`.
        latent: numbers of a code, `L`.
    """

    def __init__(
        self,
        in_channels: int,
        classes: int,
        widths: Sequence[int],
        *,
        layers: Layers,
        convs: int,
        gate: int,
        experts: int,
        latent: int,
    ) -> None:
        super().__init__()
        self.level, self.experts, self.latent, self.classes = gate, experts, latent, classes
        self.encoder = Encoder(layers, in_channels, widths, convs)
        self.decoder = Decoder(layers, widths, convs)
        self.last = conv(layers.dims, widths[0], widths[0], kernel=1)
        width = widths[gate]
        self.gate = nn.Sequential(
            nn.Linear(width, width),
            nn.ReLU(),
            nn.Linear(width, width),
            nn.ReLU(),
            nn.Linear(width, experts, bias=False),
        )
        # The first two numbers of the experts lie at 0 and 1, the others anywhere between, as published.
        self.mean = nn.Parameter(
            torch.cat([torch.arange(2.0).expand(latent, 2).T, torch.rand(experts, latent)])[:experts]
        )
        self.log_deviation = nn.Parameter(torch.full((experts, latent), math.log(1 / 8)))
        self.shift, self.scale = nn.Linear(latent, widths[0]), nn.Linear(latent, widths[0])
        for layer in (self.shift, self.scale):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
        self.head = nn.Sequential(
            layers.stack(widths[0], widths[0], 2, kernel=1), layers.stack(widths[0], classes, 1, kernel=1)
        )

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return features `[B, widths[0], *spatial]` and the logits of the gate `[B, K]`."""
        features = self.encoder(image)
        gate = self.gate(features[self.level].flatten(2).mean(2))
        return self.last(self.decoder(features)), gate

    def codes(self, expert: Tensor, noise: Tensor) -> Tensor:
        """Return `z = mu_k + sigma_k eps`, `[..., L]`, of experts `[...]` and noise `[..., L]`."""
        return self.mean[expert] + self.log_deviation.exp()[expert] * noise

    def fuse(self, features: Tensor, codes: Tensor) -> Tensor:
        """Return logits `[B, S, C', *spatial]` of features `[B, w, *spatial]` and codes `[B, S, L]`."""
        shape = (*codes.shape[:2], features.shape[1], *[1] * (features.dim() - 2))
        shift, scale = self.shift(codes).reshape(shape), self.scale(codes).reshape(shape)  # [B, S, w, 1, 1]
        fused = (features.unsqueeze(1) + shift) * (scale + 1e-5)
        return cast(Tensor, self.head(fused.flatten(0, 1))).unflatten(0, codes.shape[:2])
