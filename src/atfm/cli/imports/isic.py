"""`atfm data import isic`."""

import argparse
from pathlib import Path
from typing import Any

from atfm.cli.data_text import show_import
from atfm.cli.imports.flags import (
    about_of,
    add_about,
    add_fractions,
    add_out,
    add_splits,
    at_least_one,
    fractions_of,
    given_splits,
)
from atfm.cli.imports.perform import perform

__all__ = ["add"]


def add(imports: Any) -> None:
    """Add `atfm data import isic`."""
    parser = imports.add_parser(
        "isic",
        help="images of the ISIC Archive with several segmentations each",
        description="ISIC_0000000.jpg, and every ISIC_0000000_*segmentation* for it, anywhere below the folder. Images "
        "without a segmentation, or with another number of them than --annotators, are left out and listed.",
        epilog="example: atfm data import isic archive --annotators 3 --grey --size 128 128 --out isic3-store",
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="searched with all folders below it")
    parser.add_argument("--annotators", type=at_least_one, help="only images with exactly so many segmentations")
    parser.add_argument("--grey", action="store_true", help="turn colours into grey (0.299, 0.587, 0.114)")
    parser.add_argument("--size", type=at_least_one, nargs=2, metavar=("H", "W"), help="resize all images to one size")
    parser.add_argument(
        "--patients", type=Path, metavar="CSV", help="the archive's metadata: isic_id, patient_id, lesion_id"
    )
    add_about(parser)
    add_fractions(parser)
    add_splits(parser)
    add_out(parser)
    parser.set_defaults(run=run, show=show_import)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Import images of the ISIC Archive."""
    from atfm.importers.form import Form
    from atfm.importers.isic import plan_isic

    splits = given_splits(args)
    plan = plan_isic(
        args.folder,
        annotators=args.annotators,
        form=Form(grey=args.grey, size=tuple(args.size) if args.size else None),
        patients=args.patients,
        splits=splits,
        fractions=fractions_of(args),
        seed=args.seed,
        **about_of(args),
    )
    return perform(args, plan, splits)
