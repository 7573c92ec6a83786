"""Other ways to run the same weights: bf16, torch.compile, CUDA graphs, another memory layout; each against none."""

import copy
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from typing import Any

import torch

from atfm.bench.stopwatch import alternate, seconds
from atfm.errors import ConfigError
from atfm.methods.atfm import ATFM
from atfm.methods.method import Method, Samples
from atfm.seeding import Noise

__all__ = ["VARIANTS", "compare_variants", "variant"]

VARIANTS = {
    "bf16": "convolutions in bf16 (autocast)",
    "compile": "ST-Net through torch.compile; the first call, which compiles, is told apart",
    "graphs": "the same with CUDA graphs; on a GPU only",
    "contiguous": "weights in torch's own layout instead of channels last",
    "inference": "torch.inference_mode instead of no_grad",
    "chunk=N": "N samples through ST-Net at a time",
}


def variant(method: Method, name: str, device: torch.device) -> Callable[[torch.Tensor, int, Noise], Samples]:
    """Return `sample` of a copy of a method that runs in another way.

    Args:
        method: the weights; left as they are.
        name: one of `VARIANTS`, or several joined by `+`: `bf16+compile`.
        device: where it runs.

    Raises:
        ConfigError: an unknown name, CUDA graphs without CUDA, or a flow's variant of a method without one.
    """
    words = name.split("+")
    unknown = [word for word in words if _kind(word) not in VARIANTS]
    if unknown:
        raise ConfigError(f"variant {unknown[0]!r} is unknown; expected {', '.join(VARIANTS)}, joined by +")
    if "graphs" in words and device.type != "cuda":
        raise ConfigError("variant graphs: CUDA graphs need a GPU; leave it out, or give --device cuda")
    method = copy.deepcopy(method)
    if "contiguous" in words:
        for parameter in method.parameters():
            parameter.data = parameter.data.contiguous()
    for word in words:
        if _kind(word) in ("compile", "graphs", "chunk=N"):
            _change_flow(method, word)

    def sample(image: torch.Tensor, n: int, noise: Noise) -> Samples:
        half = torch.autocast(device.type, torch.bfloat16) if "bf16" in words else nullcontext()
        with half, torch.inference_mode("inference" in words):
            return method.sample(image, n, generator=noise)

    return sample


def compare_variants(
    method: Method, names: Sequence[str], image: torch.Tensor, samples: int, *, repeats: int
) -> list[dict[str, Any]]:
    """Time each variant and the method itself in turn.

    Returns:
        Of each, the method itself (`default`) first: `seconds`, `first_seconds` (the first call), and `equal_pixels`,
        the share of mask pixels that are as the method's own.
    """
    device, noise = image.device, Noise(0, ["bench"])
    runs: dict[str, Callable[[torch.Tensor, int, Noise], Samples]] = {
        "default": lambda image, n, noise: method.sample(image, n, generator=noise)
    }
    runs |= {name: variant(method, name, device) for name in names}
    own = method.sample(image, samples, generator=noise).masks
    equal, first = {}, {}
    for name, run in runs.items():
        first[name] = seconds(lambda run=run: run(image, samples, noise), device)  # type: ignore[misc]
        equal[name] = float((run(image, samples, noise).masks == own).float().mean())
    calls: dict[str, Callable[[], object]] = {
        name: (lambda run=run: run(image, samples, noise))  # type: ignore[misc]
        for name, run in runs.items()
    }
    times = alternate(calls, device, repeats=repeats)
    return [
        {"name": name, "seconds": times[name].median, "first_seconds": first[name], "equal_pixels": equal[name]}
        for name in runs
    ]


def _kind(word: str) -> str:
    head, _, number = word.partition("=")
    return "chunk=N" if head == "chunk" and number.isdigit() and int(number) else word


def _change_flow(method: Method, word: str) -> None:
    if not isinstance(method, ATFM):
        raise ConfigError(f"variant {word}: this model has no flow; leave the variant out")
    if word.startswith("chunk="):
        method.chunk = int(word.removeprefix("chunk="))
    else:
        method.network.compile(mode="reduce-overhead" if word == "graphs" else None)
