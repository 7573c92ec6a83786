"""Plain U-Nets: stacks of convolutions, average pooling down, linear interpolation up, no residual paths.

The networks of the first generation (Probabilistic U-Net, PHiSeg, SSN) are made of these, with or without batch
normalisation.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from atfm.nn.blocks import conv

__all__ = ["Decoder", "Encoder", "Layers", "Norm", "halve", "resize"]

Norm = Literal["none", "group", "batch"]


@dataclass(frozen=True)
class Layers:
    """How the layers of a plain network are made: convolution, normalisation, ReLU; He's weights to begin with.

    Args:
        dims: spatial dimensions, 2 or 3.
        norm: after each convolution; "none" leaves its bias, the others have their own.
    """

    dims: int
    norm: Norm = "none"

    def stack(self, inputs: int, outputs: int, count: int, kernel: int = 3) -> nn.Sequential:
        """Return `count` layers, `[B, inputs, *spatial] -> [B, outputs, *spatial]`."""
        widths = [inputs] + [outputs] * count
        return nn.Sequential(*(layer for a, b in pairwise(widths) for layer in self._layer(a, b, kernel)))

    def _layer(self, inputs: int, outputs: int, kernel: int) -> list[nn.Module]:
        convolution = conv(self.dims, inputs, outputs, kernel, bias=self.norm == "none")
        nn.init.kaiming_normal_(cast(Tensor, convolution.weight), nonlinearity="relu")
        if self.norm == "none":
            nn.init.zeros_(cast(Tensor, convolution.bias))
        return [convolution, *self._normalised(outputs), nn.ReLU(inplace=True)]

    def _normalised(self, channels: int) -> list[nn.Module]:
        if self.norm == "group":
            # Four channels a group at least: a group of one loses what is the same at all positions, as latents can be.
            fit = (groups for groups in (8, 4, 2) if channels % groups == 0 and channels >= 4 * groups)
            return [nn.GroupNorm(next(fit, 1), channels)]
        return [{2: nn.BatchNorm2d, 3: nn.BatchNorm3d}[self.dims](channels)] if self.norm == "batch" else []


class Encoder(nn.Module):
    """The way down: features of every level, finest first; average pooling halves the resolution in between.

    Args:
        layers: how its layers are made.
        inputs: channels in.
        widths: channels of the levels, finest first.
        convs: convolutions on each level.
    """

    def __init__(self, layers: Layers, inputs: int, widths: Sequence[int], convs: int = 3) -> None:
        super().__init__()
        self.levels = nn.ModuleList(layers.stack(a, b, convs) for a, b in pairwise([inputs, *widths]))

    def forward(self, x: Tensor) -> list[Tensor]:
        features: list[Tensor] = []
        for level in self.levels:
            features.append(level(halve(features[-1]) if features else x))
        return features


class Decoder(nn.Module):
    """The way up: `[B, widths[0], *spatial]` from the features of every level.

    Args:
        layers, widths, convs: as for `Encoder`.
    """

    def __init__(self, layers: Layers, widths: Sequence[int], convs: int = 3) -> None:
        super().__init__()
        self.levels = nn.ModuleList(layers.stack(fine + coarse, fine, convs) for fine, coarse in pairwise(widths))

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        x = features[-1]
        for level, skip in zip(reversed(self.levels), reversed(features[:-1]), strict=True):
            x = level(torch.cat([resize(x, skip.shape[2:]), skip], 1))
        return x


def halve(x: Tensor) -> Tensor:
    """Average pairs of positions of each axis, `[B, C, *spatial]`; of an odd side the last stays by itself."""
    pool = {4: F.avg_pool2d, 5: F.avg_pool3d}[x.dim()]
    return pool(x, tuple(min(2, side) for side in x.shape[2:]), ceil_mode=True)


def resize(x: Tensor, size: Sequence[int]) -> Tensor:
    """Interpolate linearly to a spatial size, `[B, C, *spatial] -> [B, C, *size]`."""
    return F.interpolate(x, size=tuple(size), mode={4: "bilinear", 5: "trilinear"}[x.dim()])
