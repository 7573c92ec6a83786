"""`atfm train`: train all stages; the same command again goes on where it stopped."""

import argparse
import contextlib
import time
from pathlib import Path
from typing import Any

__all__ = ["add_parser"]


def add_parser(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "train",
        help="train all stages, or resume",
        description="Train the stages of a method one after the other. The same command again resumes. `atfm methods` "
        "lists the presets; those of a phantom need no --data. A TOML or YAML file overrides fields of a preset.",
        epilog="example: atfm train lidc --data lidc-store --out run",
    )
    parser.add_argument("preset", metavar="PRESET|FILE", help="preset, or .toml/.yaml file")
    parser.add_argument("--data", type=Path, help="store with the splits train and val")
    parser.add_argument("--out", type=Path, help="run folder (default: runs/PRESET)")
    parser.add_argument("--max-steps", type=int, help="stop after so many steps of all stages in all; resumable")
    parser.add_argument("--minutes", type=float, help="scale the steps of all stages to this time on this machine")
    parser.add_argument(
        "--take",
        action="append",
        default=[],
        metavar="STAGE=MODEL",
        help="take what this stage trains from another model, e.g. --take gtr=lidc",
    )
    parser.add_argument("--from", dest="start", metavar="MODEL", help="begin from the weights of this model: fine-tune")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="override a field, e.g. --set stages.gtr.lr=1e-3",
    )
    parser.add_argument("--dry-run", action="store_true", help="print the resolved configuration and stop")
    parser.set_defaults(run=run, show=show)


def run(args: argparse.Namespace) -> dict[str, object]:
    """Train and return where the training stands."""
    from atfm.cli.common_flags import resolve_device
    from atfm.cli.progress import TrainProgress
    from atfm.errors import InputError
    from atfm.fit import fit
    from atfm.train.config import override
    from atfm.train.presets import resolve

    config = override(resolve(args.preset), assignments(args.set) | ({"seed": args.seed} if args.seed else {}))
    if args.dry_run:
        return {"config": config.model_dump(mode="json")}
    if args.max_steps is not None and args.max_steps < 1:
        raise InputError(f"--max-steps: expected at least 1, got {args.max_steps}")
    out = args.out or Path("runs") / config.preset
    started = time.perf_counter()
    with TrainProgress(out) as progress:
        fitted = fit(
            config,
            _cases(args, config),
            out,
            device=resolve_device(args.device),
            max_steps=args.max_steps,
            minutes=args.minutes,
            take=taken(args.take),
            start=args.start,
            tell=progress,
        )
    return {
        "run": str(fitted.run),
        "steps": fitted.steps,
        "total": fitted.total,
        "validation": fitted.validation,
        "seconds": round(time.perf_counter() - started, 1),
    }


def _cases(args: argparse.Namespace, config: Any) -> Any:
    from atfm.data.store import Store
    from atfm.errors import InputError
    from atfm.fit import from_phantom, from_store

    if args.data is not None:
        return from_store(Store.open(args.data), config)
    if config.phantom is not None:
        return from_phantom(config)
    raise InputError("--data: expected a store; make one with `atfm data import`, or train a phantom without")


def taken(texts: list[str]) -> dict[str, str]:
    """Turn `["gtr=run"]` into `{"gtr": "run"}`."""
    from atfm.errors import ConfigError

    pairs = [text.partition("=") for text in texts]
    for stage, separator, model in pairs:
        if not (stage and separator and model):
            raise ConfigError(f"--take {stage}{separator}{model}: expected STAGE=MODEL, such as gtr=lidc")
    return {stage: model for stage, _, model in pairs}


def assignments(texts: list[str]) -> dict[str, Any]:
    """Turn `["window=[64, 64]"]` into `{"window": [64, 64]}`; values are read as YAML."""
    import yaml

    from atfm.errors import ConfigError

    fields: dict[str, Any] = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator:
            raise ConfigError(f"--set {text}: expected FIELD=VALUE")
        *parents, leaf = name.split(".")
        inner = fields
        for parent in parents:
            inner = inner.setdefault(parent, {})
        parsed = yaml.safe_load(value)
        with contextlib.suppress(ValueError):  # YAML 1.1 reads 1e-3 as text.
            parsed = float(parsed) if isinstance(parsed, str) else parsed
        inner[leaf] = parsed
    return fields


def show(result: dict[str, Any]) -> str:
    """The result for a person."""
    if "config" in result:
        import yaml

        return yaml.safe_dump(result["config"], sort_keys=False).rstrip()
    text = f"{result['run']}: {result['steps']} of {result['total']} steps"
    scores = {k: v for k, v in (result["validation"] or {}).items() if isinstance(v, float)}
    if scores:
        text += "; validation " + ", ".join(f"{name} {value:.3f}" for name, value in scores.items())
    return text
