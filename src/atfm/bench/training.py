"""Training throughput: real steps of the real loop, as images per second and as a share of a convolution's speed."""

import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from atfm.bench.convolution import convolution_peak, widths_of
from atfm.bench.operations import count_of
from atfm.build import build
from atfm.data.case import Case
from atfm.data.held import Held
from atfm.methods.method import Method, Stage
from atfm.train.config import Config, StageConfig, override
from atfm.train.loop import Trainer
from atfm.train.progress import Progress
from atfm.train.run import Run

__all__ = ["HOW", "training_speed"]

HOW = (
    "Training: steps of the training loop itself (batch, augmentation, loss, backward, optimiser, averaging) on "
    "simulated cases, without validating and saving; median over the steps. Operations are those of loss and backward. "
    "The share is of the fastest 3x3 convolution of the networks' widths, forward, measured on the same device in the "
    "same precision."
)
_SKIPPED = 2  # first steps of a stage, in which memory is found and kernels are chosen


def training_speed(
    config: Config,
    device: torch.device,
    *,
    size: tuple[int, ...],
    steps: int = 6,
    batch: int | None = None,
    work: float | None = None,
) -> dict[str, Any]:
    """Measure both stages of a configuration with fresh weights.

    Args:
        config: resolved configuration; its steps are not used.
        device: where it trains.
        size: of the images.
        steps: steps of each stage, at least 3; the first two do not count.
        batch: images in a step; None: the configuration's.
        work: operations of a call of the convolution that it is compared with; None: tens of milliseconds.
    """
    short = _shortened(config, steps, batch)
    channels = config.in_channels or 1
    cases = Held(_cases(short.stage1.batch, size, channels), 1, device, crop=config.crop)
    torch.manual_seed(0)
    method = build(short, in_channels=channels, channels=1, size=cases.size).to(device)
    durations: dict[str, list[float]] = {stage.name: [] for stage, _ in _planned(method, short)}
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(method, short, cases, None, Run(Path(folder), {}), lambda method, state: None)
        last = time.perf_counter()

        def tell(progress: Progress) -> None:
            nonlocal last
            now = time.perf_counter()
            if not progress.saved:
                durations[progress.stage].append(now - last)
            last = now

        trainer.train(tell=tell)
    half = _half(short.stage1, device)
    speeds = convolution_peak(widths_of(config), device, dtype=torch.bfloat16 if half else torch.float32, work=work)
    peak = max(speeds.values())
    stages = {}
    for stage, plan in _planned(method, short):
        took = statistics.median(durations[stage.name][_SKIPPED:])
        operations = _operations(stage, cases, plan)
        stages[stage.name] = {
            "batch": plan.batch,
            "seconds_per_step": took,
            "images_per_second": plan.batch / took,
            "gflop_per_step": operations / 1e9,
            "gflop_per_second": operations / took / 1e9,
            "share_of_convolution": operations / took / peak,
        }
    return {
        "precision": "bf16" if half else "float32",
        "convolution_gflop_per_second": {str(width): speed / 1e9 for width, speed in speeds.items()},
        "stages": stages,
    }


def _planned(method: Method, config: Config) -> list[tuple[Stage, StageConfig]]:
    """The stages that this configuration trains."""
    plans = (config.stage1, config.stage2, config.stage3)
    return [(stage, plan) for stage, plan in zip(method.stages(), plans, strict=False) if plan.steps]


def _shortened(config: Config, steps: int, batch: int | None) -> Config:
    def plan(stage: StageConfig) -> dict[str, Any]:
        # One more than is told, since the last step is saved.
        return {"steps": (steps + 1) * bool(stage.steps), "batch": batch or stage.batch}

    stages = {name: plan(getattr(config, name)) for name in ("stage1", "stage2", "stage3")}
    return override(config, {**stages, "save_every": 10**9})


def _half(plan: StageConfig, device: torch.device) -> bool:
    """Whether the loop trains in bf16, as `StageConfig.precision` says."""
    if plan.precision == "auto":
        return device.type == "cuda" and torch.cuda.is_bf16_supported()
    return plan.precision == "bf16"


def _operations(stage: Stage, cases: Held, plan: StageConfig) -> int:
    """Operations of loss and backward for one batch."""
    stage.method.requires_grad_(False)
    stage.trained.requires_grad_(True)
    stage.method.train()
    batch = cases.batch(torch.arange(plan.batch) % len(cases), window=stage.method.window)

    def step() -> None:
        torch.stack(list(stage.loss(batch).values())).sum().backward()

    return count_of(step)


def _cases(count: int, size: tuple[int, ...], channels: int) -> list[Case]:
    """Noise with four discs in each image: what is in a case does not change how long a step takes."""
    rng = np.random.default_rng(0)
    radius = np.sqrt(sum((axis - (width - 1) / 2) ** 2 for axis, width in zip(np.indices(size), size, strict=True)))
    cases = []
    for number in range(count):
        masks = np.stack([radius < min(size) * share for share in rng.uniform(0.0, 0.3, 4)]).astype(np.uint8)
        image = rng.random((channels, *size), np.float32)
        cases.append(Case(image, masks, f"case-{number}", f"patient-{number}", (1.0,) * len(size)))
    return cases
