"""Flags that several importers have."""

import argparse
from pathlib import Path

__all__ = [
    "about_of",
    "add_about",
    "add_fractions",
    "add_out",
    "add_splits",
    "add_window",
    "at_least_one",
    "fractions_of",
    "given_splits",
]

ABOUT = ("name", "licence", "source", "modality")


def at_least_one(text: str) -> int:
    """A whole number above 0."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number above 0, got {text!r}")
    return int(text)


def add_splits(parser: argparse.ArgumentParser) -> None:
    """Add `--splits`."""
    parser.add_argument(
        "--splits", type=Path, metavar="JSON", help='{"train": [patients], ...} (default: dealt by patient and --seed)'
    )


def add_fractions(parser: argparse.ArgumentParser) -> None:
    """Add `--fractions`."""
    parser.add_argument(
        "--fractions", type=float, nargs=3, metavar=("TRAIN", "VAL", "TEST"), help="default: 0.64 0.16 0.20"
    )


def add_window(parser: argparse.ArgumentParser) -> None:
    """Add `--window`."""
    parser.add_argument(
        "--window", type=float, nargs=2, metavar=("LO", "HI"), help="values that become black and white"
    )


def add_about(parser: argparse.ArgumentParser) -> None:
    """Add what is to be written into the store about the data."""
    for field in ABOUT:
        parser.add_argument(f"--{field}", help=f"{field} to write into the store")


def add_out(parser: argparse.ArgumentParser, checks: str = "read and check everything") -> None:
    """Add `--out` and `--dry-run`; `checks` says what the latter does for this importer."""
    parser.add_argument("--out", type=Path, metavar="STORE", help="folder to make; not needed for a dry run")
    parser.add_argument("--dry-run", action="store_true", help=f"{checks}, tell what would be imported, write nothing")


def about_of(args: argparse.Namespace) -> dict[str, str]:
    """The fields of `add_about` that were given."""
    return {field: getattr(args, field) for field in ABOUT if getattr(args, field)}


def given_splits(args: argparse.Namespace) -> dict[str, list[str]] | None:
    """The splits of the file that `--splits` names, if it was given.

    Raises:
        InputError: an unreadable file, or `--fractions` beside it.
    """
    from atfm.data.splits import load_splits
    from atfm.errors import InputError

    if args.splits and getattr(args, "fractions", None):
        raise InputError("--splits and --fractions: give one of them; a file of splits leaves nothing to deal out")
    return load_splits(args.splits) if args.splits else None


def fractions_of(args: argparse.Namespace) -> dict[str, float]:
    """The shares of the splits."""
    from atfm.data.splits import FRACTIONS

    return dict(zip(FRACTIONS, args.fractions or FRACTIONS.values(), strict=True))
