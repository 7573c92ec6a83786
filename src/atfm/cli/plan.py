"""`atfm plan`: what a training on a store should be, with a reason for each choice."""

import argparse
import textwrap
from pathlib import Path
from typing import Any

from atfm.cli.common_flags import add_watch

__all__ = ["add_parser"]

_WIDTH = 110


def add_parser(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "plan",
        help="measure a store and plan a training, with a reason for each choice",
        description="Measure the cases of a store that are trained on, and plan a training: the size images are "
        "brought to, networks, augmentation, stages and their steps, each with its reason; what does not fit, and what "
        "the set cannot teach, is said. `atfm train FILE` takes what --out writes, `atfm train auto` plans and trains "
        "at once.",
        epilog="example: atfm plan cells --minutes 30 --out plan.toml",
    )
    parser.add_argument("store", type=Path, metavar="STORE", help="with the split train, and better val too")
    parser.add_argument("--minutes", type=float, help="that the training may take on this machine (default: 10)")
    add_watch(parser)
    parser.add_argument("--memory", type=float, metavar="GB", help="that it may take (default: what is free)")
    parser.add_argument("--out", type=Path, metavar="TOML", help="write the plan there")
    parser.set_defaults(run=run, show=show)


def run(args: argparse.Namespace) -> dict[str, object]:
    """Plan, and write the plan where --out says."""
    from atfm.cli.common_flags import resolve_device
    from atfm.cli.progress import bar
    from atfm.data.store import Store
    from atfm.disk.atomic import atomic_write
    from atfm.errors import InputError
    from atfm.plan import plan

    if args.out is not None and args.out.suffix != ".toml":
        raise InputError(f"--out {args.out}: expected a name that ends in .toml, by which atfm train knows it")
    store = Store.open(args.store)
    with bar("measuring") as progress:
        planned = plan(
            store,
            minutes=args.minutes,
            memory=args.memory,
            device=resolve_device(args.device),
            watch=args.watch,
            seed=args.seed,
            progress=progress,
        )
    if args.out is not None:
        with atomic_write(args.out) as temporary:
            temporary.write_text(planned.toml(), encoding="utf-8")
    told = {"store": str(args.store), "out": None if args.out is None else str(args.out)}
    return {**told, **planned.as_json(), "toml": planned.toml()}


def show(result: dict[str, Any]) -> str:
    """The plan for a person: the facts in a line, the choices with their reasons, and the file."""
    facts = result["facts"]
    readers = "-".join(str(count) for count in dict.fromkeys((facts["readers"][0], facts["readers"][2])))
    lines = [
        f"{facts['name']}: {facts['cases']:,} training cases of {facts['patients']:,} patients, {readers} readers each"
    ]
    lines += reason_lines(result["reasons"])
    lines += [f"warning: {warning}" for warning in result["warnings"]]
    if result["out"]:
        return "\n".join([*lines, f"written to {result['out']}; train it: atfm train {result['out']} --data STORE"])
    return "\n".join([*lines, "", result["toml"].rstrip()])


def reason_lines(reasons: list[dict[str, str]]) -> list[str]:
    """A paragraph for each choice: the field, what was chosen, and why."""
    wide = max(len(reason["field"]) for reason in reasons)
    lines = []
    for reason in reasons:
        text = f"{reason['value']}: {reason['why']}"
        head = f"  {reason['field']:<{wide}}  "
        lines += textwrap.wrap(text, _WIDTH, initial_indent=head, subsequent_indent=" " * len(head))
    return lines
