"""`Importer`: what `atfm data import NAME` says of a data set, asks for and makes; and the flags that several share."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from atfm.data.splits import FRACTIONS
from atfm.errors import InputError
from atfm.importers.plan import Planning, Progress
from atfm.io.pictures.marking import MaskRule

__all__ = [
    "Importer",
    "about_of",
    "add_about",
    "add_dealing",
    "add_form",
    "add_fractions",
    "add_limit",
    "add_marking",
    "add_splits",
    "add_window",
    "at_least_one",
    "fractions_of",
    "rule_of",
    "size_of",
    "window_of",
]

ABOUT = ("name", "licence", "source", "modality")


@dataclass(frozen=True)
class Importer:
    """A kind of data set that can become a store.

    Args:
        name: on the command line.
        summary: half a line of what it reads.
        description: how the files have to lie.
        example: the words after `atfm data import NAME`.
        flags: adds its flags to a parser; every importer has `--out`, `--dry-run` and `--seed` besides.
        plan: makes the plan from the parsed flags, where `splits`, if the importer has them, are the patients of each
            split or None; it tells the second argument how far it is.
        looking: what it does while it makes the plan, where this takes a while.
    """

    name: str
    summary: str
    description: str
    example: str
    flags: Callable[[argparse.ArgumentParser], None]
    plan: Callable[[argparse.Namespace, Progress], Planning]
    looking: str | None = None


# ---- the flags that several share, and what comes of them ----


def at_least_one(text: str) -> int:
    """A whole number above 0."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number above 0, got {text!r}")
    return int(text)


def add_limit(parser: argparse.ArgumentParser, what: str = "cases") -> None:
    """Add `--limit`, in words of the importer."""
    parser.add_argument("--limit", type=at_least_one, help=f"stop after so many {what}")


def add_splits(parser: argparse.ArgumentParser) -> None:
    """Add `--splits`."""
    parser.add_argument(
        "--splits", type=Path, metavar="JSON", help='{"train": [patients], ...} (default: dealt by patient and --seed)'
    )


def add_fractions(parser: argparse.ArgumentParser, default: str = "as the data have it, or 0.64 0.16 0.20") -> None:
    """Add `--fractions`, which every importer has."""
    parser.add_argument(
        "--fractions",
        type=float,
        nargs=3,
        metavar=("TRAIN", "VAL", "TEST"),
        help=f"deal the patients out so, by --seed (default: {default})",
    )


def add_dealing(parser: argparse.ArgumentParser) -> None:
    """Add `--fractions` and `--splits`."""
    add_fractions(parser, "0.64 0.16 0.20")
    add_splits(parser)


def fractions_of(args: argparse.Namespace) -> dict[str, float]:
    """The shares of the splits."""
    return dict(zip(FRACTIONS, args.fractions or FRACTIONS.values(), strict=True))


def add_window(parser: argparse.ArgumentParser) -> None:
    """Add `--window` and `--bits`."""
    parser.add_argument(
        "--window", type=float, nargs=2, metavar=("LO", "HI"), help="values that become black and white"
    )
    parser.add_argument(
        "--bits", type=at_least_one, metavar="N", help="bits that the values use, such as 12 of 16: --window 0 2^N-1"
    )


def window_of(args: argparse.Namespace) -> tuple[float, float] | None:
    """The window, if one was given.

    Raises:
        InputError: a window and bits, or more bits than a value has.
    """
    bits = getattr(args, "bits", None)
    if bits is None:
        return (args.window[0], args.window[1]) if args.window else None
    if args.window or bits > 32:
        raise InputError(
            f"--bits {bits}: expected up to 32 bits, and --window beside it is not needed; give one of the two"
        )
    return 0.0, float(2**bits - 1)


def add_marking(parser: argparse.ArgumentParser) -> None:
    """Add `--threshold`, `--foreground` and `--labels`: what the masks mean where they do not say it themselves."""
    add = parser.add_argument
    add("--threshold", type=float, metavar="T", help="grey of the masks above T is the region (JPEG, soft edges)")
    add("--foreground", metavar="WHAT", help="what is the region: a value, '#ff0000', visible, transparent")
    add("--labels", nargs="+", metavar="WHAT=LABEL", help="a table, such as 0=0 128=1 255=2 or '#ff0000=1'")


def rule_of(args: argparse.Namespace) -> MaskRule:
    """What was stated of the masks."""
    return MaskRule.of(args.threshold, args.foreground, args.labels)


def add_form(parser: argparse.ArgumentParser) -> None:
    """Add `--size` and `--grey`."""
    parser.add_argument("--size", type=at_least_one, nargs=2, metavar=("H", "W"), help="resize all images to one size")
    parser.add_argument("--grey", action="store_true", help="turn colours into grey (0.299, 0.587, 0.114)")


def size_of(args: argparse.Namespace) -> tuple[int, int] | None:
    """The size, if one was given."""
    return (args.size[0], args.size[1]) if args.size else None


def add_about(parser: argparse.ArgumentParser) -> None:
    """Add what is to be written into the store about the data."""
    for field in ABOUT:
        parser.add_argument(f"--{field}", help=f"{field} to write into the store")


def about_of(args: argparse.Namespace) -> dict[str, str]:
    """The fields of `add_about` that were given."""
    return {field: getattr(args, field) for field in ABOUT if getattr(args, field)}
