"""`atfm train ... --folds N`: train, score and join folds over patients; the same command goes on where it stopped."""

import argparse
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from atfm.cli.common_flags import patient_key_of
from atfm.cli.evaluate_text import show
from atfm.cli.progress import TrainProgress, bar

__all__ = ["add_folds", "folds_text", "train_folds"]


def add_folds(parser: argparse.ArgumentParser) -> None:
    """Give `atfm train` the flag `--folds`, and how many samples score a case."""
    parser.add_argument(
        "--folds",
        type=int,
        metavar="N",
        help="deal the patients of all splits out to N folds; train N times, each into OUT/fold-K, which is a run "
        "folder of its own; score every case by the fold that has not seen its patient, into OUT",
    )
    parser.add_argument("--samples", type=int, default=100, help="of --folds: masks of each scored case (default: 100)")


def train_folds(
    args: argparse.Namespace, config: Any, out: Path, processes: Any, options: dict[str, Any]
) -> dict[str, Any]:
    """Train all folds, score them where all are done, and return what is told of them.

    Args:
        args: of `atfm train`.
        config: of every fold.
        out: the folder of all folds.
        processes: those that work together.
        options: of `fit`.

    Raises:
        InputError: no store, or too few patients.
    """
    from atfm.data.store import Store
    from atfm.errors import InputError
    from atfm.folds import deal, score, train

    if args.data is None:
        raise InputError("--folds: expected a store, whose patients are dealt out, with --data")
    started, key = time.perf_counter(), patient_key_of(args)
    store = Store.open(args.data)
    folds = deal(store, args.folds)
    say = said if processes.main else _silent
    fitted = train(
        config,
        store,
        folds,
        out,
        device=processes.device,
        patient_key=key,
        progress=_shown if processes.main else _unseen,
        say=say,
        processes=processes,
        **options,
    )
    result: dict[str, Any] = {
        "run": str(out),
        "folds": [
            {"run": str(one.run), "steps": one.steps, "total": one.total, "stage": one.stage, "stages": one.verdicts,
             "validation": one.validation, "notes": one.notes}
            for one in fitted
        ],
        "scored": None,
    }  # fmt: skip
    if all(one.steps == one.total for one in fitted):
        with bar("scoring", shown=processes.main) as progress:
            joined = score(
                store,
                folds,
                out,
                command(args),
                processes=processes,
                tell=say,
                progress=progress,
                samples=args.samples,
                device=processes.device,
                patient_key=key,
            )
        result["scored"] = None if joined is None else joined.summary
    return result | {"seconds": round(time.perf_counter() - started, 1)}


@contextmanager
def _shown(fold: Any, folder: Path) -> Iterator[Any]:
    with TrainProgress(folder) as progress:
        yield progress


@contextmanager
def _unseen(fold: Any, folder: Path) -> Iterator[Any]:
    yield _silent


def _silent(told: Any) -> None:
    """Another process tells it."""


def said(line: str) -> None:
    """A line on standard error, with the time."""
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)


def command(args: argparse.Namespace) -> str:
    """The command line that makes the table again."""
    words = ["atfm", "train", args.preset, "--data", str(args.data), "--folds", str(args.folds)]
    values = {"--out": args.out, "--minutes": args.minutes, "--from": args.start, "--seed": args.seed}
    for flag, value in values.items():
        words += [flag, str(value)] if value is not None else []
    words += ["--watch", args.watch] if args.watch != "wall" else []
    words += [word for text in args.set for word in ("--set", text)]
    words += [word for text in args.take for word in ("--take", text)]
    words += ["--samples", str(args.samples)] if args.samples != 100 else []
    return shlex.join(words)


def folds_text(result: dict[str, Any]) -> str:
    """How each fold ended, then the table of all of them."""
    lines = [
        f"{fold['run']}: {fold['steps']} of {fold['total']} steps; weights of stage {fold['stage']}"
        for fold in result["folds"]
    ]
    if result["scored"] is None:
        return "\n".join(
            [*lines, "not all folds are trained to their end: nothing is scored; the same command goes on"]
        )
    return "\n".join([*lines, "", show(result["scored"]), *_intervals(result["scored"])])


def _intervals(summary: dict[str, Any]) -> list[str]:
    """The main scores with their intervals over the patients of all folds."""
    from atfm.metrics.table import Interval

    names = {"ged": "GED", "hm_iou_16": "HM-IoU_16", "dice_of_mean": "Dice of the mean"}
    there = {name: summary["scores"][key] for key, name in names.items() if key in summary["scores"]}
    told = [f"{name} {Interval(**score, cases=summary['cases'])}" for name, score in there.items()]
    return [f"over the {summary['patients']} patients of all folds: {', '.join(told)}"]
