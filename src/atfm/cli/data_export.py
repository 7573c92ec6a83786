"""`atfm data export`: the cases of a store as images and masks in files, for other code."""

import argparse
from pathlib import Path
from typing import Any

from atfm.cli.progress import bar

__all__ = ["add_export"]

Result = dict[str, Any]


def add_export(actions: Any) -> None:
    """Add `atfm data export`."""
    parser = actions.add_parser(
        "export",
        help="write cases as images and masks for other code",
        description="Write images/NAME.png (NPY or NIfTI where PNG would lose something), masks/NAME/reader-0.png ... "
        "and a table, cases.csv. Masks that other code draws are found by these names: "
        "`atfm evaluate --predictions FOLDER STORE`.",
        epilog="example: atfm data export lidc-store --split test --out lidc-test",
    )
    parser.add_argument("store", type=Path, metavar="STORE")
    parser.add_argument("--split", nargs="+", default=["test"], metavar="SPLIT", help="which cases (default: test)")
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="folder to make")
    parser.set_defaults(run=run, show=show)


def run(args: argparse.Namespace) -> Result:
    """Export."""
    from atfm.data.exported import export
    from atfm.data.store import Store
    from atfm.errors import InputError

    store = Store.open(args.store)
    if args.store.resolve() in args.out.resolve().parents:
        raise InputError(
            f"--out {args.out}: this is inside the store, which holds nothing but its data; choose another"
        )
    with bar("exporting") as progress:
        told = export(store, args.out, args.split, progress)
    return {
        "out": str(args.out),
        "store_digest": store.digest,
        "splits": args.split,
        "cases": told["cases"],
        "files": len(told["files"]),
        "white": told["white"],
    }


def show(result: Result) -> str:
    """What was written, and what may come next."""
    out = result["out"]
    return (
        f"{out}: {result['cases']:,} cases in {result['files']:,} files\n"
        f"masks of other code: FOLDER/NAME/0.png ... or FOLDER/NAME.npy, names as in {out}/images\n"
        f"masks of atfm with the noise of `atfm evaluate`: atfm sample MODEL {out}/images/* --keys {out}/cases.csv "
        f"--window 0 {result['white']} --n 100 --format npy --out FOLDER\n"
        "their scores: atfm evaluate --predictions FOLDER STORE"
    )
