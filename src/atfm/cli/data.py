"""`atfm data`: build a store, verify it, describe it, and send it to another machine or to other code."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from atfm.cli.data_export import add_export
from atfm.cli.data_fingerprint import add_fingerprint
from atfm.cli.data_fit import add_fit
from atfm.cli.data_import import add_import
from atfm.cli.data_pack import add_pack, add_unpack
from atfm.cli.data_text import show_check, show_info
from atfm.cli.progress import bar

if TYPE_CHECKING:
    from atfm.data.store import Store

__all__ = ["add_parser"]

Result = dict[str, Any]
SHEET_CASES = 24


def add_parser(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "data",
        help="build a store of cases, verify it, describe it, pack or export it",
        description="A store is one folder with images, the masks of all annotators, and splits by patient.",
        epilog="example: atfm data import phantom --out phantom-store",
    )
    actions = parser.add_subparsers(dest="action", metavar="action", required=True)
    add_import(actions)
    add_check(actions)
    add_info(actions)
    add_pack(actions)
    add_unpack(actions)
    add_fingerprint(actions)
    add_fit(actions)
    add_export(actions)


def add_check(actions: Any) -> None:
    """Add `atfm data check`."""
    parser = actions.add_parser(
        "check",
        help="read everything and verify it",
        description="Verify the SHA-256 of every file, every case and the splits.",
        epilog="example: atfm data check store",
    )
    parser.add_argument("store", type=Path, metavar="STORE")
    parser.set_defaults(run=run_check, show=show_check)


def add_info(actions: Any) -> None:
    """Add `atfm data info`."""
    parser = actions.add_parser(
        "info",
        help="describe a store, in numbers and as a contact sheet",
        description="Count cases, patients, annotators and areas, measure the agreement of the annotators, and draw "
        f"{SHEET_CASES} cases with everybody's outlines.",
        epilog="example: atfm data info store --sheet store.png",
    )
    parser.add_argument("store", type=Path, metavar="STORE")
    parser.add_argument("--sheet", type=Path, metavar="PNG", help="contact sheet (default: STORE-sheet.png)")
    parser.set_defaults(run=run_info, show=show_info)


def run_check(args: argparse.Namespace) -> Result:
    """Verify a store."""
    from atfm.data.store import Store

    store = Store.open(args.store)
    with bar("checking") as progress:
        checked = store.check(progress)
    return {
        "store": str(args.store),
        "cases": checked.cases,
        "patients": checked.patients,
        "bytes": checked.bytes,
        "unassigned_patients": checked.unassigned,
    }


def run_info(args: argparse.Namespace) -> Result:
    """Describe a store and draw its contact sheet."""
    from atfm.data.digest import describe
    from atfm.data.store import Store
    from atfm.disk.lock import file_lock
    from atfm.errors import InputError

    store = Store.open(args.store)
    folder = args.store.resolve()
    sheet = args.sheet or folder.with_name(f"{folder.name}-sheet.png")
    if folder in sheet.resolve().parents:
        raise InputError(f"--sheet {sheet}: this is inside the store, which holds nothing but its data; choose another")
    with file_lock(sheet), bar("reading") as progress:
        facts = describe(store, seed=args.seed, progress=progress)
        draw_sheet(store, sheet, args.seed)
    told = {"skipped": list(store.info.skipped or ()), "warnings": list(store.info.warnings or ())}
    return {"store": str(args.store), **facts, **told, "sheet": str(sheet)}


def draw_sheet(store: "Store", path: Path, seed: int) -> None:
    """Draw some cases of a store, the same ones for the same seed."""
    import numpy as np

    from atfm.data.digest import seeded_cases
    from atfm.io.saving import write_png
    from atfm.report.sheet import Tile, contact_sheet

    tiles = []
    for case in (store[i] for i in seeded_cases(store, SHEET_CASES, seed)):
        filled = sum(bool(mask.any()) for mask in case.masks)
        tiles.append(Tile(case.image, case.masks, f"{case.case_id}\n{filled} of {case.annotators} annotators drew"))
    write_png(path, np.asarray(contact_sheet(tiles)))
