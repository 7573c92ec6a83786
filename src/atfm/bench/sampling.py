"""Two models side by side in one run: operations, parameters, memory and time for `samples` masks of one image."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from atfm.bench.contender import Contender, open_contender
from atfm.bench.gauge import MEMORY, alternate, peak_memory, seconds
from atfm.bench.multiplied import multiplied, sampler, shorter
from atfm.bench.operations import CONVENTION, count_operations
from atfm.bench.parts import parts_of
from atfm.errors import InputError
from atfm.methods.method import Method

__all__ = ["Request", "compare"]

_TIME = (
    "Time: both in turn, {repeats} rounds after one that does not count; medians. Ours is measured in full: one image "
    "in, noise, networks, solver, threshold, masks out."
)
_FEW = (
    " Of the other, one sample and {few} are measured in full in one step, {few} in two, and multiplied to all samples "
    "and steps; its memory is that of {few} samples in one step."
)


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
def compare(
    request: Request, device: torch.device, tell: Callable[[str], object] = lambda text: None
) -> dict[str, Any]:
    """Measure both on one device, round by round in turn.

    Returns:
        `ours` and `other`, each with `gflop`, `seconds`, `parameters`, `peak_mb` and more; `ratio`; `parts`, what that
        of the operations is made of; and `how`, sentences that say how each number came about.

    Raises:
        ConfigError, CheckpointError: a name that is neither weights nor preset.
    """
    ours = open_contender(request.ours, device)
    other = open_contender(request.other, device, size=ours.method.size, preset=True)
    tell(f"timing {request.samples} samples of one image, {request.repeats} rounds")
    in_full, few = sampler(ours.method, request.samples), _few(request, other.method)
    calls = {
        f"{n} samples, {steps} steps": sampler(m, n)
        for (n, steps), m in shorter(other.method, request.samples, few).items()
    }
    took = alternate({"ours": in_full, **calls}, device, repeats=request.repeats)
    measured = {name: took[name] for name in calls}
    mine = _described(request, ours, took["ours"])
    theirs = _described(request, other, multiplied(other.method, request.samples, few, list(measured.values())))
    if device.type == "cuda":
        mine["bf16"] = _in_bf16(in_full, device)
    if request.batch:
        tell(f"timing a batch of {request.batch} images")
        mine["batch"] = _batch(request, ours.method, device)
    if request.memory:
        tell("measuring peak memory, each model in a process of its own")
        _memory(request, ours.method.size, mine, theirs, device)
    keys = {"operations": "gflop", "time": "seconds", "parameters": "parameters", "memory": "peak_mb"}
    return {
        "samples": request.samples,
        "size": list(ours.method.size),
        "ours": mine,
        "other": theirs | {"measured": measured},
        "ratio": {name: theirs[key] / mine[key] for name, key in keys.items() if key in mine},
        "parts": parts_of(ours, other, request.samples),
        "how": [
            CONVENTION,
            (_TIME + _FEW * bool(request.few)).format(repeats=request.repeats, few=request.few),
            *[MEMORY] * request.memory,
        ],
    }


def _few(request: Request, method: Method) -> int:
    """How many samples the other's time is multiplied from; of a single step it is measured in full."""
    return 0 if method.steps == 1 else request.few


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


def _batch(request: Request, method: Method, device: torch.device) -> dict[str, Any]:
    run = sampler(method, request.samples, request.batch)
    run()
    found: dict[str, Any] = {"images": request.batch, "seconds": seconds(run, device)}
    return found | ({"bf16": _in_bf16(run, device)} if device.type == "cuda" else {})


def _memory(
    request: Request, size: tuple[int, ...], mine: dict[str, Any], theirs: dict[str, Any], device: torch.device
) -> None:
    name, samples, where = request.ours, request.samples, str(device)
    mine |= peak_memory(_opened, name, samples, 1, where, device=where)
    few = (request.few, 1) if request.few else (samples, None)
    theirs |= peak_memory(_opened, request.other, few[0], 1, where, size, few[1], device=where)
    if request.batch:
        mine["batch"]["peak_mb"] = peak_memory(_opened, name, samples, request.batch, where, device=where)["peak_mb"]


def _opened(
    name: str, samples: int, count: int, device: str, size: tuple[int, ...] | None = None, steps: int | None = None
) -> Callable[[], Any]:
    """Return what samples `count` images: by weights, or by a preset for images of a size, in so many steps."""
    method = open_contender(name, device, size=size, preset=size is not None).method
    return sampler(method if steps is None or method.steps is None else method.with_steps(steps), samples, count)
