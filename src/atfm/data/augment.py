"""Augmentation on the device: parameters are drawn, then applied; the second is deterministic and can be replayed.

A volume is a stack of slices `[D, H, W]`: it is turned, scaled and shifted within its slices, whose pixels are square,
and mirrored along the stack; with `cube` (voxels of equal sides) it may be laid on any of its faces too.
"""

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
        flip: turn by quarters and mirror, exactly; by halves only where the window is not square.
        mirror: mirror left to right alone, for images with an upright; `flip` does that too.
        cube: quarter turns about every axis of a volume; its voxels and the window should be cubes.
        warp: share of images that are also turned freely, scaled and shifted.
        rotate: largest free turn in degrees.
        scale: largest change of size, as a share.
        shift: largest shift in pixels.
        contrast: largest change of contrast, as a share.
        brightness: largest change of brightness, in units of the image's [0, 1].
        lesion: share of crops that are laid over a pixel which some annotator marked; the others lie anywhere.
    """

    flip: bool = True
    mirror: bool = False
    cube: bool = False
    warp: float = 0.0
    rotate: float = 180.0
    scale: float = 0.0
    shift: float = 0.0
    contrast: float = 0.0
    brightness: float = 0.0
    lesion: float = 0.5


@dataclass(frozen=True)
class Augmentation:
    """What was drawn for each image, `d` being its spatial axes.

    Args:
        matrix: `[B, d, d + 1]`, from output to input pixels about the centre, axes in the order x, y(, z).
        gain, offset: `[B]`, of the grey values.
        place: `[B, d]` in [0, 1), where the crop lies among the places that it has; None: in the middle.
        pick: `[B]`, which of the marked pixels the crop is laid over, in [0, 1); negative for none.
    """

    matrix: Tensor
    gain: Tensor
    offset: Tensor
    place: Tensor | None = None
    pick: Tensor | None = None

    def to(self, device: torch.device) -> "Augmentation":
        """The same on another device, without waiting for it; where a crop lies is needed on the CPU alone."""
        matrix, gain, offset = (x.to(device, non_blocking=True) for x in (self.matrix, self.gain, self.offset))
        return Augmentation(matrix, gain, offset, self.place, self.pick)

    def rows(self, rows: slice) -> "Augmentation":
        """What was drawn for some of the images."""
        place, pick = (None if value is None else value[rows] for value in (self.place, self.pick))
        return Augmentation(self.matrix[rows], self.gain[rows], self.offset[rows], place, pick)


def draw(
    limits: AugmentationRange, count: int, generator: torch.Generator, window: Sequence[int] = (1, 1)
) -> Augmentation:
    """Draw one augmentation for each of `count` images, on the device of the generator.

    Args:
        limits: what may be drawn.
        count: `B`.
        generator: where the numbers come from.
        window: the size of what will be cut out; as many numbers as there are spatial axes.
    """

    def between(limit: float) -> Tensor:
        return (2 * torch.rand(count, generator=generator, device=generator.device) - 1) * limit

    def integers(end: int) -> Tensor:
        return torch.randint(end, (count,), generator=generator, device=generator.device)

    zero = torch.zeros(count, device=generator.device)
    quarters = integers(4) if limits.flip else zero
    if window[-1] != window[-2]:
        quarters = 2 * quarters
    mirror = 1.0 - 2.0 * (integers(2) if limits.flip or limits.mirror else zero)
    warped = (torch.rand(count, generator=generator, device=generator.device) < limits.warp).float()
    angle = quarters * (math.pi / 2) + warped * between(math.radians(limits.rotate))
    size = torch.exp(warped * between(math.log1p(limits.scale)))
    cos, sin = torch.cos(angle) * size, torch.sin(angle) * size
    shift = [warped * between(limits.shift) for _ in range(2)]
    rows = [torch.stack([cos * mirror, -sin, shift[0]], -1), torch.stack([sin * mirror, cos, shift[1]], -1)]
    gain, offset = 1 + between(limits.contrast), between(limits.brightness)
    matrix = torch.stack(rows, 1)  # [B, 2, 3]
    if len(window) == 3:
        flipped = 1.0 - 2.0 * (integers(2) if limits.flip else zero)
        face = integers(3) if limits.cube else zero.long()
        matrix = _stacked(matrix, flipped, face)
    place = torch.rand(count, len(window), generator=generator, device=generator.device)
    chance, pick = torch.rand(2, count, generator=generator, device=generator.device)
    return Augmentation(matrix, gain, offset, place, torch.where(chance < limits.lesion, pick, -1.0))


def _stacked(plane: Tensor, mirror: Tensor, face: Tensor) -> Tensor:
    """From a matrix within the slices `[B, 2, 3]` to that of the stack `[B, 3, 4]`, laid on a face 0, 1 or 2."""
    matrix = plane.new_zeros(len(plane), 3, 4)
    matrix[:, :2, :2], matrix[:, :2, 3], matrix[:, 2, 2] = plane[:, :, :2], plane[:, :, 2], mirror
    axes = (torch.arange(3, device=face.device) + face[:, None]) % 3  # [B, 3]: the input axis that serves as x, y, z
    return matrix.gather(1, axes.unsqueeze(2).expand(-1, -1, 4))


def apply(
    drawn: Augmentation, image: Tensor, masks: Tensor, window: Sequence[int], centre: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Apply an augmentation and cut a window out of the result: the image linearly, labels by the nearest pixel.

    Args:
        drawn: one augmentation for each image.
        image: `[B, C_in, *spatial]` float32 in [0, 1].
        masks: `[B, K, *spatial]` labels, as float32.
        window: spatial size of the result.
        centre: of the windows, in pixels from the centres of the images along each axis, `[B, d]`; None: the same.

    Returns:
        `[B, C_in, *window]` and `[B, K, *window]`.
    """
    axes = [torch.arange(width, device=image.device) - (width - 1) / 2 for width in window]
    points = torch.stack([*reversed(torch.meshgrid(*axes, indexing="ij"))], -1)  # [*window, d], x first
    source = torch.einsum("...k,bjk->b...j", points, drawn.matrix[:, :, :-1])  # [B, *window, d]
    middle = drawn.matrix[:, :, -1]  # [B, d]
    if centre is not None:
        middle = middle + centre.flip(-1)
    source = source + middle.reshape(len(middle), *[1] * len(window), -1)
    size = torch.tensor(list(reversed(image.shape[2:])))
    grid = source * (2 / size).to(image.device, non_blocking=True)  # align_corners=False: the edge is +-1
    moved = F.grid_sample(image, grid, mode="bilinear", padding_mode="border", align_corners=False)
    labels = F.grid_sample(masks, grid, mode="nearest", padding_mode="zeros", align_corners=False)
    gain, offset = (value.reshape(-1, *[1] * (image.dim() - 1)) for value in (drawn.gain, drawn.offset))
    return ((moved - 0.5) * gain + 0.5 + offset).clamp(0, 1), labels
