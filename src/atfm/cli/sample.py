"""`atfm sample`: plausible masks of new images, and the hypotheses that they come down to."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from atfm.cli.common_flags import add_shard, meet, shard_of
from atfm.cli.progress import bar
from atfm.errors import InputError

if TYPE_CHECKING:
    from atfm.models import Model
    from atfm.predict import Slices

__all__ = ["add_parser"]


def add_parser(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "sample",
        help="draw masks of images",
        description="Draw n plausible masks of each image and write them with named hypotheses, the mean probability, "
        "the ambiguity (entropy) map and an overlay sheet. MODEL is a run folder, a weight file or the name of shipped "
        "weights. Several processes share the images, with the same files: `torchrun --nproc-per-node N -m -- atfm "
        "sample ...` (without the two dashes torchrun takes --n for its own), or jobs with --shard 1/N to N/N.",
        epilog="examples: atfm sample lidc nodule.png --n 16 --seed 7 --out samples; "
        "atfm sample lidc ct/ --at 316 366 40 --at 120 200 55",
    )
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument(
        "images",
        metavar="IMAGE",
        nargs="+",
        type=Path,
        help="PNG, JPEG, TIFF, BMP, NPY, NIfTI, NRRD, MetaImage, DICOM, or a folder with a DICOM series",
    )
    parser.add_argument("--n", type=int, default=16, help="masks of each image (default: 16)")
    parser.add_argument("--steps", type=int, help="solver steps (default: the model's own)")
    _add_reading(parser.add_argument_group("what is read of an image"))
    _add_noise(parser.add_argument_group("the noise"))
    _add_files(parser.add_argument_group("the files"))
    add_shard(parser, "images")
    parser.set_defaults(run=run, show=show)


def _add_reading(group: argparse._ArgumentGroup) -> None:
    """Which series, slices or points, and how its values become grey."""
    chosen = group.add_mutually_exclusive_group()
    chosen.add_argument(
        "--slice",
        type=int,
        action="append",
        metavar="K",
        help="a slice of a volume, from 0, as the file counts along the axis of the model's slices; may be given again",
    )
    chosen.add_argument("--slices", metavar="all|LIST", help="all slices of a volume, or such as 3,10-14")
    chosen.add_argument(
        "--at",
        nargs="+",
        type=int,
        action="append",
        default=[],
        metavar="X",
        help="X Y Z, or X Y of a picture: the voxel (column, row, slice, from 0) round which the model looks; may be "
        "given again",
    )
    chosen.add_argument(
        "--at-mm",
        nargs=3,
        type=float,
        action="append",
        default=[],
        metavar=("X", "Y", "Z"),
        help="the same in millimetres: RAS for a NIfTI, LPS for all others",
    )
    group.add_argument("--series", metavar="UID", help="the series to take from a folder that holds several")
    group.add_argument(
        "--window",
        nargs=2,
        type=float,
        metavar=("LO", "HI"),
        help="values that become black and white, such as --window -1000 400 of a CT",
    )


def _add_noise(group: argparse._ArgumentGroup) -> None:
    """What it belongs to, besides the seed."""
    keys = group.add_mutually_exclusive_group()
    keys.add_argument("--key", metavar="NAME", help="what the noise belongs to (default: the image's name, and point)")
    keys.add_argument(
        "--keys",
        type=Path,
        metavar="CSV",
        help="the same for each image: the table cases.csv of `atfm data export`, by which the noise of a case is that "
        "of `atfm evaluate`",
    )


def _add_files(group: argparse._ArgumentGroup) -> None:
    """Where results go, and in which form."""
    group.add_argument("--out", type=Path, default=Path("samples"), help="folder (default: samples)")
    group.add_argument(
        "--format",
        choices=["png", "npy", "nifti", "nrrd", "dicom-seg", "dicom-pm", "rtstruct"],
        help="default: as the image (NIfTI, NRRD, DICOM Segmentation, NPY for other volumes), else PNG; nrrd holds a "
        "segmentation for 3D Slicer, dicom-pm Parametric Maps, rtstruct the contours of the hypotheses",
    )
    group.add_argument("--fractional", action="store_true", help="dicom-seg: the probability, not the hypotheses")
    group.add_argument(
        "--separate", action="store_true", help="dicom-seg: a file for each hypothesis, where a viewer mixes them up"
    )
    group.add_argument(
        "--overwrite", action="store_true", help="replace results of another image, model or seed in the folder"
    )


def run(args: argparse.Namespace) -> dict[str, object] | None:
    """Draw and write this process's share of the images, in order, so that those before a bad one are complete."""
    from atfm.models import load
    from atfm.predict import parse_slices, title

    names = Counter(map(title, args.images))
    twice = [name for name, times in names.items() if times > 1]
    if twice:
        raise InputError(f"{twice[0]}: two images of this name would be written into one folder; give them one by one")
    keys = keys_of(args.keys, args.images)
    slices = parse_slices(args.slices) if args.slices is not None else args.slice
    shard = shard_of(args)
    with meet(args) as processes:
        model = load(args.model, processes.device)
        own = [
            drawn(model, path, slices, args, keys.get(title(path), args.key))
            for path in processes.share(args.images, shard)
        ]
        images = [result for results in processes.rejoin(own) for result in results]
        if not processes.main:
            return None
    return {"model": args.model, "n": args.n, "seed": args.seed, "out": str(args.out), "images": images}


def keys_of(table: Path | None, images: Sequence[Path]) -> dict[str, str]:
    """What the noise of each image belongs to, by the image's name; nothing without a table.

    Raises:
        InputError: a table that is none, or an image that is not in it.
    """
    from atfm.data.exported import read_names
    from atfm.predict import title

    if table is None:
        return {}
    known = read_names(table)
    strange = [path for path in images if title(path) not in known]
    if strange:
        raise InputError(
            f"{strange[0]}: is not in {table} ({len(strange)} of {len(images)}); give images of that export"
        )
    return known


def drawn(
    model: Model, path: Path, slices: Slices | None, args: argparse.Namespace, key: str | None
) -> list[dict[str, Any]]:
    """Draw and write one image: a result for each of its points, or for the whole."""
    from atfm.predict import sample_file, title

    with bar(str(path)) as tell:
        results = list(
            sample_file(
                model,
                path,
                args.out / title(path),
                args.n,
                seed=args.seed,
                steps=args.steps,
                key=key,
                form=args.format,
                fractional=args.fractional,
                separate=args.separate,
                overwrite=args.overwrite,
                slices=slices,
                series=args.series,
                at=args.at,
                at_mm=args.at_mm,
                window=None if args.window is None else tuple(args.window),
                progress=tell,
            )
        )
    for warning in dict.fromkeys(warning for one in results for warning in one["warnings"]):
        print(f"atfm: warning: {path}: {warning}", file=sys.stderr)
    return results


def show(result: dict[str, Any]) -> str:
    """The result for a person; names of files stand with their folder."""
    lines = []
    for entry in result["images"]:
        areas, out = entry["areas"], Path(entry["out"])
        where = "" if entry["at"] is None else f" at {' '.join(map(str, entry['at']))}"
        lines.append(
            f"{entry['image']}{where}: {len(areas)} masks of {min(areas)} to {max(areas)} pixels, "
            f"{entry['empty']:.0%} empty; see {out / entry['files']['overlay']}"
        )
        for one in entry["hypotheses"]:
            lines.append(
                f"  {one['probability']:4.0%} ({one['low']:.0%} to {one['high']:.0%})  {one['name']}"
                + (f"  {out / one['file']}" if isinstance(one["file"], str) else "")
            )
    return "\n".join(lines)
