"""Everything that `atfm bench` measures on one device, as one object."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from atfm.bench.comparison import Request, compare, surroundings
from atfm.bench.convolution import convolution_peak, widths_of
from atfm.bench.pareto import Scoring, curve, scored
from atfm.bench.subject import images, open_subject
from atfm.bench.training import HOW as TRAINING
from atfm.bench.training import training_speed
from atfm.bench.variants import compare_variants
from atfm.train.config import Config

__all__ = ["Extras", "measure"]


@dataclass(frozen=True)
class Extras:
    """What is measured besides the comparison of the two.

    Args:
        steps: numbers of solver steps for the curve of score against time; empty for none.
        scoring: where the curve is scored; None: its times alone.
        variants: other ways to run the same weights.
        training_steps: steps of each stage; 0 leaves training out.
        training_batch: images in a step; None: the configuration's.
    """

    steps: tuple[int, ...] = (1, 2, 4, 8)
    scoring: Scoring | None = None
    variants: tuple[str, ...] = ()
    training_steps: int = 6
    training_batch: int | None = None


def measure(
    request: Request, extras: Extras, device: torch.device, tell: Callable[[str], object] = lambda text: None
) -> dict[str, Any]:
    """Compare both models on one device, then the curve, the variants and the training of `request.ours`.

    Returns:
        What `compare` returns, with `steps`, `variants` and `training` where asked for, what a time depends on, and the
        speed of large convolutions of the widths of `request.ours`, in float32.

    Raises:
        AtfmError: a name, a store or a number that cannot be used.
    """
    result = surroundings(device) | compare(request, device, tell)
    ours = open_subject(request.ours, device)
    tell("measuring large convolutions")
    result |= _against_convolution(result, ours.config, device)
    image = images(ours.method, 1, device)
    if extras.steps or extras.scoring:
        tell("timing the numbers of steps in turn")
        points = curve(ours, extras.steps, image, request.samples, repeats=request.repeats)
        if extras.scoring is not None:
            points = scored(ours, points, extras.scoring, request.samples, device=device, progress=_counts(tell))
        result["steps"] = points
    if extras.variants:
        tell("timing other ways to run the same weights")
        repeats = request.repeats
        result["variants"] = compare_variants(ours.method, extras.variants, image, request.samples, repeats=repeats)
    if extras.training_steps:
        tell("timing training steps")
        result["training"] = training_speed(
            ours.config,
            device,
            size=ours.method.size,
            steps=extras.training_steps,
            batch=extras.training_batch,
        )
        result["how"].append(TRAINING)
    return result


def _against_convolution(result: dict[str, Any], config: Config, device: torch.device) -> dict[str, Any]:
    """What share of the speed of a large convolution each model reaches while it samples."""
    speeds = convolution_peak(widths_of(config), device)
    peak = max(speeds.values()) / 1e9
    shares = {
        name: result[name] | {"share_of_convolution": result[name]["gflop_per_second"] / peak}
        for name in ("ours", "paper")
    }
    return {"convolution_gflop_per_second": {str(width): speed / 1e9 for width, speed in speeds.items()}, **shares}


def _counts(tell: Callable[[str], object]) -> Callable[[str, int, int], object]:
    """Tell of every tenth of the cases."""

    def progress(name: str, done: int, total: int) -> None:
        if done % max(1, total // 10) == 0 or done == total:
            tell(f"scoring {name}: {done} of {total}")

    return progress
