"""What a large convolution reaches on a device: the measure that a network's speed is compared with."""

from collections.abc import Iterable

import torch
from torch.nn import functional as F

from atfm.bench.stopwatch import seconds
from atfm.train.config import Config

__all__ = ["convolution_peak", "widths_of"]

GRID = 64
WORK = {"cpu": 2e9, "cuda": 4e11}  # operations of one call: tens of milliseconds


def widths_of(config: Config) -> list[int]:
    """All channel widths of both stages, narrowest first."""
    return sorted({*config.gtr.widths, *config.sfm.widths, *config.sfm.context_widths})


@torch.no_grad()
def convolution_peak(
    widths: Iterable[int], device: torch.device, *, dtype: torch.dtype = torch.float32, work: float | None = None
) -> dict[int, float]:
    """Measure 3x3 convolutions from `w` to `w` channels on a 64x64 grid, as large a batch as it takes.

    Args:
        widths: the `w`.
        device: where.
        dtype: in which precision.
        work: operations of one call; None: enough for tens of milliseconds.

    Returns:
        The best of four calls for each width, in operations per second; a multiply-add is two.
    """
    work = work or WORK[device.type]
    found = {}
    for width in widths:
        one = 18 * width * width * GRID * GRID
        count = max(1, min(4096, round(work / one)))
        x = torch.randn(count, width, GRID, GRID, device=device, dtype=dtype).to(memory_format=torch.channels_last)
        weight = torch.randn(width, width, 3, 3, device=device, dtype=dtype).to(memory_format=torch.channels_last)

        def convolve(x: torch.Tensor = x, weight: torch.Tensor = weight) -> torch.Tensor:
            return F.conv2d(x, weight, padding=1)

        convolve()
        found[width] = count * one / min(seconds(convolve, device) for _ in range(4))
    return found
