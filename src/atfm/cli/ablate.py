"""`atfm ablate`: what each idea is worth, under one budget."""

import argparse
import sys
from pathlib import Path
from typing import Any

__all__ = ["add_parser"]

MANIFEST = "study.json"


def add_parser(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "ablate",
        help="train and score one row for each idea",
        description="Train the rows of the paper's ablation, and one for each of our departures from it, with the same "
        "networks, data and cost; or the same preset with fewer patients, other widths, less or more time. Score them, "
        "and write a table and figures. The same command again goes on; what was made of another budget, other data or "
        "samples is kept apart.",
        epilog="example: atfm ablate --preset lidc --data lidc-store --row dropout method.gtr.dropout=0.1",
    )
    parser.add_argument("--data", type=Path, metavar="STORE", help="with train and val (default: simulates one)")
    parser.add_argument("--out", type=Path, default=Path("ablation"), help="folder (default: ablation)")
    parser.add_argument("--section", choices=["paper", "ours", "limits"], help="default: paper and ours")
    parser.add_argument("--preset", help="depart from this preset, shortened, of whatever method (with limits: default "
                        "atfm-flow-lidc, or phantom without --data)")  # fmt: skip
    parser.add_argument("--row", nargs="+", action="append", default=[], metavar=("NAME", "FIELD=VALUE"),
                        help="a row of your own and the fields it overrides; may be given several times")  # fmt: skip
    parser.add_argument("--rows", nargs="+", metavar="ROW", help="these rows; an unknown one names those there are")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="of the trainings (default: 0 1 2)")
    parser.add_argument(
        "--budget", type=int, default=400, metavar="STEPS", help="of stage 1, and so of all (default: 400)"
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="FIELD=VALUE", help="of what the rows depart from"
    )
    parser.add_argument("--split", default="val", help="what is scored (default: val)")
    parser.add_argument("--samples", type=int, default=32, help="masks of each case (default: 32)")
    parser.add_argument("--limit", type=int, default=100, help="cases that are scored (default: 100)")
    parser.set_defaults(run=run, show=show)


def run(args: argparse.Namespace) -> dict[str, object]:
    """Run the study and write its table and figures; nobody else writes into its folder meanwhile."""
    from atfm.cli.train import assignments
    from atfm.disk.lock import folder_lock
    from atfm.errors import InputError
    from atfm.train.config import override

    if args.budget < 10:
        raise InputError(f"--budget: expected at least 10 steps, got {args.budget}")
    start, rows = chosen(args)
    config = override(start, assignments(args.set), source="--set")
    with folder_lock(args.out):
        return studied(args, config, rows)


def studied(args: argparse.Namespace, config: Any, rows: list[Any]) -> dict[str, object]:
    """Train and score, then write the files as one unit with `study.json`, which says what they were made of."""
    from atfm.ablate import figures, study, summary, table
    from atfm.cli.common_flags import resolve_device
    from atfm.data.store import Store
    from atfm.disk.unit import write_unit

    store = Store.open(args.data or simulated(args.out, config.phantom or "grey"))
    outcomes = study(
        store,
        config,
        rows,
        args.out,
        seeds=args.seeds,
        split=args.split,
        samples=args.samples,
        limit=args.limit,
        device=resolve_device(args.device),
        tell=said,
    )
    lines = summary(outcomes, rows)
    files = {"table.md": table(lines) + "\n"} | {f"{name}.svg": svg for name, svg in figures(lines).items()}
    facts: dict[str, object] = {"config": config.model_dump(mode="json"), "store_digest": store.digest}
    facts |= {"rows": [row.name for row in rows], "seeds": args.seeds, "split": args.split}
    facts |= {"samples": args.samples, "limit": args.limit}
    stale = replaced(args.out, facts, files)
    write_unit(args.out, files, MANIFEST, {"made_by": facts})
    for name in stale:
        (args.out / name).unlink(missing_ok=True)
    written = [str(args.out / name) for name in files]
    return {
        "rows": [line.as_json() for line in lines],
        "seeds": args.seeds,
        "files": written,
        "table": files["table.md"],
    }


def replaced(out: Path, facts: dict[str, object], files: dict[str, str]) -> list[str]:
    """Say so where the table is that of another study; those of its figures that this one has nothing to put for."""
    from atfm.disk.sealed import differing, is_whole, plain
    from atfm.disk.unit import changed, read_manifest

    document = read_manifest(out / MANIFEST)
    if not is_whole(document):
        return []
    names = differing(document["made_by"], plain(facts))
    if names:
        said(f"{out / 'table.md'}: replaces that of another study, which differs in {', '.join(names)}")
    edited = changed(out, document)  # what somebody has changed since is theirs
    return [n for n in document["files"] if n.endswith(".svg") and Path(n).name == n and n not in (*edited, *files)]


def said(line: str) -> None:
    """A line on standard error."""
    print(line, file=sys.stderr, flush=True)


def chosen(args: argparse.Namespace) -> tuple[Any, list[Any]]:
    """What the rows depart from, and the rows."""
    from atfm.ablate import LIMITS, ROWS, Row, base, shortened
    from atfm.cli.train import assignments
    from atfm.errors import InputError
    from atfm.train.presets import resolve

    own = [Row(name, " ".join(fields), assignments(fields)) for name, *fields in args.row]
    if args.section == "limits":
        start = shortened(resolve(args.preset or ("atfm-flow-lidc" if args.data else "phantom")), args.budget)
        rows = [*LIMITS, *own]
    elif args.preset:
        start = shortened(resolve(args.preset), args.budget)
        rows = [Row("reference", "the preset, shortened"), *own]
    else:
        start = base(args.budget)
        rows = [*(row for row in ROWS if args.section in (None, row.section)), *own]
    known = {row.name: row for row in rows}
    for name in args.rows or []:
        if name not in known:
            raise InputError(f"--rows: unknown row {name!r}; expected some of {', '.join(known)}")
    return start, [row for row in rows if not args.rows or row.name in args.rows or row in own]


def simulated(out: Path, kind: str) -> Path:
    """The phantom of this kind, simulated if it is not there yet."""
    from atfm.importers import build_store, plan_phantom

    path = out / ("phantom" if kind == "grey" else f"phantom-{kind}")
    if not (path / "store.json").exists():
        build_store(plan_phantom(kind=kind, test_annotators=20), path)
    return path


def show(result: dict[str, Any]) -> str:
    """The table, and where the files are."""
    return f"{result['table']}\nwritten: {', '.join(result['files'])}"
