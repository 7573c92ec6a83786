"""`atfm data import lidc-png`."""

import argparse
from pathlib import Path
from typing import Any

from atfm.cli.data_text import show_import
from atfm.cli.imports.flags import add_out, add_splits, at_least_one, given_splits
from atfm.cli.imports.perform import perform

__all__ = ["add"]


def add(imports: Any) -> None:
    """Add `atfm data import lidc-png`."""
    parser = imports.add_parser(
        "lidc-png",
        help="LIDC-IDRI as PNG slices",
        description="LIDC-IDRI-slices/<patient>/nodule-<n>/{images,mask-0..mask-3}/slice-<k>.png in folders or zips.",
        epilog="example: atfm data import lidc-png train.zip test.zip --splits patients.json --out lidc-store",
    )
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="zip or folder")
    parser.add_argument("--limit", type=at_least_one, help="stop after so many slices")
    add_splits(parser)
    add_out(parser)
    parser.set_defaults(run=run, show=show_import)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Import the PNG layout of LIDC-IDRI."""
    from atfm.importers.lidc.png import plan_lidc_png

    splits = given_splits(args)
    return perform(args, plan_lidc_png(args.paths, splits=splits, seed=args.seed, limit=args.limit), splits)
