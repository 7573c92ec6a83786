"""`atfm data import lidc-hpunet`."""

import argparse
from pathlib import Path
from typing import Any

from atfm.cli.data_text import show_import
from atfm.cli.imports.flags import add_out, at_least_one
from atfm.cli.imports.perform import perform

__all__ = ["add"]


def add(imports: Any) -> None:
    """Add `atfm data import lidc-hpunet`."""
    parser = imports.add_parser(
        "lidc-hpunet",
        help="LIDC as DeepMind's 180x180 crops, with their split",
        description="<split>/images/<patient>/<slice>.png and <split>/gt/<patient>/<slice>_l0.png to _l3.png, in "
        "folders or zips; <split> is train, val or test, or ends in one of them, such as lidc_crops_train.",
        epilog="example: atfm data import lidc-hpunet lidc_crops --out lidc-store",
    )
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="zip or folder")
    parser.add_argument("--limit", type=at_least_one, help="stop after so many slices of each split")
    add_out(parser)
    parser.set_defaults(run=run, show=show_import)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Import the crops."""
    from atfm.importers.lidc.hpunet import plan_lidc_hpunet

    return perform(args, plan_lidc_hpunet(args.paths, limit=args.limit))
