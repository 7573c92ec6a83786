"""A folder of your own images with the masks of several people -> a model of how they differ, its scores, its masks.

    python examples/own_folder.py FOLDER --masks 'masks/{case}_{annotator}.png' --minutes 60
    python examples/own_folder.py      # a folder that is simulated first

`atfm data import folder`, `atfm train auto` and `atfm evaluate` do the same on the command line.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

import atfm
from atfm.data import Store
from atfm.data.phantom.kinds import phantom_cases
from atfm.evaluate import evaluate, save
from atfm.fit import fit
from atfm.importers import build_store, plan_folder
from atfm.io.saving import write_png
from atfm.plan import plan
from atfm.train.cases import from_store
from atfm.train.presets import resolve


def simulated(folder: Path, cases: int) -> Path:
    """Write images and the masks of four people, in the form in which many sets come."""
    for number, case in enumerate(phantom_cases(1, cases)):
        write_png(folder / "images" / f"{number:03}.png", np.rint(255 * case.image[0]).astype(np.uint8))
        for person, mask in zip("abcd", case.masks, strict=False):
            write_png(folder / "masks" / f"{number:03}_{person}.png", 255 * mask)
    return folder


def main(given: list[str] | None = None) -> None:
    """Import, train, score, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--images", default="images/{case}.png")
    parser.add_argument("--masks", default="masks/{case}_{annotator}.png")
    parser.add_argument("--patient", help="regular expression whose group in a case's name is its patient")
    parser.add_argument("--preset", help="one of `atfm methods`, or a TOML file (default: planned from the store)")
    parser.add_argument("--minutes", type=float, help="of the training (default: ten; of a preset its own steps)")
    parser.add_argument("--cases", type=int, default=200, help="of the simulated folder")
    parser.add_argument("--out", type=Path, default=Path("own"))
    args = parser.parse_args(given)

    # A store is dealt out by patient, checked while it is read, and told apart from any other by its digest.
    if not (args.out / "store").exists():
        folder = args.folder or simulated(args.out / "folder", args.cases)
        with plan_folder(folder, images=args.images, masks=args.masks, patient=args.patient) as found:
            build_store(found, args.out / "store")
    store = Store.open(args.out / "store")
    print(f"{len(store)} cases of {len(store.patients())} patients")  # in a notebook `store` shows itself

    minutes = args.minutes
    if args.preset:
        config = resolve(args.preset)
    else:
        planned, minutes = plan(store, minutes=args.minutes), None  # its steps are those of the minutes
        config = planned.config
        print(*planned.reasons, *planned.warnings, sep="\n")
    cases = from_store(store, config)
    fitted = fit(config, cases, args.out / "run", device=torch.device("cpu"), minutes=minutes, say=print)
    print(f"{fitted.steps} steps in {fitted.run}")

    model = atfm.load(fitted.run)
    found = evaluate(model, store, split="test", samples=16)
    print("The report:", save(found, args.out / "report", "python examples/own_folder.py")["report"])
    case = store[store.split("test")[0]]
    print(model.sample(case.image, n=16, seed=7), f"annotators: {(case.masks > 0).sum((1, 2))} pixels", sep="\n")


if __name__ == "__main__":
    main()
