"""Augmentation on the device: parameters are drawn, then applied; the second is deterministic and can be replayed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

__all__ = ["Augmentation", "AugmentationRange", "apply", "draw"]


@dataclass(frozen=True)
class AugmentationRange:
    """What may be drawn.

    Args:
        flip: turn by quarters and mirror, exactly.
        warp: share of images that are also turned freely, scaled and shifted.
        rotate: largest free turn in degrees.
        scale: largest change of size, as a share.
        shift: largest shift in pixels.
        contrast: largest change of contrast, as a share.
        brightness: largest change of brightness, in units of the image's [0, 1].
    """

    flip: bool = True
    warp: float = 0.0
    rotate: float = 180.0
    scale: float = 0.0
    shift: float = 0.0
    contrast: float = 0.0
    brightness: float = 0.0


@dataclass(frozen=True)
class Augmentation:
    """What was drawn: `matrix [B, 2, 3]` from output to input pixels about the centre, `gain [B]`, `offset [B]`."""

    matrix: Tensor
    gain: Tensor
    offset: Tensor


def draw(limits: AugmentationRange, count: int, generator: torch.Generator) -> Augmentation:
    """Draw one augmentation for each of `count` images, on the device of the generator."""

    def between(limit: float) -> Tensor:
        return (2 * torch.rand(count, generator=generator, device=generator.device) - 1) * limit

    def integers(end: int) -> Tensor:
        return torch.randint(end, (count,), generator=generator, device=generator.device)

    quarters = integers(4) if limits.flip else torch.zeros(count, device=generator.device)
    mirror = 1.0 - 2.0 * (integers(2) if limits.flip else torch.zeros(count, device=generator.device))
    warped = (torch.rand(count, generator=generator, device=generator.device) < limits.warp).float()
    angle = quarters * (math.pi / 2) + warped * between(math.radians(limits.rotate))
    size = torch.exp(warped * between(math.log1p(limits.scale)))
    cos, sin = torch.cos(angle) * size, torch.sin(angle) * size
    shift = [warped * between(limits.shift) for _ in range(2)]
    rows = [torch.stack([cos * mirror, -sin, shift[0]], -1), torch.stack([sin * mirror, cos, shift[1]], -1)]
    return Augmentation(torch.stack(rows, 1), 1 + between(limits.contrast), between(limits.brightness))


def apply(drawn: Augmentation, image: Tensor, masks: Tensor, window: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Apply an augmentation and return the central window: the image bilinearly, labels by the nearest pixel.

    Args:
        drawn: one augmentation for each image.
        image: `[B, C_in, H, W]` float32 in [0, 1].
        masks: `[B, K, H, W]` labels, as float32.
        window: height and width of the result.

    Returns:
        `[B, C_in, *window]` and `[B, K, *window]`.
    """
    height, width = image.shape[2:]
    rows = torch.arange(window[0], device=image.device) - (window[0] - 1) / 2
    columns = torch.arange(window[1], device=image.device) - (window[1] - 1) / 2
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    points = torch.stack([x, y, torch.ones_like(x)], -1)  # [h, w, 3] in pixels from the centre
    source = torch.einsum("hwk,bjk->bhwj", points, drawn.matrix)  # [B, h, w, 2]
    grid = source * torch.tensor([2 / width, 2 / height], device=image.device)  # align_corners=False: the edge is +-1
    moved = F.grid_sample(image, grid, mode="bilinear", padding_mode="border", align_corners=False)
    labels = F.grid_sample(masks, grid, mode="nearest", padding_mode="zeros", align_corners=False)
    gain, offset = (value[:, None, None, None] for value in (drawn.gain, drawn.offset))
    return ((moved - 0.5) * gain + 0.5 + offset).clamp(0, 1), labels
