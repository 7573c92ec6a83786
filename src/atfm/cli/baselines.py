"""`atfm baselines`: one's own sets, what `train auto` gives and what one would do otherwise, in one table."""

import argparse
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from atfm.cli.ablate import said
from atfm.cli.common_flags import add_shard, add_watch, resolve_device, shard_of
from atfm.cli.leaderboard import claimed, show

__all__ = ["add_parser"]

PAGE, NUMBERS, MANIFEST = "baselines.md", "baselines.csv", "baselines.json"


def add_parser(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "baselines",
        help="train auto on one's own sets against what one would do otherwise",
        description="Plan a training for each store as `atfm train auto` does, and train, each for the same time: a "
        "deterministic U-Net on the readers' majority, five of them on one reader each, GTR alone, and the plan "
        "itself; all see the same pixels with the same augmentation. Score them on the test split, or where it has few "
        "patients by folds, and write one table: GED, HM-IoU_16 and Dice of the mean, with intervals over patients and "
        "differences in pairs. STORE:22 trains on 22 of the store's training patients. One line for each training; the "
        "same command again goes on where it was stopped. Jobs of a cluster take --shard 1/N to N/N; the same command "
        "without it then does what is missing and writes the table.",
        epilog="example: atfm baselines cells lidc-store:22 --minutes 5 --watch cpu --threads 1 --out own",
    )
    parser.add_argument("stores", nargs="+", metavar="STORE[:PATIENTS]", help="with the splits train, val and test")
    parser.add_argument("--out", type=Path, default=Path("baselines"), metavar="DIR", help="default: baselines")
    parser.add_argument(
        "--methods", nargs="+", default=[], metavar="ROW", help="unet, ensemble, gtr, hurdle, atfm (default: all)"
    )
    parser.add_argument(
        "--minutes", type=float, default=10, help="of each training, of folds of each fold (default: 10)"
    )
    add_watch(parser)
    parser.add_argument("--budget", type=int, metavar="STEPS", help="steps of the first stage in place of a time")
    parser.add_argument(
        "--folds", type=int, default=5, metavar="N", help="of stores with few test patients (default: 5)"
    )
    parser.add_argument(
        "--few", type=int, default=5, metavar="PATIENTS",
        help="stores with fewer test patients are scored by folds, of all patients; 0: none (default: 5)",
    )  # fmt: skip
    parser.add_argument("--seeds", type=int, nargs="+", default=[0], help="of the trainings (default: 0)")
    parser.add_argument("--samples", type=int, default=32, metavar="N", help="masks of each case (default: 32)")
    parser.add_argument("--limit", type=int, metavar="N", help="score a fixed subset of N cases of a test split")
    add_shard(parser, "trainings")
    parser.set_defaults(run=run, show=show)


def run(args: argparse.Namespace) -> dict[str, object]:
    """Train and score this process's share; without --shard write the table of all that is there."""
    from atfm.errors import InputError, TrainingError
    from atfm.leaderboard import board_of, carry_out, jobs

    if args.budget is not None and args.budget < 1:
        raise InputError(f"--budget: expected at least 1 step, got {args.budget}")
    if args.samples < 2:
        raise InputError(f"--samples: expected at least 2, got {args.samples}")
    device, shard, sets = resolve_device(args.device), shard_of(args), sets_of(args)
    with claimed(args.out, shard is not None):
        boards = [
            board_of(
                own,
                args.out,
                minutes=args.minutes,
                watch=args.watch,
                device=device,
                budget=args.budget,
                seeds=args.seeds,
                samples=args.samples,
                limit=args.limit,
                command=command(args),
                tell=said,
            )
            for own in sets
        ]
        work = jobs(boards, args.methods)
        own = work if shard is None else shard.of(work)
        done, failed = carry_out(own, device, said)
        if shard is None:
            result = written(args, boards, work, done, failed)
        else:
            result = {"shard": str(shard), "trainings": len(own), "of": len(work)}
    if failed:
        names = "; ".join(f"{one.board}, {one.job}: {one.reason}" for one in failed)
        rest = "the others are done" if shard is not None else f"the others stand in {args.out / PAGE}"
        raise TrainingError(f"{len(failed)} of {len(own)} trainings failed ({names}); {rest}")
    return result


def sets_of(args: argparse.Namespace) -> list[Any]:
    """The stores that are named, each with its patients and how it is scored."""
    from atfm.data.store import Store
    from atfm.errors import InputError
    from atfm.leaderboard import OwnSet

    found: dict[str, Any] = {}
    for text in args.stores:
        path, colon, count = text.rpartition(":")
        named = bool(colon) and not Path(text).exists()
        if named and not (path and count.isdigit()):
            raise InputError(f"{text}: expected STORE, or STORE:PATIENTS with a whole number of them")
        store, patients = Store.open(path if named else text), int(count) if named else None
        tested = len({store.ids()[i][1] for i in store.split("test")}) if "test" in store.info.splits else 0
        folds = args.folds if patients is None and tested < args.few else None
        own = OwnSet(store, patients, folds)
        if own.folder in found:
            raise InputError(f"{text}: is given twice, or as a store of the same name; give each once")
        found[own.folder] = own
    return list(found.values())


def written(
    args: argparse.Namespace, boards: Sequence[Any], work: Sequence[Any], done: Sequence[Any], failed: Sequence[Any]
) -> dict[str, object]:
    """The table of all that is done."""
    from atfm.disk.unit import write_unit
    from atfm.leaderboard import compared, own_csv, own_text, verdicts

    found = {}
    for board in boards:
        comparison = compared(board, [one for one in done if one.kept.folder.is_relative_to(board.folder)], said)
        if comparison is not None:
            found[board.name] = (board, comparison)
    text = own_text(found, work, failed, command(args))
    files = {PAGE: text, NUMBERS: own_csv(found, work)}
    lines = {name: comparison.as_json() for name, (_, comparison) in found.items()}
    about = {"command": command(args), "failed": [vars(one) for one in failed], "boards": lines}
    write_unit(args.out, files, MANIFEST, about)
    told = {"boards": lines, "verdicts": verdicts(found), "text": text}
    return {**told, "files": [str(args.out / name) for name in files]}


def command(args: argparse.Namespace) -> str:
    """The command line that makes the same table again."""
    words = ["atfm", "baselines", *args.stores, "--out", str(args.out), "--samples", str(args.samples)]
    numbers = {"--budget": args.budget, "--limit": args.limit, "--threads": args.threads or None}
    for flag, value in numbers.items():
        words += [flag, str(value)] if value is not None else []
    words += ["--minutes", f"{args.minutes:g}"]
    words += ["--watch", args.watch] if args.watch != "wall" else []
    words += ["--folds", str(args.folds), "--few", str(args.few)]
    words += ["--seeds", *map(str, args.seeds)] if args.seeds != [0] else []
    words += ["--methods", *args.methods] if args.methods else []
    return shlex.join(words)
