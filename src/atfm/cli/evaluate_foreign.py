"""The flags of `atfm evaluate --predictions`, and the masks that they name."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from atfm.errors import InputError

if TYPE_CHECKING:
    from atfm.data.store import Store
    from atfm.evaluate import Foreign

__all__ = ["add_foreign", "foreign_of", "foreign_words"]

# What only masks of other code have, by the name in the arguments.
FLAGS = ("name", "trained_on", "trained_split", "threshold", "foreground", "labels", "argmax", "allow_missing")


def add_foreign(parser: argparse.ArgumentParser) -> None:
    """Add the flags."""
    group = parser.add_argument_group(
        "masks of other code",
        "With --predictions MODEL is a folder of masks: MODEL/CASE/0.png ..., MODEL/CASE.npy or MODEL/MEMBER/CASE.png, "
        "by the names that `atfm data export STORE` gives to cases.",
    )
    group.add_argument(
        "--predictions", action="store_true", help="MODEL is a folder of masks; they are scored by the same protocol"
    )
    group.add_argument("--name", help="what they are called (default: the folder's name)")
    group.add_argument(
        "--trained-on", type=Path, action="append", metavar="STORE|FILE",
        help="what their model was trained on: a store, the JSON of a model, or a text with a patient id in each line; "
        "may be given again (default: not known, and the report says so)",
    )  # fmt: skip
    group.add_argument("--trained-split", nargs="+", metavar="SPLIT", help="... of a store (default: train)")
    group.add_argument("--threshold", type=float, help="the region is what is above this value, such as 0.5")
    group.add_argument("--foreground", metavar="VALUE|COLOUR", help="the region is what has this value or colour")
    group.add_argument("--labels", nargs="+", metavar="VALUE=LABEL", help="which value is which label, such as 255=1")
    group.add_argument("--argmax", action="store_true", help="channels of classes are probabilities: the largest wins")
    group.add_argument("--allow-missing", action="store_true", help="leave out cases without masks; the report says so")


def foreign_of(args: argparse.Namespace, store: Store, *, shown: bool = True) -> Foreign:
    """Read and check the masks that the arguments name."""
    from atfm.cli.progress import bar
    from atfm.evaluate import Stated, read_predictions, seen_as_stated
    from atfm.io.pictures.marking import MaskRule

    if args.steps is not None:
        raise InputError("--steps: masks in files have no flow to integrate; leave the steps out")
    stated = Stated(MaskRule.of(args.threshold, args.foreground, args.labels), args.argmax)
    trained_on = seen_as_stated(args.trained_on or (), args.trained_split or ("train",))
    with bar("reading", shown=shown) as progress:
        return read_predictions(
            Path(args.model),
            store,
            split=args.split,
            limit=args.limit,
            samples=args.samples,
            stated=stated,
            name=args.name,
            trained_on=trained_on,
            allow_missing=args.allow_missing,
            progress=progress,
        )


def foreign_words(args: argparse.Namespace) -> list[str]:
    """The flags as they were given, for the command line that makes a report again.

    Raises:
        InputError: one of them without --predictions.
    """
    words = []
    for name in FLAGS:
        value, flag = getattr(args, name), "--" + name.replace("_", "-")
        if value is None or value is False:
            continue
        if not args.predictions:
            raise InputError(f"{flag}: is of masks in files; give --predictions with their folder in place of MODEL")
        if name == "trained_on":
            words += [word for path in value for word in (flag, str(path))]
        else:
            words += [flag, *([] if value is True else map(str, value) if isinstance(value, list) else [str(value)])]
    return ["--predictions", *words] if args.predictions else []
