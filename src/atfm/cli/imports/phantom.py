"""`atfm data import phantom`."""

import argparse
from typing import Any

from atfm.cli.data_text import show_import
from atfm.cli.imports.flags import add_out, at_least_one
from atfm.cli.imports.perform import perform

__all__ = ["add"]

COUNTS = {
    "cases": "how many images (default: 3000, 400 volumes)",
    "size": "height and width in pixels (default: 32, 48 for volumes)",
}
ANNOTATORS = {
    "annotators": "of a training and validation image (default: 4); several numbers take turns",
    "test_annotators": "of a test image (default: 100); several numbers take turns",
}


def add(imports: Any) -> None:
    """Add `atfm data import phantom`."""
    parser = imports.add_parser(
        "phantom",
        help="simulated images whose law is known",
        description="Simulate images of lesions and their annotators, whose true distribution is known.",
        epilog="example: atfm data import phantom --kind colour --annotators 1 2 4 --out phantom-store",
    )
    parser.add_argument("--kind", default="grey", help="grey, colour, classes or volume (default: grey)")
    for field, text in COUNTS.items():
        parser.add_argument(f"--{field.replace('_', '-')}", type=at_least_one, help=text)
    for field, text in ANNOTATORS.items():
        parser.add_argument(f"--{field.replace('_', '-')}", type=at_least_one, nargs="+", metavar="K", help=text)
    add_out(parser, "simulate everything")
    parser.set_defaults(run=run, show=show_import)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Simulate the phantom."""
    from atfm.importers.phantom import plan_phantom

    chosen = {field: getattr(args, field) for field in (*COUNTS, *ANNOTATORS) if getattr(args, field) is not None}
    return perform(args, plan_phantom(seed=args.seed, kind=args.kind, **chosen))
