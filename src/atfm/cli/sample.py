"""`atfm sample`: plausible masks of new images."""

import argparse
from collections import Counter
from pathlib import Path
from typing import Any

__all__ = ["add_parser"]


def add_parser(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "sample",
        help="draw masks of images",
        description="Draw n plausible masks of each image and write them with the mean probability, the ambiguity "
        "(entropy) map and an overlay sheet. MODEL is a run folder, a weight file or the name of shipped weights.",
        epilog="example: atfm sample lidc nodule.png --n 16 --seed 7 --out samples",
    )
    parser.add_argument("model", metavar="MODEL")
    parser.add_argument("images", metavar="IMAGE", nargs="+", type=Path, help="PNG, JPEG, TIFF, NPY or NIfTI")
    parser.add_argument("--n", type=int, default=16, help="masks of each image (default: 16)")
    parser.add_argument("--out", type=Path, default=Path("samples"), help="folder (default: samples)")
    parser.add_argument("--format", choices=["png", "npy", "nifti"], help="default: as the image, PNG or NIfTI")
    parser.add_argument("--steps", type=int, help="solver steps (default: the model's own)")
    parser.set_defaults(run=run, show=show)


def run(args: argparse.Namespace) -> dict[str, object]:
    """Draw and write; images are worked on in order, so those before a bad one are complete."""
    from atfm.cli.common_flags import resolve_device
    from atfm.draw import draw
    from atfm.errors import InputError
    from atfm.models import load, set_steps

    names = Counter(path.name.split(".")[0] for path in args.images)
    twice = [name for name, times in names.items() if times > 1]
    if twice:
        raise InputError(f"{twice[0]}: two images of this name would be written into one folder; give them one by one")
    model = load(args.model, resolve_device(args.device))
    if args.steps is not None:
        set_steps(model.method, args.steps)
    images = [
        draw(model, path, args.out / path.name.split(".")[0], args.n, seed=args.seed, form=args.format)
        for path in args.images
    ]
    return {"model": args.model, "n": args.n, "seed": args.seed, "out": str(args.out), "images": images}


def show(result: dict[str, Any]) -> str:
    """The result for a person."""
    lines = []
    for entry in result["images"]:
        areas = entry["areas"]
        lines.append(
            f"{entry['image']}: {len(areas)} masks of {min(areas)} to {max(areas)} pixels, "
            f"{entry['empty']:.0%} empty; see {entry['files']['overlay']}"
        )
    return "\n".join(lines)
