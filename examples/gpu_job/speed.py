"""How fast the chip is, and how much a training asks of it.

python speed.py convolution      operations per second of large 3x3 convolutions, in the precision of a training
python speed.py operations RUN   operations of loss and gradient for one image, of each stage
"""

import json
import sys
import time
from pathlib import Path

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from atfm.data.batch import Batch
from atfm.train.config import Config

__all__ = ["convolution", "operations"]

WIDTHS = (64, 128, 256)
IMAGES = 2
SIDE, REPEATS = 64, 10


def convolution() -> dict[str, object]:
    """The rates of large convolutions by their width, and what they were measured on."""
    cuda = torch.cuda.is_available()
    device, dtype = torch.device("cuda" if cuda else "cpu"), torch.bfloat16 if cuda else torch.float32
    return {
        "device": torch.cuda.get_device_name() if cuda else "cpu",
        "torch": torch.__version__,
        "precision": str(dtype).removeprefix("torch."),
        "per_second": {str(width): peak(width, device, dtype) for width in WIDTHS},
    }


@torch.no_grad()
def peak(width: int, device: torch.device, dtype: torch.dtype) -> float:
    """Operations per second of 3x3 convolutions from `width` to `width` channels, the best of five runs."""
    layer = nn.Conv2d(width, width, 3, padding=1).to(device, dtype, memory_format=torch.channels_last)
    x = torch.randn(256 if device.type == "cuda" else 1, width, SIDE, SIDE, device=device, dtype=dtype)
    x = x.to(memory_format=torch.channels_last)
    seconds = []
    for _ in range(6):
        started = time.perf_counter()
        for _ in range(REPEATS):
            y = layer(x)
        float(y.flatten()[0])  # waits for the device
        seconds.append(time.perf_counter() - started)
    return 2 * 9 * width**2 * x.shape[0] * SIDE**2 * REPEATS / min(seconds[1:])  # the first run warms up


def operations(run: Path) -> dict[str, float]:
    """Operations for one image in a step of each stage, counted on the CPU."""
    card = json.loads((run / "weights.json").read_text("utf-8"))
    config = Config.model_validate_json(json.dumps(card["config"]))
    size = tuple(card["size"])
    method = config.build(in_channels=card["in_channels"], channels=card["channels"], size=size)
    image = torch.rand(IMAGES, card["in_channels"], *method.window)
    annotations = (torch.rand(IMAGES, 4, card["channels"], *method.window) > 0.9).float()
    batch = Batch(image, annotations, torch.ones(IMAGES, 4, dtype=torch.bool))
    counted = {}
    for stage in method.stages():
        method.requires_grad_(False)
        stage.trained.requires_grad_(True)
        with FlopCounterMode(display=False) as counter:
            torch.stack(list(stage.loss(batch).values())).sum().backward()
        counted[stage.name] = counter.get_total_flops() / IMAGES
    return counted


if __name__ == "__main__":
    print(json.dumps(convolution() if sys.argv[1] == "convolution" else operations(Path(sys.argv[2]))))
