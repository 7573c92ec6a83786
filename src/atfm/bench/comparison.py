"""Two models side by side in one run: operations, parameters, memory and time for `samples` masks of one image."""

import platform
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from atfm.bench.memory import HOW as MEMORY
from atfm.bench.memory import MemoryRequest, peak_memory
from atfm.bench.operations import CONVENTION, count_operations, evaluations
from atfm.bench.parts import multiplied, parts
from atfm.bench.stopwatch import Times, alternate, seconds
from atfm.bench.subject import Subject, images, open_subject
from atfm.errors import InputError
from atfm.seeding import Noise

__all__ = ["Request", "compare", "surroundings"]

Tell = Callable[[str], object]


@dataclass(frozen=True)
class Request:
    """What is compared, and how long it may take.

    Args:
        ours: run folder, weight file, shipped weights or preset.
        paper: a preset, built with fresh weights for the images of `ours`.
        samples: masks of each image.
        repeats: rounds that count, after one that does not.
        sample_steps: samples that pass through the paper's network when it is timed.
        batch: images in the batch; 0 leaves it out.
        memory: measure peak memory.
    """

    ours: str = "lidc"
    paper: str = "paper"
    samples: int = 100
    repeats: int = 5
    sample_steps: int = 2
    batch: int = 64
    memory: bool = True

    @property
    def batch_key(self) -> str:
        """`batch64`, for a batch of 64 images."""
        return f"batch{self.batch}"

    def __post_init__(self) -> None:
        for name in ("samples", "repeats", "sample_steps"):
            if getattr(self, name) < 1:
                raise InputError(f"{name.replace('_', ' ')}: expected at least 1, got {getattr(self, name)}")
        if self.batch < 0:
            raise InputError(f"batch: expected 0 or more images, got {self.batch}")
        if self.sample_steps > self.samples:
            raise InputError(f"sample steps: expected at most the {self.samples} samples, got {self.sample_steps}")


@torch.no_grad()
def compare(request: Request, device: torch.device, tell: Tell = lambda text: None) -> dict[str, Any]:
    """Measure both on one device, round by round in turn.

    Returns:
        `ours` and `paper`, each with `gflop_<samples>`, `seconds_<samples>`, `parameters`, `peak_mb` and more;
        `ratio`; and `how`, sentences that say how each number came about.

    Raises:
        ConfigError, CheckpointError: a name that is neither weights nor preset.
    """
    ours = open_subject(request.ours, device)
    paper = open_subject(request.paper, device, size=ours.method.size, fresh=True)
    image = images(ours.method, 1, device)
    tell(f"timing {request.samples} samples of one image, {request.repeats} rounds")
    times = _times(request, ours, paper, image)
    results = {
        "ours": _ours(request, ours, times),
        "paper": _paper(request, paper, times),
    }
    if request.batch:
        tell(f"timing a batch of {request.batch} images")
        _batch(request, ours, paper, results, device)
    if request.memory:
        _memory(request, ours.method.size, results, device, tell)
    return {
        "samples": request.samples,
        "batch": request.batch,
        "size": list(ours.method.size),
        **results,
        "ratio": _ratio(request, results),
        "how": _how(request, results),
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


def _times(request: Request, ours: Subject, paper: Subject, image: torch.Tensor) -> dict[str, Times]:
    noise = Noise(0, ["bench"])
    calls: dict[str, Callable[[], object]] = {
        "ours": lambda: ours.method.sample(image, request.samples, generator=noise)
    }
    for name, call in parts(ours.method, image, request.samples).items():
        calls[f"ours.{name}"] = call
    for name, call in parts(paper.method, image, request.samples, request.sample_steps).items():
        calls[f"paper.{name}"] = call
    return alternate(calls, image.device, repeats=request.repeats)


def _described(request: Request, subject: Subject, took: float) -> dict[str, Any]:
    operations = count_operations(subject.method)
    gflop = operations.total(request.samples) / 1e9
    return {
        "name": subject.name,
        "trained": subject.trained,
        "parameters": subject.parameters,
        f"gflop_{request.samples}": gflop,
        f"seconds_{request.samples}": took,
        "gflop_per_second": gflop / took,
        "gflop_per_evaluation": (operations.field + operations.time) / 1e9,
        "evaluations": evaluations(subject.method),
        "gflop_parts": operations.as_json(request.samples),
    }


def _of(times: dict[str, Times], name: str) -> dict[str, Times]:
    return {key.removeprefix(f"{name}."): value for key, value in times.items() if key.startswith(f"{name}.")}


def _ours(request: Request, subject: Subject, times: dict[str, Times]) -> dict[str, Any]:
    described = _described(request, subject, times["ours"].median)
    stages = multiplied(subject.method, _of(times, "ours"), request.samples)
    return described | {"seconds": times["ours"].as_json(), "seconds_parts": stages, "measured": "in full"}


def _paper(request: Request, subject: Subject, times: dict[str, Times]) -> dict[str, Any]:
    own = _of(times, "paper")
    stages = multiplied(subject.method, own, request.samples, request.sample_steps)
    described = _described(request, subject, sum(stages.values()))
    field = own["field"].as_json() if "field" in own else {}
    return described | {"field_seconds": field, "seconds_parts": stages, "measured": "a few sample-steps, multiplied"}


def _batch(
    request: Request, ours: Subject, paper: Subject, results: dict[str, dict[str, Any]], device: torch.device
) -> None:
    image = images(ours.method, request.batch, device)
    noise = Noise(0, [f"image-{number}" for number in range(request.batch)])
    own = seconds(lambda: ours.method.sample(image, request.samples, generator=noise), device)
    one = results["paper"][f"seconds_{request.samples}"]
    for subject, took in ((ours, own), (paper, request.batch * one)):
        total = count_operations(subject.method).total(request.samples, request.batch)
        results["ours" if subject is ours else "paper"][request.batch_key] = {
            "images": request.batch,
            f"gflop_{request.samples}": total / 1e9,
            f"seconds_{request.samples}": took,
            "seconds_per_image": took / request.batch,
        }


def _memory(
    request: Request, size: tuple[int, ...], results: dict[str, dict[str, Any]], device: torch.device, tell: Tell
) -> None:
    tell("measuring peak memory, each model in a process of its own")
    threads = torch.get_num_threads()
    own = MemoryRequest(request.ours, str(device), request.samples, threads=threads)
    few = MemoryRequest(
        request.paper, str(device), request.sample_steps, steps=1, threads=threads, size=size, fresh=True
    )
    results["ours"] |= peak_memory(own)
    results["paper"] |= peak_memory(few)
    if request.batch:
        many = MemoryRequest(request.ours, str(device), request.samples, images=request.batch, threads=threads)
        results["ours"][request.batch_key]["peak_mb"] = peak_memory(many)["peak_mb"]


def _ratio(request: Request, results: dict[str, dict[str, Any]]) -> dict[str, float]:
    """How many times less ours needs."""
    names = {
        "operations": f"gflop_{request.samples}",
        "time": f"seconds_{request.samples}",
        "parameters": "parameters",
        "memory": "peak_mb",
    }
    ours, paper = results["ours"], results["paper"]
    ratio = {name: paper[key] / ours[key] for name, key in names.items() if key in ours}
    if request.batch:
        key = f"seconds_{request.samples}"
        ratio["batch_time"] = paper[request.batch_key][key] / ours[request.batch_key][key]
    return ratio


def _how(request: Request, results: dict[str, dict[str, Any]]) -> list[str]:
    n, k, paper = request.samples, request.sample_steps, results["paper"]
    told = [
        CONVENTION,
        f"Time: both in turn, {request.repeats} rounds after one that does not count; medians. Ours is measured in "
        "full: one image in, noise, networks, solver, threshold, masks out. Of the other, one evaluation of the field "
        f"for {k} samples is measured and multiplied by {n} / {k} x {paper['evaluations']}; reading, noise and "
        "threshold are measured in full and added once.",
    ]
    if request.memory:
        told.append(MEMORY)
        told.append(
            f"Ours draws all {n} samples there, the other {k} in one step: with more samples at a time it needs more."
        )
    if request.batch:
        told.append(
            f"Batch of {request.batch} images: ours measured in full, once; the other is the time of one image times "
            f"{request.batch}."
        )
    return told
