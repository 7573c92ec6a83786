"""`atfm data fit`: what a store holds, and what bringing it to a network's pixels and back costs."""

import argparse
from pathlib import Path
from typing import Any

from atfm.cli.progress import bar

__all__ = ["add_fit"]

Result = dict[str, Any]


def add_fit(actions: Any) -> None:
    """Add `atfm data fit`."""
    parser = actions.add_parser(
        "fit",
        help="measure sizes, spacings, lesions and readers, and what resampling them costs",
        description="A training may bring images of any size to its network's pixels (`fit` of its configuration). "
        "Without --canvas, --spacing or --step the store is measured as it is; with one of them the readers' own masks "
        "go to the network's pixels and come back: what they then score is the most that any model can.",
        epilog="example: atfm data fit cells-store --canvas 96 96",
    )
    parser.add_argument("store", type=Path, metavar="STORE")
    parser.add_argument("--split", help="only this one (default: all cases)")
    parser.add_argument("--cases", type=int, default=100, metavar="N", help="that are looked at (default: 100)")
    way = parser.add_mutually_exclusive_group()
    way.add_argument("--canvas", nargs="+", type=int, metavar="SIDE", help="size into which whole images are scaled")
    way.add_argument("--spacing", nargs="+", type=float, metavar="MM", help="of the network's pixels, for each axis")
    way.add_argument("--step", nargs="+", type=float, metavar="PIXELS", help="of an image for each of the network's")
    parser.add_argument("--crop", nargs="+", type=int, metavar="SIDE", help="what a training step sees of them")
    parser.set_defaults(run=run, show=show)


def run(args: argparse.Namespace) -> Result:
    """Measure."""
    from atfm.data.geometry.rule import Fit, usual_spacing
    from atfm.data.source import Selection
    from atfm.data.store import Store
    from atfm.data.survey import ceiling, survey
    from atfm.errors import InputError

    store = Store.open(args.store)
    with bar("measuring") as progress:
        found = survey(store, args.split, most=args.cases, progress=progress)
    result: Result = {"store": str(args.store), "split": args.split, **found.as_json()}
    sides = {name: getattr(args, name) and tuple(getattr(args, name)) for name in ("canvas", "spacing", "step")}
    if not any(sides.values()):
        if args.crop:
            raise InputError("--crop: belongs to --canvas, --spacing or --step; give one of them")
        return result
    if args.crop and len(args.crop) != found.dims:
        raise InputError(f"--crop: expected {found.dims} numbers, one for each axis, got {len(args.crop)}")
    chosen = list(range(len(store))) if args.split is None else store.split(args.split)
    source = Selection(store, chosen)
    fit = Fit(**sides, usual=usual_spacing(source.spacings.tolist()) if args.spacing else None)
    with bar("resampling") as progress:
        cost = ceiling(
            source,
            fit,
            store.info.classes,
            store.info.ignore_label,
            crop=args.crop,
            most=args.cases,
            progress=progress,
        )
    return result | {"fit": {name: value for name, value in sides.items() if value}, "cost": cost.as_json()}


def show(result: Result) -> str:
    """The numbers for a person."""
    size, lesion, mm = result["size"], result["lesion_pixels"], result["lesion_mm"]
    lines = [
        f"{result['name']}: {result['cases']} cases of {result['patients']} patients, {result['looked_at']} looked at",
        f"sizes: {_ends(size['least'], size['most'])} pixels, median {_by(size['median'])}",
        f"spacing: known of {result['spacing_known']} cases"
        + (f", median {_by(result['spacing']['median'])} mm" if result["spacing"] else ""),
        "readers: " + ", ".join(f"{count} of {cases} cases" for count, cases in result["readers"].items()),
        f"empty masks: {result['empty_masks']:.1%}; of {result['doubtful_cases']:.1%} of the cases some readers' only",
    ]
    if lesion:
        lines.append(
            f"what a reader marked: {_by(lesion['median'])} pixels in the median, {_by(lesion['most'])} at most"
        )
    if mm:
        lines.append(f"... {_by(mm['median'])} mm in the median, {_by(mm['most'])} at most")
    if result["agreement"] is not None:
        never = "" if result["ever_overlap"] in (True, None) else "; no two ever marked the same pixel"
        lines.append(f"IoU of two readers: {result['agreement']:.3f}{never}")
    return "\n".join(lines + (_cost(result["cost"]) if "cost" in result else []))


def _cost(cost: Result) -> list[str]:
    lines = [
        f"on the network's pixels: {_ends(cost['size']['least'], cost['size']['most'])}, each of "
        f"{_ends(cost['step']['least'], cost['step']['most'])} pixels of the image",
        f"what comes back of the readers' own masks: IoU {cost['iou']:.3f}, Dice {cost['dice']:.3f}, HM-IoU "
        f"{cost['hm_iou']:.3f}: the most that a model can score (IoU {cost['hard_iou']:.3f} by masks of these pixels)",
    ]
    if cost["kept"] or cost["vanished"]:
        lines.append(
            f"of {cost['lesions']:,} outlined parts {cost['kept']:,} are too small and kept as one pixel each, "
            f"{cost['vanished']:,} specks beside larger ones are left out"
        )
    if cost["larger"]:
        lines.append(f"larger than the crop: {cost['larger']:.1%} of the masks")
    return lines


def _by(sides: list[float]) -> str:
    return " x ".join(f"{side:.4g}" for side in sides)


def _ends(least: list[float], most: list[float]) -> str:
    return _by(least) if least == most else f"{_by(least)} to {_by(most)}"
