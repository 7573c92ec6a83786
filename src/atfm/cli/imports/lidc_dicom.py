"""`atfm data import lidc-dicom`."""

import argparse
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from atfm.cli.data_text import show_import
from atfm.cli.imports.flags import add_out, add_splits, at_least_one, given_splits
from atfm.cli.imports.perform import perform
from atfm.cli.progress import bar

if TYPE_CHECKING:
    from atfm.importers.plan import Plan

__all__ = ["add"]


def add(imports: Any) -> None:
    """Add `atfm data import lidc-dicom`."""
    parser = imports.add_parser(
        "lidc-dicom",
        help="LIDC-IDRI as DICOM series and the radiologists' XML",
        description="Folders with LIDC-IDRI-0001/<study>/<series>/*.dcm and an XML beside them, as The Cancer Imaging "
        "Archive ships them. Outlines become masks by LIDC's rule (what is drawn lies outside), those of several "
        "radiologists are joined into nodules, and each nodule is cut out with a mask of every radiologist.",
        epilog="example: atfm data import lidc-dicom manifest/LIDC-IDRI --skip-broken --out lidc-store",
    )
    parser.add_argument("folders", nargs="+", type=Path, metavar="DIR", help="searched with all folders below it")
    parser.add_argument(
        "--xml", nargs="+", type=Path, default=[], metavar="PATH", help="more readings: XML files or folders of them"
    )
    parser.add_argument(
        "--crop", type=at_least_one, default=128, metavar="N", help="height and width in pixels (default: 128)"
    )
    parser.add_argument(
        "--window",
        type=float,
        nargs=2,
        metavar=("LO", "HI"),
        help="Hounsfield units that become black and white (default: -1350 150, the lung's)",
    )
    parser.add_argument(
        "--min-readers",
        type=at_least_one,
        default=1,
        metavar="N",
        help="leave out nodules that fewer radiologists drew (default: 1)",
    )
    parser.add_argument(
        "--volumes", type=at_least_one, metavar="D", help="one volume of D slices a nodule (default: one image a slice)"
    )
    parser.add_argument(
        "--allow-gaps", action="store_true", help="take scans of which slices are missing or unevenly spaced"
    )
    parser.add_argument("--skip-broken", action="store_true", help="leave out scans that cannot be used, and list them")
    parser.add_argument("--limit", type=at_least_one, help="stop after so many cases")
    add_splits(parser)
    add_out(parser)
    parser.set_defaults(run=run, show=show_import)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Import raw LIDC-IDRI."""
    splits = given_splits(args)
    return perform(args, planned(args, splits), splits)


@contextmanager
def planned(args: argparse.Namespace, splits: dict[str, list[str]] | None) -> "Iterator[Plan]":
    """Make the plan, which takes minutes for the whole of LIDC-IDRI, under a bar of its own."""
    from atfm.importers.lidc.crops import LUNG, Crop
    from atfm.importers.lidc.dicom import plan_lidc_dicom

    window = (args.window[0], args.window[1]) if args.window else LUNG
    with ExitStack() as stack:
        with bar("looking through folders") as looking:
            plan = stack.enter_context(
                plan_lidc_dicom(
                    args.folders,
                    xml=args.xml,
                    crop=Crop(args.crop, window, args.volumes, args.min_readers),
                    allow_gaps=args.allow_gaps,
                    broken="skip" if args.skip_broken else "list" if args.dry_run else "refuse",
                    splits=splits,
                    seed=args.seed,
                    limit=args.limit,
                    looking=looking,
                )
            )
        yield plan
