"""`atfm train`: train all stages, in one process or several; the same command again goes on where it stopped."""

import argparse
import contextlib
import json
import re
import time
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

from atfm.cli.auto import AUTO, planned
from atfm.cli.common_flags import add_patient_key, add_watch, count, patient_key_of
from atfm.cli.folds import add_folds, train_folds
from atfm.cli.train_text import show, told_of

__all__ = ["add_parser"]


def add_parser(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "train",
        help="train all stages, or resume",
        description="Train the stages of a method one after the other. The same command again resumes. `atfm methods` "
        "lists the presets; those of a phantom need no --data. `auto` plans a training from the cases of the store, "
        "as `atfm plan` does, and keeps the plan in the run folder. A TOML or JSON file overrides fields of a preset. "
        "More steps for the stage that was trained last (--set stages.NAME.steps=N) extend a run. Several processes "
        "share each step under torchrun, and any number of them resumes a run.",
        epilog="example: atfm train lidc --data lidc-store --out run; in two processes: "
        "torchrun --nproc-per-node 2 -m atfm train phantom --out run",
    )
    parser.add_argument("preset", metavar="PRESET|FILE|auto", help="preset, .toml/.json file, or auto")
    parser.add_argument("--data", type=Path, help="store with the splits train and val")
    parser.add_argument("--out", type=Path, help="run folder (default: runs/PRESET; of auto runs/STORE)")
    parser.add_argument("--max-steps", type=int, help="stop after so many steps of all stages in all; resumable")
    parser.add_argument("--minutes", type=float, help="scale the steps of all stages to this time on this machine")
    add_watch(parser)
    parser.add_argument("--memory", type=float, metavar="GB", help="of auto: that it may take (default: what is free)")
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
        help="override a field, e.g. --set stages.gtr.lr=1e-3; --seed N is --set seed=N",
    )
    parser.add_argument(
        "--hold",
        type=float,
        metavar="GB",
        help="hold training cases of up to GB gigabytes on the device, stream more from the store; the result is the "
        "same (default: 4, or a quarter of a GPU's memory)",
    )
    parser.add_argument("--workers", type=int, metavar="N", help="processes that stream (default: half of the cores)")
    parser.add_argument("--seed", type=count, help="of everything random (default: the preset's, 0)")
    add_folds(parser)
    add_patient_key(parser)
    parser.add_argument("--dry-run", action="store_true", help="print the resolved configuration and stop")
    parser.set_defaults(run=run, show=show)


def run(args: argparse.Namespace) -> dict[str, object] | None:
    """Train, with the other processes if torch's launcher started several; the main one returns where it stands."""
    from atfm.cli.common_flags import meet
    from atfm.cli.progress import TrainProgress
    from atfm.errors import InputError
    from atfm.fit import fit

    with meet(args) as processes:
        config, out, told = _chosen(args, processes)
        if args.dry_run:
            return {"config": config.model_dump(mode="json")} if processes.main else None
        if args.max_steps is not None and args.max_steps < 1:
            raise InputError(f"--max-steps: expected at least 1, got {args.max_steps}")
        if args.folds is not None:
            told |= train_folds(args, config, out, processes, _options(args))
            return told if processes.main else None
        cases = replace(_cases(args, config), patient_key=patient_key_of(args))
        if processes.main and args.preset != AUTO:
            _warn_of_misfits(args, config)
        started = time.perf_counter()
        with TrainProgress(out, processes.world) if processes.main else contextlib.nullcontext(_silent) as progress:
            fitted = fit(
                config,
                cases,
                out,
                device=processes.device,
                processes=processes,
                tell=progress,
                say=progress.say if isinstance(progress, TrainProgress) else _silent,
                **_options(args),
            )
    if not processes.main:
        return None
    return {**told_of(fitted), "processes": processes.world, "seconds": round(time.perf_counter() - started, 1), **told}


def _options(args: argparse.Namespace) -> dict[str, Any]:
    """What `fit` is told besides the configuration, the cases and where."""
    return {
        "max_steps": args.max_steps,
        "minutes": None if args.preset == AUTO else args.minutes,
        "watch": args.watch,
        "take": taken(args.take),
        "start": args.start,
        "budget": _budget(args),
    }


def _chosen(args: argparse.Namespace, processes: Any) -> tuple[Any, Path, dict[str, Any]]:
    """The configuration, the run folder, and what the result tells of how it was planned."""
    from atfm.errors import InputError
    from atfm.train.config import override
    from atfm.train.presets import resolve

    given = assignments([*args.set, *seeded(args)])
    if args.preset == AUTO:
        config, out, told = planned(args, processes)
        return override(config, given, source="--set"), out, told
    if args.memory is not None:
        raise InputError(f"--memory {args.memory:g}: is what auto plans for; leave it out, or see --hold")
    config = override(resolve(args.preset), given, source="--set")
    return config, args.out or default_folder(config.preset), {}


def _warn_of_misfits(args: argparse.Namespace, config: Any) -> None:
    """Say, before anything is trained, what of the store does not fit what the configuration looks at."""
    from atfm.data.store import Store
    from atfm.errors import AtfmWarning
    from atfm.plan import checked

    for message in [] if args.data is None else checked(Store.open(args.data), config):
        warnings.warn(message, AtfmWarning, stacklevel=2)


def seeded(args: argparse.Namespace) -> list[str]:
    """`--seed` as an assignment."""
    return [] if args.seed is None else [f"seed={args.seed}"]


def _silent(progress: Any) -> None:
    """Another process tells how the training goes."""


def _cases(args: argparse.Namespace, config: Any) -> Any:
    from atfm.data.store import Store
    from atfm.errors import InputError
    from atfm.train.cases import from_phantom, from_store

    if args.data is not None:
        return from_store(Store.open(args.data), config)
    if config.phantom is not None:
        return from_phantom(config)
    raise InputError("--data: expected a store; make one with `atfm data import`, or train a phantom without")


def _budget(args: argparse.Namespace) -> Any:
    from atfm.data.budget import Budget
    from atfm.errors import InputError

    if args.hold is not None and not 0 <= args.hold < 2**20:
        raise InputError(f"--hold: expected gigabytes from 0 on, got {args.hold:g}")
    if args.workers is not None and not 0 <= args.workers <= 256:
        raise InputError(f"--workers: expected 0 to 256 processes, got {args.workers}")
    return Budget(None if args.hold is None else int(1e9 * args.hold), args.workers)


def default_folder(preset: str) -> Path:
    """The run folder of a preset; `--set preset=...` can give it any name."""
    from atfm.errors import ConfigError
    from atfm.io.naming import is_folder_name
    from atfm.models import RUNS

    if not is_folder_name(preset):
        raise ConfigError(
            f"preset {preset!r}: the run folder is named after it; give a name without / and dots, or --out"
        )
    return RUNS / preset


def taken(texts: list[str]) -> dict[str, str]:
    """Turn `["gtr=run"]` into `{"gtr": "run"}`."""
    from atfm.errors import ConfigError

    pairs = [text.partition("=") for text in texts]
    for stage, separator, model in pairs:
        if not (stage and separator and model):
            raise ConfigError(f"--take {stage}{separator}{model}: expected STAGE=MODEL, such as gtr=lidc")
    return {stage: model for stage, _, model in pairs}


def assignments(texts: list[str]) -> dict[str, Any]:
    """Turn `["window=[64, 64]"]` into `{"window": [64, 64]}`; values are JSON, and words need no quotes.

    Of a field that is given twice the last value counts, as of any flag.

    Raises:
        ConfigError: no `=`, a value that is none, or a field that is given a value and fields of its own.
    """
    from atfm.errors import ConfigError

    given: dict[tuple[str, ...], Any] = {}
    for text in texts:
        name, separator, value = text.partition("=")
        path = tuple(name.split("."))
        if not separator or not all(path):
            raise ConfigError(f"--set {text:.200}: expected FIELD=VALUE")
        for other in given:
            shorter, longer = sorted([path, other], key=len)
            if shorter != longer and longer[: len(shorter)] == shorter:
                raise ConfigError(f"--set {text}: {'.'.join(shorter)} has got a value already; give one of the two")
        given[path] = _value(value, text)
    fields: dict[str, Any] = {}
    for (*parents, leaf), value in given.items():
        inner = fields
        for parent in parents:
            inner = inner.setdefault(parent, {})
        inner[leaf] = value
    return fields


def _value(text: str, given: str) -> Any:
    """A value of `--set`: JSON, or a bare word."""
    from atfm.errors import ConfigError

    try:
        value = json.loads(text)
        json.dumps(value, allow_nan=False)  # no NaN, no infinity, nowhere in it
        return value
    except (ValueError, RecursionError) as error:
        if re.fullmatch(r"[A-Za-z_./][\w./+-]*|", text) and text not in ("NaN", "Infinity"):
            return text
        raise ConfigError(
            f"--set {given:.200}: expected a value as JSON has it, such as 1e-3, [64, 64], true, null or a word"
        ) from error
