"""`atfm evaluate`: scores for each case of a split, their summary, and a report."""

from __future__ import annotations

import argparse
import re
import shlex
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from atfm.cli.common_flags import add_patient_key, add_shard, meet, patient_key_of, shard_of
from atfm.cli.evaluate_text import show
from atfm.cli.progress import bar
from atfm.errors import CheckpointError

if TYPE_CHECKING:
    import torch

    from atfm.evaluate import Scored
    from atfm.models import Model

__all__ = ["add_parser"]

BATCH = 4


def add_parser(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "evaluate",
        help="score a model on a split",
        description="Draw samples of every case of a split, compare them with its annotators, and write rows.csv (one "
        "row for each case), summary.json and report.html. MODEL is a run folder, a weight file or the name of shipped "
        "weights. A model is not scored on patients that it was trained on. The same command goes on with an "
        "evaluation that was stopped. Several processes share the cases, with the same result: `torchrun "
        "--nproc-per-node N -m atfm evaluate ...` on machines that see one folder DIR, or jobs with --shard 1/N to "
        "N/N, which leave their rows in DIR/parts; the same command without --shard then scores what is missing and "
        "writes the files.",
        epilog="example: atfm evaluate lidc lidc-store --split test --limit 200 --out report",
    )
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("store", metavar="STORE", type=Path, help="folder made by `atfm data import`")
    parser.add_argument("--split", default="test", help="default: test")
    parser.add_argument("--samples", type=int, default=100, metavar="N", help="masks of each case (default: 100)")
    parser.add_argument("--limit", type=int, metavar="N", help="score a fixed subset of N cases")
    parser.add_argument("--steps", type=int, metavar="N", help="solver steps (default: the model's own)")
    parser.add_argument(
        "--batch", type=int, default=BATCH, metavar="N", help=f"cases drawn at a time (default: {BATCH})"
    )
    parser.add_argument(
        "--beside",
        action="append",
        metavar="STAGE|MODEL",
        help="score this on the same cases with the same noise too: an earlier stage of MODEL by its name, or another "
        "model; may be given again (default: all earlier stages)",
    )
    parser.add_argument("--no-references", action="store_true", help="leave out the reference rows and earlier stages")
    parser.add_argument(
        "--allow-leak", action="store_true", help="score patients the model has seen; the report says so"
    )
    add_patient_key(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder (default: MODEL-STORE-SPLIT, by their names)")
    add_shard(parser, "cases")
    parser.set_defaults(run=run, show=show)


def run(args: argparse.Namespace) -> dict[str, object] | None:
    """Score this process's share; the main process then writes the files and returns the summary."""
    from atfm.data.store import Store
    from atfm.evaluate import Parts, join, prepare, save, score_part
    from atfm.models import load

    shard = shard_of(args)
    with meet(args) as processes:
        store, model = Store.open(args.store), load(args.model, processes.device)
        if args.steps is not None:
            model = replace(model, method=model.method.with_steps(args.steps))
        out = args.out or Path(default_folder(args.model, store.info.name, args.split))
        plan = prepare(
            model,
            store,
            split=args.split,
            samples=args.samples,
            limit=args.limit,
            seed=args.seed,
            batch=args.batch,
            device=processes.device,
            beside=beside(args, model, processes.device),
            references=not args.no_references,
            allow_leak=args.allow_leak,
            patient_key=patient_key_of(args),
        )
        parts = Parts(out / "parts", plan.identity() | {"steps": args.steps})
        name = f"{str(shard or '1/1').replace('/', '-of-')}.{processes.rank + 1}-of-{processes.world}"
        with bar("scoring", shown=processes.main) as progress:
            score_part(plan, parts, processes.share(plan.batches, shard), name, progress)
        processes.barrier()
        if not processes.main:
            return None
        if shard is not None:
            there = {"cases": len(parts.read()), "of": len(plan.chosen)}
            return {"shard": str(shard), "parts": str(parts.folder), **there}
        summary = save(join(plan, parts), out, command(args))
        parts.clear()
        return summary


def beside(args: argparse.Namespace, model: Model, device: torch.device) -> list[Scored]:
    """What `--beside` names: stages of the model, else other models."""
    from atfm.evaluate import earlier
    from atfm.models import load

    stages = {stage.name: stage for stage in earlier(model)}
    if args.beside is None:
        return [] if args.no_references else list(stages.values())
    try:
        return [stages[name] if name in stages else load(name, device) for name in args.beside]
    except CheckpointError as error:
        raise CheckpointError(f"--beside: {error}; earlier stages: {', '.join(stages) or 'none'}") from error


def default_folder(model: str, store: str, split: str) -> str:
    """`lidc-lidc-test`: a folder name of the names of what is scored; of a path its last part."""
    names = (Path(model).resolve().name.removesuffix(".safetensors"), store, split)
    return "-".join(re.sub(r"[^\w.]+", "-", name).strip("-") for name in names)


def command(args: argparse.Namespace) -> str:
    """The command line that makes the same report again."""
    words = ["atfm", "evaluate", args.model, str(args.store), "--split", args.split, "--samples", str(args.samples)]
    numbers = {"--limit": args.limit, "--steps": args.steps, "--seed": args.seed or None}
    numbers["--batch"] = None if args.batch == BATCH else args.batch
    for flag, value in numbers.items():
        words += [flag, str(value)] if value is not None else []
    words += [word for name in args.beside or [] for word in ("--beside", name)]
    words += ["--patient-key", str(args.patient_key)] if args.patient_key is not None else []
    words += ["--no-references"] * args.no_references + ["--allow-leak"] * args.allow_leak
    return shlex.join(words)
