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
        description="Train GTR, freeze it, train SFM, tune it by the energy score. The same command again resumes. "
        "Presets: lidc, lidc-large (for a GPU), paper, paper-isic3, phantom, phantom-colour, phantom-classes, "
        "phantom-volume (a phantom needs no --data); or a TOML or YAML file that overrides fields of one.",
        epilog="example: atfm train lidc --data lidc-store --out run",
    )
    parser.add_argument("preset", metavar="PRESET|FILE", help="preset, or .toml/.yaml file")
    parser.add_argument("--data", type=Path, help="store with the splits train and val")
    parser.add_argument("--out", type=Path, help="run folder (default: runs/PRESET)")
    parser.add_argument("--max-steps", type=int, help="stop after so many steps of all stages in all; resumable")
    parser.add_argument("--gtr", metavar="MODEL", help="take stage 1 from this model instead of training one")
    parser.add_argument("--from", dest="start", metavar="MODEL", help="begin from the weights of this model: fine-tune")
    parser.add_argument(
        "--set", action="append", default=[], metavar="FIELD=VALUE", help="override a field, e.g. --set stage1.lr=1e-3"
    )
    parser.add_argument("--dry-run", action="store_true", help="print the resolved configuration and stop")
    parser.set_defaults(run=run, show=show)


def run(args: argparse.Namespace) -> dict[str, object]:
    """Train and return where the training stands."""
    from atfm.cli.common_flags import resolve_device
    from atfm.cli.train_progress import TrainProgress
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
            gtr=args.gtr,
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
    if config.preset.split("-")[0] == "phantom":
        return from_phantom(config)
    raise InputError("--data: expected a store; make one with `atfm data import`, or train a phantom without")


def assignments(texts: list[str]) -> dict[str, Any]:
    """Turn `["stage1.lr=1e-3"]` into `{"stage1": {"lr": 0.001}}`; values are read as YAML."""
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
