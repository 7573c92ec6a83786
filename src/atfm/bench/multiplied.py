"""The time of many samples in many steps, from a few of each: for methods that take minutes for a hundred."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch

from atfm.bench.contender import images
from atfm.methods.method import Method
from atfm.seeding import Noise

__all__ = ["multiplied", "sampler", "shorter"]


def sampler(method: Method, samples: int, count: int = 1) -> Callable[[], Any]:
    """Return what draws `samples` masks of each of `count` images."""
    image = images(method, count, _device(method))
    return partial(method.sample, image, samples, noise=Noise.unnamed(0, count))


def shorter(method: Method, samples: int, few: int) -> dict[tuple[int, int], Method]:
    """Return what the time is multiplied from: `(samples, steps)`, with the method that takes so many steps.

    Args:
        method: whose time is wanted.
        samples: how many.
        few: how many are measured; 0: all of them.
    """
    if not few:
        return {(samples, method.steps or 0): method}
    if method.steps is None or method.steps == 1:
        return {(1, method.steps or 0): method, (few, method.steps or 0): method}
    return {(n, steps): method.with_steps(steps) for n, steps in ((1, 1), (few, 1), (few, 2))}


def multiplied(method: Method, samples: int, few: int, took: Sequence[float]) -> float:
    """Seconds of all samples by `once + S (each + T step)`, which as many shorter runs as unknowns determine.

    Args:
        method: as given to `shorter`.
        samples: likewise.
        few: likewise.
        took: seconds of each of its runs.
    """
    if len(took) == 1:
        return took[0]
    first, several, *twice = took
    each = max(0.0, several - first) / (few - 1)  # a sample, with one step
    step = max(0.0, twice[0] - several) / few if twice else 0.0
    return first + (samples - 1) * each + samples * ((method.steps or 1) - 1) * step


def _device(method: Method) -> torch.device:
    found = next(method.parameters(), None)
    return torch.device("cpu") if found is None else found.device
