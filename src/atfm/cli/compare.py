"""`atfm compare`: several methods in one table, with intervals, differences in pairs, cost, figure and drawn cases."""

import argparse
import shlex
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from atfm.cli.common_flags import add_patient_key, patient_key_of, resolve_device
from atfm.cli.evaluate import BATCH, SAMPLES, note
from atfm.cli.progress import bar

__all__ = ["add_parser", "replaced"]

MANIFEST = "comparison.json"


def add_parser(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "compare",
        help="several methods in one table",
        description="Compare runs, weights and finished evaluations on the same cases: a table (Markdown, CSV, HTML, "
        "LaTeX) with 95 %% intervals, differences in pairs (corrected by Holm), what further readers would score, "
        "solver steps, parameters, operations and seconds, image views of the training; a figure of quality against "
        "time; and the same cases drawn by each. What is not evaluated yet is, into DIR/evaluations; the same command "
        "goes on where it was stopped. What was scored on another store, split, number of cases or samples, seed or "
        "metric convention is refused with the reason. Several of one LABEL are several trainings of one method.",
        epilog="example: atfm compare prob-unet=runs/prob-unet-lidc lidc --store lidc-store --limit 200 --out table",
    )
    parser.add_argument(
        "what",
        nargs="+",
        metavar="[LABEL=]RUN|WEIGHTS|EVALUATION",
        help="run folder, weight file, shipped weights, or the folder of a finished evaluation",
    )
    parser.add_argument("--store", type=Path, help="folder made by `atfm data import`: to evaluate, and to draw cases")
    parser.add_argument("--split", default="test", help="default: test")
    parser.add_argument(
        "--samples", type=int, default=SAMPLES, metavar="N", help=f"masks of each case (default: {SAMPLES})"
    )
    parser.add_argument("--limit", type=int, metavar="N", help="score a fixed subset of N cases")
    parser.add_argument(
        "--batch", type=int, default=BATCH, metavar="N", help=f"cases drawn at a time (default: {BATCH})"
    )
    parser.add_argument("--against", metavar="LABEL", help="hold all others against this one (default: the first)")
    parser.add_argument("--by-ged", action="store_true", help="rows from the least GED on (default: as given)")
    parser.add_argument("--published", action="store_true",
                        help="show published rows too, each with what forbids a comparison")  # fmt: skip
    parser.add_argument("--no-time", action="store_true", help="leave out the seconds and the figure")
    parser.add_argument("--no-cases", action="store_true", help="leave out the drawn cases")
    parser.add_argument(
        "--allow-leak", action="store_true", help="let in what has seen the scored patients; its row says so"
    )
    parser.add_argument("--out", type=Path, default=Path("comparison"), metavar="DIR", help="default: comparison")
    add_patient_key(parser)
    parser.set_defaults(run=run, show=show)


def run(args: argparse.Namespace) -> dict[str, object]:
    """Evaluate what is missing, compare, and write the files; nobody else writes into the folder meanwhile."""
    from atfm.compare import Scoring, Wanted, compare, enter, files_of, named
    from atfm.data.store import Store
    from atfm.disk.lock import folder_lock
    from atfm.disk.unit import write_unit
    from atfm.errors import InputError

    asked = [named(text) for text in args.what]
    if len(asked) < 2:
        raise InputError(
            "compare: expected two or more runs, weights or evaluations, got 1; `atfm evaluate` scores one"
        )
    labels = list(dict.fromkeys(one.label for one in asked))
    if args.against not in (None, *labels):
        raise InputError(f"--against {args.against}: expected one of {', '.join(labels)}")
    device = resolve_device(args.device)
    store = None if args.store is None else Store.open(args.store)
    scoring = None
    if store is not None:
        scoring = Scoring(
            store,
            args.out / "evaluations",
            args.split,
            args.samples,
            args.limit,
            args.seed,
            args.batch,
            device,
            args.allow_leak,
            patient_key_of(args),
            command(args),
        )
    wanted = Wanted(
        args.against, not args.no_time, not args.no_cases, args.published, seed=args.seed, by_ged=args.by_ged
    )
    with folder_lock(args.out), ExitStack() as bars:
        entrants = enter(asked, scoring, allow_leak=args.allow_leak, device=device, tell=note, progress=progress(bars))
        found = compare(entrants, store, wanted, device=device, tell=note)
        files = files_of(found, command(args))
        made_by = {"what": [[one.label, one.kept.made_by] for one in entrants], "against": found.against}
        replaced(args.out, made_by, files)
        document = write_unit(args.out, files, MANIFEST, found.as_json() | {"made_by": made_by})
    return document | {"written": [str(args.out / name) for name in files], "table": files["table.md"]}


def progress(bars: ExitStack) -> Callable[[str], Callable[[int, int], object]]:
    """A bar for each label that is scored, one after the other."""

    def begin(label: str) -> Callable[[int, int], object]:
        bars.close()
        return bars.enter_context(bar(f"scoring {label}"))

    return begin


def replaced(out: Path, made_by: dict[str, Any], files: dict[str, str]) -> None:
    """Say so where a table of other things is replaced, and drop a figure that this one has nothing to put for."""
    from atfm.disk.sealed import is_whole, plain
    from atfm.disk.unit import changed, read_manifest

    document = read_manifest(out / MANIFEST)
    if not is_whole(document):
        return
    if document["made_by"] != plain(made_by):
        before, now = (", ".join(label for label, _ in made["what"]) for made in (document["made_by"], made_by))
        note(
            f"{out}: replaces the table of {before}" + (", scored otherwise" if before == now else f" by that of {now}")
        )
    edited = changed(out, document)
    for name in document["files"]:
        if name.endswith(".svg") and Path(name).name == name and name not in (*edited, *files):
            (out / name).unlink(missing_ok=True)


def command(args: argparse.Namespace) -> str:
    """The command line that makes the same comparison again."""
    words = [
        "atfm",
        "compare",
        *args.what,
        "--out",
        str(args.out),
        "--split",
        args.split,
        "--samples",
        str(args.samples),
    ]
    numbers = {"--store": args.store, "--limit": args.limit, "--against": args.against, "--seed": args.seed or None}
    numbers |= {"--batch": None if args.batch == BATCH else args.batch, "--patient-key": args.patient_key}
    for flag, value in numbers.items():
        words += [flag, str(value)] if value is not None else []
    flags = ("by_ged", "published", "no_time", "no_cases", "allow_leak")
    words += [f"--{flag.replace('_', '-')}" for flag in flags if getattr(args, flag)]
    return shlex.join(words)


def show(result: dict[str, Any]) -> str:
    """The table, and where the files are."""
    return f"{result['table']}\nwritten: {', '.join(result['written'])}"
