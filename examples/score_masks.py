"""Masks that other code has drawn, scored by the protocol of all models here.

    python examples/score_masks.py STORE      # a store made by `atfm data import`
    python examples/score_masks.py            # simulated images

In place of `other_code` stands any network: it sees the exported images and leaves an array of masks for each.
`atfm data export` and `atfm evaluate --predictions` do the same on the command line (docs/foreign.md).
"""

import argparse
import csv
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter, label

from atfm.data import Store
from atfm.data.exported import export
from atfm.evaluate import evaluate, read_predictions, save
from atfm.importers import build_store, plan_phantom
from atfm.io.images import read_image


def other_code(image: np.ndarray, samples: int, rng: np.random.Generator) -> np.ndarray:
    """Draw masks of an image `[H, W]`: what is brighter than a threshold that is different for each, in the middle."""
    smooth = gaussian_filter(image, 1.5)
    middle = smooth.shape[0] // 2, smooth.shape[1] // 2
    masks = np.zeros((samples, *image.shape), np.uint8)
    for mask in masks:
        low, high = np.median(smooth), smooth[middle]
        pieces, _ = label(smooth > low + (high - low) * rng.uniform(0.3, 0.8))
        mask[:] = (pieces == pieces[middle]) & (pieces > 0)
    return masks


def main(given: list[str] | None = None) -> None:
    """Export the images, let the other code draw, score what it has drawn."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("store", type=Path, nargs="?")
    parser.add_argument("--samples", type=int, default=16)
    parser.add_argument("--cases", type=int, default=100, help="of the simulated store")
    parser.add_argument("--out", type=Path, default=Path("foreign"))
    args = parser.parse_args(given)
    if args.store is None:
        args.store = args.out / "store"
        build_store(plan_phantom(cases=args.cases, test_annotators=8), args.store)
    store = Store.open(args.store)

    export(store, args.out / "images", ["test"])
    with (args.out / "images" / "cases.csv").open(newline="", encoding="utf-8") as table:
        rows = list(csv.DictReader(table))
    masks = args.out / "masks"
    masks.mkdir(exist_ok=True)
    for number, row in enumerate(rows):
        image = read_image(args.out / "images" / row["image"]).pixels[0]
        np.save(masks / f"{row['name']}.npy", other_code(image, args.samples, np.random.default_rng(number)))

    found = evaluate(read_predictions(masks, store, name="thresholds"), store, samples=args.samples)
    for result in found.results:
        print(result.title or result.name)
        for metric in (f"ged_{args.samples}", f"hm_iou_{args.samples}", "diversity"):
            score = result.scores[metric]
            print(f"  {metric:<10} {score.mean:.3f} [{score.low:.3f}, {score.high:.3f}]")
    print("The report:", save(found, args.out / "report", "python examples/score_masks.py")["report"])


if __name__ == "__main__":
    main()
