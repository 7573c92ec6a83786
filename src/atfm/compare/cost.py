"""What a method costs: solver steps, parameters, operations and seconds for so many samples, images trained on."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import torch

from atfm.bench.gauge import alternate
from atfm.bench.multiplied import multiplied, sampler, shorter
from atfm.bench.operations import count_operations
from atfm.methods.method import Method
from atfm.models import Model
from atfm.train.config import Config

__all__ = ["Cost", "cost_of", "seconds_of", "views_of"]

FEW = 2  # samples that a time is multiplied from
MOST = 10.0  # seconds: what takes longer is not measured in full


@dataclass(frozen=True)
class Cost:
    """What a method costs.

    Args:
        steps: of its solver; None for a method without.
        parameters: numbers that were trained, in all stages.
        gflop: 10^9 operations for all samples of an image, see `bench.operations`.
        seconds: for the same; None where it was not measured.
        multiplied: whether that was measured on a few samples and steps.
        views: images seen in training, steps x batch of all stages; None where the card does not say.
        views_note: what to know of that number.
    """

    steps: int | None
    parameters: int
    gflop: float
    seconds: float | None = None
    multiplied: bool = False
    views: int | None = None
    views_note: str = ""

    def as_json(self) -> dict[str, Any]:
        """For the summary."""
        return asdict(self)


def cost_of(model: Model, samples: int, timed: tuple[float, bool] | None = None) -> Cost:
    """Return what a model costs for so many samples of an image.

    Args:
        model: in evaluation mode.
        samples: how many.
        timed: of `seconds_of`.
    """
    method = model.method
    views, note = views_of(model.card)
    seconds, rough = timed if timed is not None else (None, False)
    parameters = sum(parameter.numel() for parameter in method.parameters())
    gflop = count_operations(method).total(samples) / 1e9
    return Cost(method.steps, parameters, gflop, seconds, rough, views, note)


def seconds_of(
    methods: Mapping[str, Method],
    samples: int,
    device: torch.device,
    *,
    repeats: int = 3,
    tell: Callable[[str], object] = lambda line: None,
) -> dict[str, tuple[float, bool]]:
    """Time so many samples of one image of each method; what takes more than ten seconds is multiplied.

    Those that are quick are measured in full, all in turn, so that whatever else the machine does meets all alike.

    Args:
        methods: by name, on the device.
        samples: how many.
        device: where.
        repeats: rounds that count; medians.
        tell: is told of what is multiplied.

    Returns:
        Seconds, and whether they are multiplied from a few samples and steps.
    """
    found: dict[str, tuple[float, bool]] = {}
    quick: dict[str, Callable[[], object]] = {}
    few = min(FEW, samples) if samples > 1 else 0
    for name, method in methods.items():
        calls = {str(key): sampler(short, key[0]) for key, short in shorter(method, samples, few).items()}
        estimate = multiplied(method, samples, few, list(alternate(calls, device, repeats=1).values()))
        if estimate <= MOST:
            quick[name] = sampler(method, samples)
        else:
            tell(f"{name}: {samples} samples take about {estimate:.0f} s: multiplied from {few} samples")
            found[name] = (estimate, True)
    return found | {name: (took, False) for name, took in alternate(quick, device, repeats=repeats).items()}


def views_of(card: Mapping[str, Any]) -> tuple[int | None, str]:
    """Return how many images weights have seen, steps x batch of the steps that were made, and what to know of it."""
    try:
        config = Config.model_validate_json(json.dumps(card["config"]))
        size = tuple(card["size"])
        with torch.device("meta"):
            method = config.build(in_channels=card["in_channels"], channels=card["channels"], size=size)
        left = int(card["training"]["step"])
        ended = dict(card["training"].get("ended", {}))
    except (KeyError, TypeError, ValueError):
        return None, "the card does not say"
    views = 0
    for stage in method.stages():
        plan = config.stages[stage.name]
        made = min(left, ended.get(stage.name, plan.steps))
        views, left = views + made * plan.batch, left - made
    sources = [str(source.get("name", name)) for name, source in _sources(card).items()]
    return views, f"without those of {', '.join(sources)}, which it begins from" if sources else ""


def _sources(card: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """The models that weights were taken from; earlier cards name one as `from`."""
    taken = dict(card.get("taken", {}))
    if isinstance(card.get("from"), dict):
        taken["from"] = card["from"]
    return taken
