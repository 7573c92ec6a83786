"""Score against time: what first stages draw alone, then the whole in one step, two, four, eight; and the figure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch

from atfm.bench.contender import Contender
from atfm.bench.gauge import alternate
from atfm.bench.operations import count_operations
from atfm.data.store import Store
from atfm.evaluate.score import evaluate
from atfm.methods.method import Method
from atfm.report.figures import Curve, score_chart
from atfm.seeding import Noise

__all__ = ["Scoring", "curve", "pareto_chart"]


@dataclass(frozen=True)
class Scoring:
    """On what the points are scored; as for `atfm.evaluate.score.evaluate`."""

    store: Store
    split: str = "val"
    limit: int | None = None
    seed: int = 0


def curve(
    contender: Contender,
    steps: Sequence[int],
    image: torch.Tensor,
    samples: int,
    *,
    repeats: int,
    scoring: Scoring | None = None,
    tell: Callable[[str], object] = lambda text: None,
) -> list[dict[str, Any]]:
    """Time, count and score `samples` masks by what each stage can draw and by the whole in each number of steps.

    Returns:
        Of each: `name`, `steps`, `gflop` and `seconds`; with `scoring` also `cases`, `patients` and `scores`.

    Raises:
        ConfigError: fewer than one step.
        LeakError, StoreError, InputError: as `evaluate`.
    """
    methods = _methods(contender.method, steps)
    noise = Noise.unnamed(0, len(image))
    calls = {name: partial(method.sample, image, samples, noise=noise) for name, method in methods.items()}
    times = alternate(calls, image.device, repeats=repeats)
    points = []
    for name, method in methods.items():
        gflop = count_operations(method).total(samples) / 1e9
        point: dict[str, Any] = {"name": name, "steps": method.steps, "gflop": gflop, "seconds": times[name]}
        if scoring is not None:
            tell(f"scoring {name}")
            found = evaluate(
                replace(contender, method=method),
                scoring.store,
                split=scoring.split,
                samples=samples,
                limit=scoring.limit,
                seed=scoring.seed,
                device=image.device,
                references=False,
            )
            point |= {"cases": found.cases, "patients": found.patients, "scores": found.result.as_json()}
        points.append(point)
    return points


def _methods(method: Method, steps: Sequence[int]) -> dict[str, Method]:
    """What can be sampled after a stage that is not the last, then the method in each number of steps."""
    alone = {id(stage.method): stage for stage in method.stages() if stage.method is not method}  # the last of each
    kept = {f"{stage.name} alone": stage.method for stage in alone.values()}
    if method.steps is None:
        return kept | {"as it is": method}
    return kept | {f"{n} step" + "s" * (n > 1): method.with_steps(n) for n in sorted(set(steps))}


def pareto_chart(points: Sequence[Mapping[str, Any]], samples: int) -> str:
    """Draw the points of `curve`, scored, as SVG: seconds for all samples (x) against two scores (y)."""
    panels = {}
    for metric, title in (("ged", "GED, unbiased"), (f"ged_{samples}", f"GED_{samples}, self-pairs counted")):
        scored = [(float(f"{point['seconds']:.2g}"), point["scores"]) for point in points if metric in point["scores"]]
        x, scores = [at for at, _ in scored], [found[metric] for _, found in scored]
        low, high = ([s["mean"] if s[end] is None else s[end] for s in scores] for end in ("low", "high"))
        lines = [Curve(f"{points[0]['name']} to {points[-1]['name']}", x, [s["mean"] for s in scores], low, high)]
        if scored and f"floor_{metric}" in scored[0][1]:
            floor = scored[0][1][f"floor_{metric}"]["mean"]
            lines.append(Curve("as many further readers", x, [floor] * len(x), reference=True))
        panels[title] = lines
    return score_chart(panels, f"seconds for {samples} samples of one image")
