"""Training throughput: real steps of the real loop, as images per second, of every stage that a preset trains."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from atfm.data.case import Case
from atfm.data.held import Held
from atfm.methods.method import Method
from atfm.train.clock import step_seconds
from atfm.train.config import Config, override
from atfm.train.loop import Trainer
from atfm.train.run import Run

__all__ = ["HOW", "training_speed"]

HOW = (
    "Training: steps of the training loop itself (batch, augmentation, loss, backward, optimiser, averaging) on "
    "simulated cases, without validating and saving."
)


def training_speed(
    config: Config, method: Method, device: torch.device, *, steps: int, batch: int | None = None
) -> dict[str, dict[str, float]]:
    """Measure every stage that a configuration trains, with fresh weights.

    Args:
        config: resolved configuration; its steps are not used.
        method: names the kind of images.
        device: where it trains.
        steps: that are timed at least of each stage, after three that are not.
        batch: images in a step; None: the configuration's.

    Returns:
        `batch`, `seconds_per_step` and `images_per_second` by stage.
    """
    if batch:
        config = override(config, {"stages": {name: {"batch": batch} for name in config.stages}})
    trained = {name: plan for name, plan in config.stages.items() if plan.steps}
    count = max((plan.batch for plan in trained.values()), default=1)
    cases = Held(list(_cases(count, method)), method.channels, device, crop=config.crop)
    torch.manual_seed(0)
    fresh = config.build(in_channels=method.in_channels, channels=method.channels, size=cases.size).to(device)
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(fresh, config, cases, None, Run(Path(folder), {}))
        for name, plan in trained.items():
            took = step_seconds(config, fresh, name, trainer.batches, device, steps=steps)
            found[name] = {"batch": plan.batch, "seconds_per_step": took, "images_per_second": plan.batch / took}
    return found


def _cases(count: int, method: Method) -> Iterator[Case]:
    """Noise with four discs in each image: what is in a case does not change how long a step takes."""
    rng, size = np.random.default_rng(0), method.size
    radius = np.sqrt(sum((axis - (width - 1) / 2) ** 2 for axis, width in zip(np.indices(size), size, strict=True)))
    for number in range(count):
        masks = np.stack([radius < min(size) * share for share in rng.uniform(0.1, 0.3, 4)]).astype(np.uint8)
        image = rng.random((method.in_channels, *size), np.float32)
        yield Case(image, masks, f"case-{number}", f"patient-{number}", (1.0,) * len(size))
