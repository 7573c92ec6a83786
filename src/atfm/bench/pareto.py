"""Score against time: GTR alone, then the flow in one step, two, four, eight."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch

from atfm.bench.operations import count_operations
from atfm.bench.stopwatch import alternate
from atfm.bench.subject import Subject
from atfm.data.store import Store
from atfm.errors import ConfigError
from atfm.evaluate.score import evaluate
from atfm.methods.atfm import ATFM
from atfm.methods.method import Method
from atfm.models import set_steps
from atfm.seeding import Noise

__all__ = ["Scoring", "curve", "scored"]


@dataclass(frozen=True)
class Scoring:
    """On what the points are scored; as for `atfm.evaluate.score.evaluate`."""

    store: Store
    split: str = "val"
    limit: int | None = None
    seed: int = 0
    batch: int = 4


def curve(
    subject: Subject, steps: Sequence[int], image: torch.Tensor, samples: int, *, repeats: int
) -> list[dict[str, Any]]:
    """Time `samples` masks of one image by GTR alone (`steps` 0) and in each number of steps, all in turn.

    Returns:
        Of each: `name`, `steps`, `gflop` and `seconds`, fewest steps first.

    Raises:
        ConfigError: fewer than one step.
    """
    noise, points, calls = Noise(0, ["bench"]), [], {}
    for name, method, count in _methods(subject, steps):
        with _taking(method, count):
            gflop = count_operations(method).total(samples) / 1e9
        points.append({"name": name, "steps": count, "gflop": gflop})

        def sample(method: Method = method, count: int = count) -> object:
            with _taking(method, count):
                return method.sample(image, samples, generator=noise)

        calls[name] = sample
    times = alternate(calls, image.device, repeats=repeats)
    return [point | {"seconds": times[str(point["name"])].median} for point in points]


def scored(
    subject: Subject,
    points: Sequence[dict[str, Any]],
    scoring: Scoring,
    samples: int,
    *,
    device: torch.device,
    progress: Callable[[str, int, int], object] = lambda name, done, total: None,
) -> list[dict[str, Any]]:
    """Add the scores of a store's split to the points of `curve`: mean and interval of each metric.

    Raises:
        LeakError, StoreError, InputError: as `evaluate`.
    """
    found = []
    methods = _methods(subject, [point["steps"] for point in points if point["steps"]])
    for point, (name, method, count) in zip(points, methods, strict=True):
        with _taking(method, count):
            result = evaluate(
                replace(subject, method=method),
                scoring.store,
                split=scoring.split,
                samples=samples,
                limit=scoring.limit,
                seed=scoring.seed,
                batch=scoring.batch,
                device=device,
                references=False,
                progress=lambda done, total, name=name: progress(name, done, total),  # type: ignore[misc]
            )
        found.append(point | {"cases": result.cases, "patients": result.patients, "scores": result.result.as_json()})
    return found


@contextmanager
def _taking(method: Method, steps: int) -> Iterator[None]:
    """Let a flow integrate in so many steps for a while; 0 is GTR, which has none."""
    if not steps or not isinstance(method, ATFM):
        yield
        return
    before = method.steps
    set_steps(method, steps)
    try:
        yield
    finally:
        method.steps = before


def _methods(subject: Subject, steps: Sequence[int]) -> list[tuple[str, Method, int]]:
    """`(name, method, steps)` of every point, GTR alone with 0 steps first."""
    method = subject.method
    if not isinstance(method, ATFM):
        return [("GTR alone", method, 0)]
    if any(count < 1 for count in steps):
        raise ConfigError(f"steps: expected numbers of at least 1, got {', '.join(map(str, steps))}")
    names = [(f"{count} step" + "s" * (count > 1), method, count) for count in sorted(set(steps))]
    return [("GTR alone", method.truncation, 0), *names]
