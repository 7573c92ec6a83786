"""`atfm data import lidc-pickle`."""

import argparse
from pathlib import Path
from typing import Any

from atfm.cli.data_text import show_import
from atfm.cli.imports.flags import about_of, add_about, add_out, add_splits, add_window, at_least_one, given_splits
from atfm.cli.imports.perform import looked_through, perform

__all__ = ["add"]


def add(imports: Any) -> None:
    """Add `atfm data import lidc-pickle`."""
    parser = imports.add_parser(
        "lidc-pickle",
        help="a pickled dict of images and masks, such as data_lidc.pickle",
        description="Knegt's layout, {case: {'image': array, 'masks': [array, ...], 'series_uid': text}}, plain or in "
        "a zip. Nothing in the pickle is run; one that asks for more than arrays, numbers, strings and plain "
        "containers is refused.",
        epilog="example: atfm data import lidc-pickle data_lidc.pickle --modality CT --out lidc-store",
    )
    parser.add_argument("path", type=Path, metavar="PICKLE", help="the pickle, or a zip with one in it")
    add_window(parser)
    parser.add_argument("--limit", type=at_least_one, help="stop after so many cases")
    add_about(parser)
    add_splits(parser)
    add_out(parser)
    parser.set_defaults(run=run, show=show_import)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Import a pickle."""
    from atfm.importers.lidc.pickle import plan_lidc_pickle

    splits = given_splits(args)
    window = tuple(args.window) if args.window else None
    options = {"splits": splits, "seed": args.seed, "window": window, "limit": args.limit, **about_of(args)}
    plan = looked_through("taking apart", lambda looking: plan_lidc_pickle(args.path, looking=looking, **options))
    return perform(args, plan, splits)
