"""`atfm methods`: what there is, with references, stages, presets and cost."""

import argparse
from collections.abc import Mapping
from typing import Any

from atfm.cli.bench_text import number

__all__ = ["add_parser"]

SAMPLES = 100


def add_parser(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "methods",
        help="list the methods and their presets",
        description="List the methods, each with its reference, its stages and its presets, and of every preset the "
        "parameters and the operations for 100 samples of an image of the size that it is meant for.",
        epilog="example: atfm methods --json",
    )
    parser.add_argument("name", nargs="?", metavar="METHOD", help="this one alone (default: all)")
    parser.set_defaults(run=run, show=show)


def run(args: argparse.Namespace) -> dict[str, object]:
    """Describe each method, or the one that is asked for."""
    from atfm.errors import InputError
    from atfm.methods import METHODS
    from atfm.train.presets import presets

    if args.name is not None and args.name not in METHODS:
        raise InputError(f"method {args.name!r} is unknown; expected one of {', '.join(METHODS)}")
    configs = presets()
    return {
        name: {
            "about": entry.about,
            "reference": entry.reference,
            "stages": _stages(configs[preset] for preset in entry.presets),
            "presets": {preset: described(configs[preset]) for preset in entry.presets},
        }
        for name, entry in METHODS.items()
        if args.name in (None, name)
    }


def described(config: Any) -> dict[str, Any]:
    """What a preset trains, on which images, and what it costs."""
    import torch

    from atfm.bench.contender import fresh
    from atfm.bench.operations import count_operations

    with torch.device("meta"):
        method = fresh(config).eval()
    return {
        "stages": {stage.name: config.stages[stage.name].steps for stage in method.stages()},
        "image": [method.in_channels, *method.size],
        "classes": method.channels,
        "steps": method.steps,
        "parameters": sum(parameter.numel() for parameter in method.parameters()),
        f"gflop_{SAMPLES}": count_operations(method).total(SAMPLES) / 1e9,
    }


def _stages(configs: Any) -> list[str]:
    """The stages of all presets, in the order of the one that has most."""
    named = sorted((list(config.stages) for config in configs), key=len, reverse=True)
    return list(dict.fromkeys(name for names in named for name in names))


def show(result: Mapping[str, Any]) -> str:
    """A paragraph for each method, a line for each preset."""
    lines = []
    for name, method in result.items():
        lines += [
            name,
            f"  {method['about']}",
            f"  {method['reference']}",
            f"  stages: {', '.join(method['stages'])}",
            "",
        ]
        lines += [
            f"  {'preset':20}{'image':>14}{'parameters':>14}{f'GFLOP, {SAMPLES} samples':>20}  steps of each stage"
        ]
        for preset, of in method["presets"].items():
            steps = ", ".join(f"{stage} {count:,}" for stage, count in of["stages"].items() if count)
            image = "x".join(map(str, of["image"]))
            lines += [f"  {preset:20}{image:>14}{of['parameters']:>14,}{number(of[f'gflop_{SAMPLES}']):>20}  {steps}"]
        lines += [""]
    return "\n".join(lines).rstrip()
