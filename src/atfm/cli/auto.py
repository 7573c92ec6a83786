"""`atfm train auto`: a plan for the store at hand, kept in the run folder, by which the same command again goes on."""

import argparse
import sys
import warnings
from pathlib import Path
from typing import Any

__all__ = ["AUTO", "planned"]

AUTO, PLAN = "auto", "plan.toml"


def planned(args: argparse.Namespace, processes: Any) -> tuple[Any, Path, dict[str, Any]]:
    """Plan, or take the plan that the run folder holds; all processes get the same.

    Args:
        args: of `atfm train`.
        processes: those that train together; the main one plans and writes.

    Returns:
        The configuration, the run folder, and what the result tells of the plan.

    Raises:
        InputError: no store, or whatever `atfm.plan.plan` refuses.
    """
    from atfm.errors import InputError
    from atfm.models import RUNS
    from atfm.train.config import whole

    if args.data is None:
        raise InputError("--data: expected a store, from whose cases auto plans; make one with `atfm data import`")
    out = args.out or RUNS / args.data.resolve().name
    found = processes.from_main(_found(args, out / PLAN, processes) if processes.main else None)
    return whole(found["config"], source=str(out / PLAN)), out, {"plan": found["told"]}


def _found(args: argparse.Namespace, file: Path, processes: Any) -> dict[str, Any]:
    """The fields of the configuration, and what is told of them."""
    from atfm.train.presets import resolve

    if file.exists():
        print(f"goes on by the plan in {file}; another --out gets a new one", file=sys.stderr)
        fields = resolve(str(file)).model_dump(mode="json")
        return {"config": fields, "told": {"file": str(file), "made": False}}
    made = _made(args, processes)
    for warning in made.warnings:
        _warn(warning)
    for reason in made.reasons:
        print(f"  {reason}", file=sys.stderr)
    if not args.dry_run:
        _write(file, made.toml())
    told = {"file": str(file), "made": not args.dry_run, "reasons": [reason.as_json() for reason in made.reasons]}
    return {"config": made.config.model_dump(mode="json"), "told": told}


def _made(args: argparse.Namespace, processes: Any) -> Any:
    from atfm.cli.progress import bar
    from atfm.data.store import Store
    from atfm.plan import plan

    store = Store.open(args.data)
    with bar("measuring") as progress:
        made = plan(
            store,
            minutes=args.minutes,
            memory=args.memory,
            device=processes.device,
            processes=processes.world,
            watch=args.watch,
            seed=args.seed or 0,
            progress=progress,
        )
    return made if args.start is None else _begun_from(made, args, store, processes)


def _begun_from(made: Any, args: argparse.Namespace, store: Any, processes: Any) -> Any:
    """The plan with the networks of the model that --from names, so that its weights fit."""
    import json

    from atfm.models import load
    from atfm.plan import begun_from
    from atfm.plan.rules import MINUTES
    from atfm.train.config import Config

    method = Config.model_validate_json(json.dumps(load(args.start).card["config"])).method
    minutes = MINUTES if args.minutes is None else args.minutes
    return begun_from(made, method, args.start, store, minutes=minutes, watch=args.watch, device=processes.device)


def _write(file: Path, text: str) -> None:
    from atfm.disk.atomic import atomic_write, disk_errors

    with disk_errors(file):
        file.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(file) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _warn(message: str) -> None:
    from atfm.errors import AtfmWarning

    warnings.warn(message, AtfmWarning, stacklevel=2)
