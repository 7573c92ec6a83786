"""Two models side by side in one run: operations, parameters, memory and time for `samples` masks of one image."""

import platform
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch

from atfm.bench.contender import Contender, images, open_contender
from atfm.bench.gauge import MEMORY, alternate, peak_memory, seconds
from atfm.bench.operations import CONVENTION, count_operations
from atfm.errors import InputError
from atfm.methods.method import Method
from atfm.seeding import Noise

__all__ = ["Request", "compare", "surroundings"]

Tell = Callable[[str], object]


@dataclass(frozen=True)
class Request:
    """What is compared, and how long it may take.

    Args:
        ours: run folder, weight file, shipped weights or preset.
        other: a preset, built with fresh weights for the images of `ours`.
        samples: masks of each image.
        repeats: rounds that count, after one that does not.
        few: samples that the other's time is measured on, and multiplied from; 0: all of them.
        batch: images in the batch; 0 leaves it out.
        memory: measure peak memory.
    """

    ours: str = "lidc"
    other: str = "paper"
    samples: int = 100
    repeats: int = 5
    few: int = 2
    batch: int = 64
    memory: bool = True

    def __post_init__(self) -> None:
        if min(self.samples, self.repeats) < 1 or self.batch < 0:
            given = f"{self.samples}, {self.repeats} and {self.batch}"
            raise InputError(f"samples, repeats and batch: expected at least 1, 1 and 0, got {given}")
        if self.few and not 2 <= self.few <= self.samples:
            raise InputError(f"sample steps: expected 0, or 2 to all {self.samples} samples, got {self.few}")


@torch.no_grad()
def compare(request: Request, device: torch.device, tell: Tell = lambda text: None) -> dict[str, Any]:
    """Measure both on one device, round by round in turn.

    Returns:
        `ours` and `other`, each with `gflop`, `seconds`, `parameters`, `peak_mb` and more; `ratio`; and `how`,
        sentences that say how each number came about.

    Raises:
        ConfigError, CheckpointError: a name that is neither weights nor preset.
    """
    ours = open_contender(request.ours, device)
    other = open_contender(request.other, device, size=ours.method.size, preset=True)
    image, noise = images(ours.method, 1, device), Noise.unnamed(0, 1)
    tell(f"timing {request.samples} samples of one image, {request.repeats} rounds")
    in_full = partial(ours.method.sample, image, request.samples, noise=noise)
    shorter = _shorter(request, other.method)
    calls = {
        f"{n} samples, {steps} steps": partial(method.sample, images(method, 1, device), n, noise=noise)
        for (n, steps), method in shorter.items()
    }
    took = alternate({"ours": in_full} | calls, device, repeats=request.repeats)
    law = _multiplied(request, other.method, {key: took[name] for key, name in zip(shorter, calls, strict=True)})
    results = {
        "ours": _described(request, ours, took["ours"]),
        "other": _described(request, other, law) | {"measured": {name: took[name] for name in calls}},
    }
    if device.type == "cuda":
        results["ours"]["bf16"] = _in_bf16(in_full, device)
    if request.batch:
        tell(f"timing a batch of {request.batch} images")
        results["ours"]["batch"] = _batch(request, ours, device)
    if request.memory:
        tell("measuring peak memory, each model in a process of its own")
        _memory(request, ours.method.size, results, device)
    names = {"operations": "gflop", "time": "seconds", "parameters": "parameters", "memory": "peak_mb"}
    return {
        "samples": request.samples,
        "size": list(ours.method.size),
        **results,
        "ratio": {
            name: results["other"][key] / results["ours"][key] for name, key in names.items() if key in results["ours"]
        },
        "how": _how(request),
    }


def surroundings(device: torch.device) -> dict[str, Any]:
    """What a time depends on besides the model."""
    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else None
    return {
        "device": str(device),
        "device_name": gpu or platform.processor() or platform.machine(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def _shorter(request: Request, method: Method) -> dict[tuple[int, int], Method]:
    """What the other's time is multiplied from: `(samples, steps)`, with the method that takes so many steps."""
    if not request.few or (method.steps or 0) == 1:
        return {(request.samples, method.steps or 0): method}
    if method.steps is None:
        return {(1, 0): method, (request.few, 0): method}
    return {(n, steps): method.with_steps(steps) for n, steps in ((1, 1), (request.few, 1), (request.few, 2))}


def _multiplied(request: Request, method: Method, took: dict[tuple[int, int], float]) -> float:
    """Seconds of all samples by `once + S (each + T step)`, which as many shorter runs as unknowns determine."""
    if len(took) == 1:
        return next(iter(took.values()))
    first, few, *twice = took.values()
    each = max(0.0, few - first) / (request.few - 1)  # a sample, with one step
    step = max(0.0, twice[0] - few) / request.few if twice else 0.0
    return first + (request.samples - 1) * each + request.samples * ((method.steps or 1) - 1) * step


def _described(request: Request, contender: Contender, took: float) -> dict[str, Any]:
    operations = count_operations(contender.method)
    gflop = operations.total(request.samples) / 1e9
    return {
        "name": contender.name,
        "trained": contender.trained,
        "parameters": contender.parameters,
        "steps": contender.method.steps,
        "gflop": gflop,
        "gflop_once": operations.once / 1e9,
        "gflop_each": operations.each / 1e9,
        "seconds": took,
        "gflop_per_second": gflop / took,
    }


def _in_bf16(run: Callable[[], Any], device: torch.device) -> dict[str, float]:
    """The same call with the networks in bf16: seconds, and the share of mask pixels that stay as they were."""
    masks = run().masks
    with torch.autocast(device.type, torch.bfloat16):
        equal = float((run().masks == masks).float().mean())
        return {"seconds": seconds(run, device), "equal_pixels": equal}


def _batch(request: Request, ours: Contender, device: torch.device) -> dict[str, float]:
    run = _sampler(request.ours, str(device), request.samples, request.batch)
    run()
    found = {"images": request.batch, "seconds": seconds(run, device)}
    if device.type == "cuda":
        found["seconds_bf16"] = _in_bf16(run, device)["seconds"]
    return found


def _sampler(
    name: str,
    device: str,
    samples: int,
    count: int = 1,
    size: tuple[int, ...] | None = None,
    steps: int | None = None,
) -> Callable[[], Any]:
    """Return what samples `count` images; of a preset with fresh weights where a size is given."""
    method = open_contender(name, device, size=size, preset=size is not None).method
    if steps is not None and method.steps is not None:
        method = method.with_steps(steps)
    return partial(method.sample, images(method, count, device), samples, noise=Noise.unnamed(0, count))


def _memory(request: Request, size: tuple[int, ...], results: dict[str, Any], device: torch.device) -> None:
    where, few = str(device), request.few or request.samples
    results["ours"] |= peak_memory(_sampler, request.ours, where, request.samples, device=where)
    results["other"] |= peak_memory(_sampler, request.other, where, few, 1, size, 1, device=where)
    if request.batch:
        many = peak_memory(_sampler, request.ours, where, request.samples, request.batch, device=where)
        results["ours"]["batch"]["peak_mb"] = many["peak_mb"]


def _how(request: Request) -> list[str]:
    few = (
        f"Of the other, one sample and {request.few} are measured in full in one step, {request.few} in two, and "
        "multiplied to all samples and steps."
        if request.few
        else "So is the other."
    )
    told = [
        CONVENTION,
        f"Time: both in turn, {request.repeats} rounds after one that does not count; medians. Ours is measured in "
        f"full: one image in, noise, networks, solver, threshold, masks out. {few}",
    ]
    if request.memory:
        drawn = (
            f"Ours draws all {request.samples} samples there, the other {request.few or request.samples} in one step."
        )
        told += [MEMORY, drawn]
    return told
