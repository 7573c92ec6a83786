"""`atfm data import`: one subcommand for each importer."""

import argparse
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from atfm.cli.data_text import show_import
from atfm.cli.progress import bar

__all__ = ["add_import"]

Result = dict[str, Any]
PHANTOM = {
    "cases": "how many images (default: 3000)",
    "annotators": "of a training and validation image (default: 4)",
    "test_annotators": "of a test image (default: 100)",
    "size": "height and width in pixels (default: 32)",
}


def add_import(actions: Any) -> None:
    """Add `atfm data import` and its importers."""
    imports = actions.add_parser(
        "import",
        help="build a store",
        description="Build a store, whole or not at all; its name must be new.",
        epilog="example: atfm data import folder scans --images '{case}/image.png' --masks '{case}/{annotator}.png' "
        "--out store",
    ).add_subparsers(dest="importer", metavar="importer", required=True)
    add_lidc_png(imports)
    add_folder(imports)
    add_phantom(imports)


def add_lidc_png(imports: Any) -> None:
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
    parser.set_defaults(run=run_lidc_png, show=show_import)


def add_folder(imports: Any) -> None:
    """Add `atfm data import folder`."""
    parser = imports.add_parser(
        "folder",
        help="images with one or several masks each, found by patterns",
        description="PNG, JPEG, TIFF, NPY and NIfTI. In a pattern {case}, {annotator} and {patient} stand for a part "
        "of a name and * for anything; a file that is an image is never taken for a mask. Binary masks are 0 and 255, "
        "0 and 1, or what is not transparent.",
        epilog="example: atfm data import folder scans --images 'images/{case}.png' "
        "--masks 'masks/{case}_{annotator}.png' --size 128 128 --out store",
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="where the patterns begin")
    parser.add_argument("--images", required=True, metavar="PATTERN", help="such as 'images/{case}.png'")
    parser.add_argument("--masks", required=True, metavar="PATTERN", help="such as 'masks/{case}_{annotator}.png'")
    parser.add_argument(
        "--classes", type=at_least_one, default=1, help="labels, background included (default: 1, binary)"
    )
    parser.add_argument("--size", type=at_least_one, nargs=2, metavar=("H", "W"), help="resize all images to one size")
    parser.add_argument("--grey", action="store_true", help="turn colours into grey (0.299, 0.587, 0.114)")
    parser.add_argument(
        "--window", type=float, nargs=2, metavar=("LO", "HI"), help="values that become black and white"
    )
    parser.add_argument("--dims", type=int, choices=(2, 3), help="spatial axes (default: as the files tell)")
    parser.add_argument("--patient", metavar="REGEX", help="its first group in the case's name is the patient")
    parser.add_argument(
        "--skip-incomplete", action="store_true", help="leave out images without masks, and the reverse"
    )
    for field in ("name", "licence", "source", "modality"):
        parser.add_argument(f"--{field}", help=f"{field} to write into the store")
    parser.add_argument(
        "--fractions", type=float, nargs=3, metavar=("TRAIN", "VAL", "TEST"), help="default: 0.64 0.16 0.20"
    )
    add_splits(parser)
    parser.set_defaults(run=run_folder, show=show_import)


def add_phantom(imports: Any) -> None:
    """Add `atfm data import phantom`."""
    parser = imports.add_parser(
        "phantom",
        help="simulated images whose law is known",
        description="Simulate images of lesions and their annotators, whose true distribution is known.",
        epilog="example: atfm data import phantom --out phantom-store --cases 1000",
    )
    for field, text in PHANTOM.items():
        parser.add_argument(f"--{field.replace('_', '-')}", type=at_least_one, help=text)
    parser.add_argument("--out", type=Path, required=True, metavar="STORE", help="folder to make")
    parser.set_defaults(run=run_phantom, show=show_import)


def add_splits(parser: argparse.ArgumentParser) -> None:
    """Add `--splits` and `--out`."""
    parser.add_argument(
        "--splits", type=Path, metavar="JSON", help='{"train": [patients], ...} (default: dealt by patient and --seed)'
    )
    parser.add_argument("--out", type=Path, required=True, metavar="STORE", help="folder to make")


def at_least_one(text: str) -> int:
    """A whole number above 0."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number above 0, got {text!r}")
    return int(text)


def run_lidc_png(args: argparse.Namespace) -> Result:
    """Import the PNG layout of LIDC-IDRI."""
    from atfm.data.importers.lidc_png import import_lidc_png
    from atfm.data.splits import load_splits

    splits = load_splits(args.splits) if args.splits else None
    with timed(args.out, splits) as summary, bar("importing") as progress:
        import_lidc_png(args.paths, args.out, splits=splits, seed=args.seed, limit=args.limit, progress=progress)
    return summary


def run_folder(args: argparse.Namespace) -> Result:
    """Import a folder by patterns."""
    from atfm.data.importers.folder import Form, import_folder
    from atfm.data.splits import FRACTIONS, load_splits
    from atfm.errors import InputError

    if args.splits and args.fractions:
        raise InputError("--splits and --fractions: give one of them; a file of splits leaves nothing to deal out")
    splits = load_splits(args.splits) if args.splits else None
    form = Form(
        classes=args.classes,
        size=tuple(args.size) if args.size else None,
        grey=args.grey,
        window=tuple(args.window) if args.window else None,
        spatial_dims=args.dims,
    )
    about = {field: getattr(args, field) for field in ("name", "licence", "source", "modality") if getattr(args, field)}
    with timed(args.out, splits) as summary, bar("importing") as progress:
        import_folder(
            args.folder,
            args.out,
            images=args.images,
            masks=args.masks,
            form=form,
            patient=args.patient,
            splits=splits,
            fractions=dict(zip(FRACTIONS, args.fractions or FRACTIONS.values(), strict=True)),
            seed=args.seed,
            skip_incomplete=args.skip_incomplete,
            progress=progress,
            **about,
        )
    return summary


def run_phantom(args: argparse.Namespace) -> Result:
    """Simulate the phantom."""
    from atfm.data.phantom_store import import_phantom

    chosen = {field: getattr(args, field) for field in PHANTOM if getattr(args, field) is not None}
    with timed(args.out) as summary, bar("simulating") as progress:
        import_phantom(args.out, seed=args.seed, progress=progress, **chosen)
    return summary


@contextmanager
def timed(out: Path, given: dict[str, list[str]] | None = None) -> Iterator[Result]:
    """Fill in the summary of an import when it is done."""
    from atfm.data.store import Store

    started = time.perf_counter()
    summary: Result = {}
    yield summary
    store = Store.open(out)
    named = {patient for patients in (given or {}).values() for patient in patients}
    summary |= {
        "store": str(out),
        "name": store.info.name,
        "cases": len(store),
        "patients": len(store.patients()),
        "splits": {
            name: {"patients": len(patients), "cases": len(store.split(name))}
            for name, patients in store.info.splits.items()
        },
        "unassigned_patients": store.unassigned(),
        "absent_patients": len(named - set(store.patients())),
        "seconds": round(time.perf_counter() - started, 1),
    }
