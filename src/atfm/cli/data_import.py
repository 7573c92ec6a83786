"""`atfm data import`: the flags of each importer, and its plan built, or for `--dry-run` told of."""

import argparse
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from atfm.cli.data_text import show_import
from atfm.cli.progress import bar

if TYPE_CHECKING:
    from atfm.importers import Importer, Plan

__all__ = ["add_import", "summary"]

Result = dict[str, Any]


def add_import(actions: Any) -> None:
    """Add `atfm data import`; the importers themselves are loaded when it is used."""
    actions.add_parser(
        "import",
        help="build a store",
        description="Build a store, whole or not at all; its name must be new. An import that was killed goes on where "
        "it stopped when the same command is given again. --dry-run reads and checks everything and writes nothing.",
        epilog="example: atfm data import folder scans --images '{case}/image.png' --masks '{case}/{annotator}.png' "
        "--out store",
        later=add_importers,
    )


def add_importers(parser: argparse.ArgumentParser) -> None:
    """Add a subcommand for each importer."""
    from atfm.importers import IMPORTERS
    from atfm.importers.importer import add_fractions

    imports = parser.add_subparsers(dest="importer", metavar="importer", required=True)
    for importer in IMPORTERS:
        own = imports.add_parser(
            importer.name,
            help=importer.summary,
            description=importer.description,
            epilog=f"example: atfm data import {importer.name} {importer.example}",
        )
        importer.flags(own)
        if not any("--fractions" in action.option_strings for action in own._actions):
            add_fractions(own)
        own.add_argument("--out", type=Path, metavar="STORE", help="folder to make; not needed for a dry run")
        own.add_argument(
            "--dry-run",
            action="store_true",
            help="read (or simulate) and check everything, tell what would be imported, write nothing",
        )
        own.set_defaults(run=partial(run, importer), show=show_import)


def run(importer: "Importer", args: argparse.Namespace) -> Result:
    """Build the store that an importer plans, or for `--dry-run` survey it.

    Returns:
        The summary, for `atfm.cli.data_text.show_import`.

    Raises:
        InputError: no `--out`, or whatever the importer refuses.
    """
    from atfm.data.store import Store
    from atfm.importers import build_store, survey

    started = time.perf_counter()
    args.splits = given = given_splits(args)
    out = wanted_out(args)
    named = {patient for patients in (given or {}).values() for patient in patients}
    planning = planned(importer, args)
    if args.dry_run:
        with planning as plan, bar("checking") as progress:
            facts = {"dry_run": True, **survey(plan, progress, named=named)}
    else:
        resumed = None

        def noted(done: int, total: int) -> None:
            nonlocal resumed
            resumed = done - 1 if resumed is None else resumed
            progress(done, total)

        with planning as plan, bar("importing") as progress:
            build_store(plan, out, noted)
        store = Store.open(out)
        facts = {
            "store": str(out),
            **summary(store),
            "skipped": list(plan.skipped),
            "warnings": list(store.info.warnings or ()),
            "absent_patients": len(named.difference(store.patients())),
        }
        facts["resumed_after"] = len(store) if resumed is None else resumed
    return {**facts, "seconds": round(time.perf_counter() - started, 1)}


@contextmanager
def planned(importer: "Importer", args: argparse.Namespace) -> "Iterator[Plan]":
    """The plan, made under a bar of its own where this takes a while."""
    from atfm.data.splits import random_splits
    from atfm.importers.importer import fractions_of

    with ExitStack() as stack:
        if importer.looking is None:
            plan = stack.enter_context(importer.plan(args, lambda done, total: None))
        else:
            with bar(importer.looking) as looking:
                plan = stack.enter_context(importer.plan(args, looking))
        if args.fractions:  # whatever the importer does by itself, a published split among them
            splits = random_splits((case.patient_id for case in plan.cases), args.seed, fractions_of(args))
            plan = replace(plan, splits=splits)
        yield plan


def given_splits(args: argparse.Namespace) -> dict[str, list[str]] | None:
    """The splits of the file that `--splits` names, if the importer has that flag and it was given.

    Raises:
        InputError: an unreadable file, or `--fractions` beside it.
    """
    from atfm.data.splits import load_splits
    from atfm.errors import InputError

    file = getattr(args, "splits", None)
    if file and getattr(args, "fractions", None):
        raise InputError("--splits and --fractions: give one of them; a file of splits leaves nothing to deal out")
    return load_splits(file) if file else None


def wanted_out(args: argparse.Namespace) -> Path:
    """The store to make, which only a dry run can do without.

    Raises:
        InputError: none given, or there is something at its place already.
    """
    from atfm.data.partial import check_free
    from atfm.errors import InputError

    if args.out is None and not args.dry_run:
        raise InputError("--out STORE: give the folder to make, or --dry-run to see what would be in it")
    if args.out is not None:
        check_free(args.out)
    return args.out or Path()


def summary(store: Any) -> Result:
    """What came to be."""
    return {
        "name": store.info.name,
        "orientation": store.info.orientation,
        "cases": len(store),
        "patients": len(store.patients()),
        "patients_known": store.info.patients_known,
        "splits": {
            name: {"patients": len(patients), "cases": len(store.split(name))}
            for name, patients in store.info.splits.items()
        },
        "unassigned_patients": store.unassigned(),
    }
