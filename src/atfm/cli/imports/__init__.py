"""`atfm data import`: one module for each importer, with `add(imports)`, which adds its parser.

A module parses its flags, makes a plan (`atfm.importers.plan.Plan`) and hands it to `perform`, which builds the
store or, for `--dry-run`, tells what would be in it.
"""

from typing import Any

from atfm.cli.imports import folder, isic, lidc_dicom, lidc_hdf5, lidc_hpunet, lidc_pickle, lidc_png, phantom

__all__ = ["add_import"]

IMPORTERS = (folder, lidc_png, lidc_pickle, lidc_hdf5, lidc_hpunet, lidc_dicom, isic, phantom)


def add_import(actions: Any) -> None:
    """Add `atfm data import` and its importers."""
    imports = actions.add_parser(
        "import",
        help="build a store",
        description="Build a store, whole or not at all; its name must be new. An import that was killed goes on where "
        "it stopped when the same command is given again. --dry-run reads and checks everything and writes nothing.",
        epilog="example: atfm data import folder scans --images '{case}/image.png' --masks '{case}/{annotator}.png' "
        "--out store",
    ).add_subparsers(dest="importer", metavar="importer", required=True)
    for importer in IMPORTERS:
        importer.add(imports)
