"""The flags that every command has: `--json`, `--seed`, `--device` and `--threads`."""

from __future__ import annotations

import argparse
import contextlib
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from atfm.errors import InputError

if TYPE_CHECKING:
    import torch

    from atfm.train.processes import Processes, Shard

__all__ = [
    "add_common",
    "add_patient_key",
    "add_shard",
    "add_watch",
    "apply_threads",
    "count",
    "meet",
    "patient_key_of",
    "resolve_device",
    "shard_of",
]


def add_common(parser: argparse.ArgumentParser) -> None:
    """Give `parser` the common flags; one that the command has defined itself stays its own."""
    group = parser.add_argument_group("common flags")

    def add(flag: str, **options: Any) -> None:
        with contextlib.suppress(argparse.ArgumentError):
            group.add_argument(flag, **options)

    add("--json", action="store_true", help="print the result as one JSON object")
    add("--seed", type=count, default=0, help="of everything random (default: 0)")
    add("--device", default="auto", help="auto, cpu, cuda or cuda:N (default: cuda if there is one)")
    add("--threads", type=count, default=0, help="CPU threads (default: 0, as many as torch chooses)")


def add_patient_key(parser: argparse.ArgumentParser) -> None:
    """Add `--patient-key`."""
    parser.add_argument(
        "--patient-key",
        type=Path,
        metavar="FILE",
        help="secret key that ids of patients are hashed with in the card (default: hashed without, as a pseudonym)",
    )


def patient_key_of(args: argparse.Namespace) -> bytes:
    """The key, empty where none was given.

    Raises:
        InputError: a file that cannot be read or is no key.
    """
    from atfm.data.pseudonyms import read_key

    return b"" if args.patient_key is None else read_key(args.patient_key)


def add_shard(parser: argparse.ArgumentParser, pieces: str) -> None:
    """Give `parser` the flag `--shard`, for a command whose work is a list of `pieces`."""
    parser.add_argument(
        "--shard", metavar="I/N", help=f"do the I-th of N equal shares of the {pieces}, from 1/N to N/N"
    )


def add_watch(parser: argparse.ArgumentParser) -> None:
    """Give `parser` the flag `--watch`, for a command that trains for a number of minutes."""
    parser.add_argument(
        "--watch",
        choices=["wall", "cpu"],
        default="wall",
        help="minutes as they pass, or as this process computes, which is the same to all on a machine that has other "
        "work meanwhile (default: wall)",
    )


def shard_of(args: argparse.Namespace) -> Shard | None:
    """The share that `--shard` names; None where all is to be done.

    Raises:
        InputError: no such share.
    """
    from atfm.train.processes import Shard

    return None if args.shard is None else Shard.parse(args.shard)


def meet(args: argparse.Namespace) -> Processes:
    """The processes that torch's launcher has started, with the device of this one; they wait for each other for a day.

    Raises:
        InputError: a device that there is not.
    """
    from atfm.train.processes import Processes

    return Processes.current(resolve_device(args.device), patience=timedelta(days=1))


def count(text: str) -> int:
    """A whole number, 0 or more."""
    try:
        value = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a whole number, got {text!r}") from None
    if value < 0:
        raise argparse.ArgumentTypeError(f"expected 0 or more, got {value}")
    return value


def apply_threads(threads: int) -> None:
    """Keep torch to so many CPU threads; 0 leaves its own choice."""
    if threads:
        import torch

        torch.set_num_threads(threads)


def resolve_device(name: str) -> torch.device:
    """The device that `--device` names.

    Raises:
        InputError: an unknown name, or a device that this machine does not have.
    """
    import torch

    cards = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "auto":
        return torch.device("cuda" if cards else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise InputError(f"--device {name}: expected auto, cpu, cuda or cuda:N") from None
    if device.type not in ("cpu", "cuda"):
        raise InputError(f"--device {name}: expected auto, cpu, cuda or cuda:N")
    if device.type == "cuda" and (device.index or 0) >= cards:
        there = f"this machine has {cards} CUDA device(s)" if cards else "this machine has no CUDA device"
        raise InputError(f"--device {name}: {there}; give --device cpu, or leave the flag out")
    return device
