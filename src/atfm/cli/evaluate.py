"""`atfm evaluate`: scores for each case of a split, their summary, and a report."""

from __future__ import annotations

import argparse
import re
import shlex
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from atfm.cli.common_flags import add_patient_key, add_shard, meet, patient_key_of, shard_of
from atfm.cli.evaluate_foreign import add_foreign, foreign_of, foreign_words
from atfm.cli.evaluate_text import show
from atfm.cli.progress import bar
from atfm.errors import CheckpointError, InputError

if TYPE_CHECKING:
    import torch

    from atfm.data.store import Store
    from atfm.evaluate import Foreign, Parts, Scored
    from atfm.models import Model
    from atfm.train.processes import Processes, Shard

__all__ = ["add_parser"]

BATCH, SAMPLES = 4, 100


def add_parser(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "evaluate",
        help="score a model, or the masks of other code, on a split",
        description="Draw samples of every case of a split, compare them with its annotators, and write rows.csv (one "
        "row for each case), drawn.json (their samples), summary.json and report.html. MODEL is a run folder, a weight "
        "file or the name of shipped weights. A model is not scored on patients that it was trained on. The same "
        "command goes on with an evaluation that was stopped, and reads one that is there; another evaluation in DIR "
        "is not replaced without --overwrite. Several processes share the cases, with the same result: `torchrun "
        "--nproc-per-node N -m atfm evaluate ...` on machines that see one folder DIR, or jobs with --shard 1/N to "
        "N/N, which leave their rows in DIR/parts; the same command without --shard then scores what is missing and "
        "writes the files.",
        epilog="examples: atfm evaluate lidc lidc-store --split test --limit 200 --out report; "
        "atfm evaluate --predictions mose-masks lidc-store --trained-on lidc-store",
    )
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("store", metavar="STORE", type=Path, help="folder made by `atfm data import`")
    parser.add_argument("--split", default="test", help="default: test")
    parser.add_argument(
        "--samples", type=int, metavar="N",
        help=f"masks of each case (default: {SAMPLES}; of masks in files, as many as each case has)",
    )  # fmt: skip
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
    parser.add_argument(
        "--out", type=Path, metavar="DIR",
        help="folder (default: MODEL-STORE-SPLIT, by their names, and what departs from the defaults)",
    )  # fmt: skip
    parser.add_argument("--overwrite", action="store_true", help="replace another evaluation that DIR holds")
    add_foreign(parser)
    add_patient_key(parser)
    add_shard(parser, "cases")
    parser.set_defaults(run=run, show=show)


def run(args: argparse.Namespace) -> dict[str, object] | None:
    """Score this process's share; the main process then writes the files and returns the summary."""
    from atfm.data.store import Store
    from atfm.evaluate import Foreign, Parts, join, prepare, published, save, score_part

    shard, again = shard_of(args), command(args)
    if shard is not None and args.overwrite:
        raise InputError("--overwrite and --shard: the shards do not know of each other; remove the folder first")
    with meet(args) as processes:
        store = Store.open(args.store)
        model = scored(args, store, processes)
        out = args.out or Path(default_folder(args, store.info.name))
        plan = prepare(
            model,
            store,
            split=args.split,
            samples=model.samples if isinstance(model, Foreign) else SAMPLES if args.samples is None else args.samples,
            limit=args.limit,
            seed=args.seed,
            batch=args.batch,
            device=processes.device,
            beside=beside(args, model, processes.device),
            references=not args.no_references,
            allow_leak=args.allow_leak,
            patient_key=patient_key_of(args),
            left_out=model.left_out if isinstance(model, Foreign) else (),
        )
        identity = plan.identity()
        parts = Parts(out / "parts", identity, note if processes.main else lambda line: None)
        with claimed(out, parts, shard, processes):
            done = None
            if processes.main:
                done = published(out, parts, overwrite=args.overwrite, tell=note)
                if done is None and args.overwrite:
                    discarded(parts)
            if processes.from_main(done is None):
                name = f"{shard_name(shard)}.{processes.rank + 1}-of-{processes.world}"
                with bar("scoring", shown=processes.main) as progress:
                    score_part(plan, parts, processes.share(plan.batches, shard), name, progress)
                processes.barrier()
            if not processes.main:
                return None
            if shard is not None:
                cases = len(plan.chosen) if done is not None else len(parts.read())
                return {"shard": str(shard), "parts": str(parts.folder), "cases": cases, "of": len(plan.chosen)}
            summary = done or save(join(plan, parts), out, again, identity)
            parts.clear()
            return summary


def scored(args: argparse.Namespace, store: Store, processes: Processes) -> Model | Foreign:
    """The model, or the masks, that are scored."""
    from atfm.models import load

    if args.predictions:
        return foreign_of(args, store, shown=processes.main)
    model = load(args.model, processes.device)
    return model if args.steps is None else replace(model, method=model.method.with_steps(args.steps))


@contextmanager
def claimed(out: Path, parts: Parts, shard: Shard | None, processes: Processes) -> Iterator[None]:
    """Be the only one in a folder; of shards, the only one of this shard. The main process stands for all it is with.

    Raises:
        BusyError: another process writes there.
    """
    from atfm.disk.lock import file_lock, folder_lock

    with ExitStack() as stack:
        if processes.main:
            stack.enter_context(folder_lock(out, shared=shard is not None))
            if shard is not None:
                stack.callback(parts.tidy)
                stack.enter_context(file_lock(parts.folder / shard_name(shard)))
        processes.barrier()  # nobody begins before the folder is theirs
        yield


def discarded(parts: Parts) -> None:
    """Drop the rows of another evaluation that was not finished, for `--overwrite`."""
    try:
        parts.read()
    except InputError as error:
        note(f"dropped: {error}")
        parts.clear()


def shard_name(shard: Shard | None) -> str:
    """`2-of-5`, as in names of files."""
    return str(shard or "1/1").replace("/", "-of-")


def note(line: str) -> None:
    """A line on standard error that is no error."""
    print(f"atfm: note: {line}", file=sys.stderr, flush=True)


def beside(args: argparse.Namespace, model: Model | Foreign, device: torch.device) -> list[Scored]:
    """What `--beside` names: stages of the model, else other models."""
    from atfm.evaluate import earlier
    from atfm.io.naming import hidden_by
    from atfm.models import load

    stages = {stage.name: stage for stage in earlier(model)}
    if args.beside is None:
        return [] if args.no_references else list(stages.values())
    try:
        for name in args.beside:
            if name in stages:
                hidden_by(name, "the earlier stage")
        return [stages[name] if name in stages else load(name, device) for name in args.beside]
    except CheckpointError as error:
        raise CheckpointError(f"--beside: {error}; earlier stages: {', '.join(stages) or 'none'}") from error


def default_folder(args: argparse.Namespace, store: str) -> str:
    """`lidc-lidc-test`, or `lidc-lidc-test-samples-16-seed-3`: what is scored by its names, and how it departs."""
    names = [Path(args.model).resolve().name.removesuffix(".safetensors"), store, args.split]
    numbers = {
        "samples": (SAMPLES if args.samples is None else args.samples, SAMPLES),
        "limit": (args.limit, None),
        "steps": (args.steps, None),
    }
    numbers |= {"seed": (args.seed, 0), "batch": (args.batch, BATCH)}
    names += [f"{name}-{value}" for name, (value, usual) in numbers.items() if value != usual]
    return "-".join(re.sub(r"[^\w.]+", "-", name).strip("-") for name in names)


def command(args: argparse.Namespace) -> str:
    """The command line that makes the same report again."""
    words = ["atfm", "evaluate", args.model, str(args.store), *foreign_words(args), "--split", args.split]
    samples = args.samples if args.samples is not None or args.predictions else SAMPLES
    numbers = {"--samples": samples, "--limit": args.limit, "--steps": args.steps, "--seed": args.seed or None}
    numbers["--batch"] = None if args.batch == BATCH else args.batch
    for flag, value in numbers.items():
        words += [flag, str(value)] if value is not None else []
    words += [word for name in args.beside or [] for word in ("--beside", name)]
    words += ["--patient-key", str(args.patient_key)] if args.patient_key is not None else []
    words += ["--no-references"] * args.no_references + ["--allow-leak"] * args.allow_leak
    return shlex.join(words)
