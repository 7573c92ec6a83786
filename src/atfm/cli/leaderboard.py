"""`atfm leaderboard`: train every method for the same time, score all alike, and write one table."""

import argparse
import shlex
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from atfm.cli.ablate import said, simulated
from atfm.cli.common_flags import add_shard, add_watch, resolve_device, shard_of

__all__ = ["add_parser"]

PAGE, MANIFEST = "leaderboard.md", "leaderboard.json"
OURS = "atfm"


def add_parser(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "leaderboard",
        help="train and score every method for the same time",
        description="Train every method that has a preset NAME-phantom on the phantom, whose law is known, and with "
        "--lidc every one that has NAME-lidc on that store, each for the same time; score all alike, and write one "
        "table of each (as `atfm compare`) and leaderboard.md. One line for each training; one that fails is named at "
        "the end, and the others go on. The same command again goes on where it was stopped. Jobs of a cluster take "
        "--shard 1/N to N/N; the same command without it then does what is missing and writes the tables.",
        epilog="example: atfm leaderboard --lidc lidc-store --minutes 5 --lidc-minutes 40 --out board",
    )
    parser.add_argument("--out", type=Path, default=Path("leaderboard"), metavar="DIR", help="default: leaderboard")
    parser.add_argument("--methods", nargs="+", default=[], metavar="ROW", help="these rows (default: all)")
    parser.add_argument("--no-phantom", action="store_true", help="leave out the phantom")
    parser.add_argument("--lidc", type=Path, metavar="STORE", help="with train, val and test, split by patient")
    parser.add_argument("--minutes", type=float, default=5, help="of a training on the phantom (default: 5)")
    parser.add_argument("--lidc-minutes", type=float, default=40, metavar="MINUTES", help="on LIDC (default: 40)")
    add_watch(parser)
    parser.add_argument("--budget", type=int, metavar="STEPS", help="steps of the first stage in place of a time")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="on the phantom (default: 0 1 2)")
    parser.add_argument("--lidc-seeds", type=int, nargs="+", default=[0], metavar="SEED", help="default: 0")
    parser.add_argument("--samples", type=int, default=100, metavar="N", help="masks of each case (default: 100)")
    parser.add_argument("--limit", type=int, metavar="N", help="score a fixed subset of N cases")
    parser.add_argument(
        "--against", metavar="ROW", help=f"all others are held against it (default: {OURS}, or the first)"
    )
    parser.add_argument("--no-time", action="store_true", help="leave out the seconds of sampling and the figure")
    parser.add_argument("--published", action="store_true", help="show published rows too, with what forbids comparing")
    add_shard(parser, "trainings")
    parser.set_defaults(run=run, show=show)


def run(args: argparse.Namespace) -> dict[str, object]:
    """Train and score this process's share; without --shard write the tables of all that is there."""
    from atfm.errors import TrainingError
    from atfm.leaderboard import carry_out, jobs

    device, shard = resolve_device(args.device), shard_of(args)
    with claimed(args.out, shard is not None):
        boards = boards_of(args)
        work = jobs(boards, args.methods)
        check_against(args.against, [job.label for job in work])
        own = work if shard is None else shard.of(work)
        done, failed = carry_out(own, device, said)
        if shard is None:
            result = written(args, boards, work, done, failed, device)
        else:
            result = {"shard": str(shard), "trainings": len(own), "of": len(work)}
    if failed:
        names = "; ".join(f"{one.board}, {one.job}: {one.reason}" for one in failed)
        where = "are done" if shard is not None else f"stand in {args.out / PAGE}"
        rest = f"; the others {where}" if done else ""
        raise TrainingError(f"{len(failed)} of {len(own)} trainings failed ({names}){rest}")
    return result


def check_against(label: str | None, labels: Sequence[str]) -> None:
    """Refuse to hold rows against one that no board has, before any is trained."""
    from atfm.errors import InputError

    if label not in (None, *labels):
        raise InputError(f"--against {label}: expected one of {', '.join(dict.fromkeys(labels))}")


def held_against(label: str | None, done: Sequence[str]) -> str:
    """The row that those of a board are held against; another one where it is not done."""
    chosen = next((one for one in (label or OURS, OURS) if one in done), done[0])
    if label not in (None, chosen):
        said(f"{label} is not done: rows are held against {chosen}")
    return chosen


@contextmanager
def claimed(out: Path, shared: bool) -> Iterator[None]:
    """Be the only one in the folder; shards share it."""
    from atfm.disk.lock import folder_lock

    with folder_lock(out, shared=shared):
        yield


def boards_of(args: argparse.Namespace) -> list[Any]:
    """The phantom, simulated if it is not there yet, and LIDC where a store is given."""
    from atfm.data.store import Store
    from atfm.errors import InputError
    from atfm.leaderboard import Board

    if args.budget is not None and args.budget < 1:
        raise InputError(f"--budget: expected at least 1 step, got {args.budget}")
    if args.no_phantom and args.lidc is None:
        raise InputError("--no-phantom: nothing is left to train on; give a store with --lidc")
    common = {"budget": args.budget, "samples": args.samples, "limit": args.limit, "command": command(args)}
    common |= {"watch": args.watch}
    found = []
    if not args.no_phantom:
        store = Store.open(phantom(args.out))
        found.append(Board("phantom", store, args.out / "on-phantom", args.minutes, seeds=args.seeds, **common))
    if args.lidc is not None:
        store = Store.open(args.lidc)
        found.append(Board("lidc", store, args.out / "on-lidc", args.lidc_minutes, seeds=args.lidc_seeds, **common))
    return found


def phantom(out: Path) -> Path:
    """The phantom's store; a shard waits for another that simulates it."""
    from atfm.errors import BusyError

    while True:
        try:
            return simulated(out, "grey")
        except BusyError:
            time.sleep(1)


def written(
    args: argparse.Namespace,
    boards: Sequence[Any],
    work: Sequence[Any],
    done: Sequence[Any],
    failed: Sequence[Any],
    device: Any,
) -> dict[str, object]:
    """The tables of all that is done, each board's as a unit, and the page of them all."""
    from atfm.cli.compare import MANIFEST as COMPARISON
    from atfm.compare import Wanted, compare, files_of
    from atfm.disk.unit import write_unit
    from atfm.leaderboard import leaderboard_text

    found, files = {}, []
    for board in boards:
        entrants = [one for one in done if one.kept.folder.is_relative_to(board.folder)]
        if len({entrant.label for entrant in entrants}) < 2:
            said(f"{board.name}: fewer than two methods are done: no table")
            continue
        against = held_against(args.against, [entrant.label for entrant in entrants])
        wanted = Wanted(against, timed=not args.no_time, published=args.published, by_ged=True)
        comparison = compare(entrants, board.store, wanted, device=device, tell=said)
        made_by = {"what": [[one.label, dict(one.kept.made_by)] for one in entrants]}
        document = write_unit(
            board.folder, files_of(comparison, command(args)), COMPARISON, comparison.as_json() | {"made_by": made_by}
        )
        found[board.name] = (board, comparison)
        files += [str(board.folder / name) for name in document["files"]]
    text = leaderboard_text(found, work, failed, command(args))
    write_unit(args.out, {PAGE: text}, MANIFEST, {"boards": list(found), "failed": [vars(one) for one in failed]})
    lines = {name: [line.as_json() for line in comparison.lines] for name, (_, comparison) in found.items()}
    return {"boards": lines, "files": [str(args.out / PAGE), *files], "text": text}


def command(args: argparse.Namespace) -> str:
    """The command line that makes the same leaderboard again."""
    words = ["atfm", "leaderboard", "--out", str(args.out), "--samples", str(args.samples)]
    numbers = {"--lidc": args.lidc, "--budget": args.budget, "--limit": args.limit}
    for flag, value in numbers.items():
        words += [flag, str(value)] if value is not None else []
    if args.budget is None:
        words += ["--minutes", f"{args.minutes:g}"] * (not args.no_phantom)
        words += ["--lidc-minutes", f"{args.lidc_minutes:g}"] * (args.lidc is not None)
    words += ["--watch", args.watch] if args.budget is None and args.watch != "wall" else []
    words += ["--no-phantom"] if args.no_phantom else ["--seeds", *map(str, args.seeds)]
    words += ["--lidc-seeds", *map(str, args.lidc_seeds)] if args.lidc is not None else []
    words += ["--methods", *args.methods] if args.methods else []
    words += ["--against", args.against] if args.against else []
    words += ["--no-time"] * args.no_time + ["--published"] * args.published
    return shlex.join(words)


def show(result: dict[str, Any]) -> str:
    """The page, and where the files are; of a shard, how much it did."""
    if "shard" in result:
        return (
            f"shard {result['shard']}: {result['trainings']} of {result['of']} trainings are done; when all shards "
            "are, the same command without --shard writes the tables"
        )
    return f"{result['text']}\nwritten: {', '.join(result['files'])}"
