"""`atfm data import lidc-hdf5`."""

import argparse
from pathlib import Path
from typing import Any

from atfm.cli.data_text import show_import
from atfm.cli.imports.flags import add_out, add_window, at_least_one
from atfm.cli.imports.perform import looked_through, perform

__all__ = ["add"]


def add(imports: Any) -> None:
    """Add `atfm data import lidc-hdf5`."""
    parser = imports.add_parser(
        "lidc-hdf5",
        help="LIDC in HDF5, as PHiSeg, MoSE, CCDM and Flow-SSN have it",
        description="Groups train, val and test, each with images [N, H, W], labels [N, H, W, K] or [N, K, H, W], and "
        "uids [N], taken for the patients. The groups become the splits.",
        epilog="example: atfm data import lidc-hdf5 data_lidc.hdf5 --out lidc-store",
    )
    parser.add_argument("path", type=Path, metavar="HDF5", help="the file")
    add_window(parser)
    parser.add_argument("--limit", type=at_least_one, help="stop after so many cases of each split")
    add_out(parser)
    parser.set_defaults(run=run, show=show_import)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Import an HDF5 file."""
    from atfm.importers.lidc.hdf5 import plan_lidc_hdf5

    options = {"window": tuple(args.window) if args.window else None, "limit": args.limit}
    plan = looked_through(
        "looking for dark pixels", lambda looking: plan_lidc_hdf5(args.path, looking=looking, **options)
    )
    return perform(args, plan)
