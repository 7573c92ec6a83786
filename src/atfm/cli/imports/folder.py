"""`atfm data import folder`."""

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
    add_window,
    at_least_one,
    fractions_of,
    given_splits,
)
from atfm.cli.imports.perform import perform

__all__ = ["add"]


def add(imports: Any) -> None:
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
    parser.add_argument(
        "--class-names", nargs="+", metavar="NAME", help="of the labels from 1 on (default: their numbers)"
    )
    parser.add_argument("--ignore-label", type=at_least_one, help="a label of the masks that says nothing, such as 255")
    parser.add_argument("--size", type=at_least_one, nargs=2, metavar=("H", "W"), help="resize all images to one size")
    parser.add_argument("--grey", action="store_true", help="turn colours into grey (0.299, 0.587, 0.114)")
    add_window(parser)
    parser.add_argument("--dims", type=int, choices=(2, 3), help="spatial axes (default: as the files tell)")
    parser.add_argument("--patient", metavar="REGEX", help="its first group in the case's name is the patient")
    parser.add_argument(
        "--skip-incomplete", action="store_true", help="leave out images without masks, and the reverse"
    )
    add_about(parser)
    add_fractions(parser)
    add_splits(parser)
    add_out(parser)
    parser.set_defaults(run=run, show=show_import)


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Import a folder by patterns."""
    from atfm.importers.folder import plan_folder
    from atfm.importers.form import Form

    splits = given_splits(args)
    form = Form(
        classes=args.classes,
        size=tuple(args.size) if args.size else None,
        grey=args.grey,
        window=tuple(args.window) if args.window else None,
        spatial_dims=args.dims,
        ignore_label=args.ignore_label,
    )
    plan = plan_folder(
        args.folder,
        images=args.images,
        masks=args.masks,
        form=form,
        class_names=args.class_names,
        patient=args.patient,
        splits=splits,
        fractions=fractions_of(args),
        seed=args.seed,
        skip_incomplete=args.skip_incomplete,
        **about_of(args),
    )
    return perform(args, plan, splits)
