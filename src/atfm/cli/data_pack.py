"""`atfm data pack` and `atfm data unpack`: a store as one small file, and back."""

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from atfm.cli.data_text import split_lines
from atfm.cli.progress import bar

if TYPE_CHECKING:
    from atfm.data.store import Store

__all__ = ["add_pack", "add_unpack"]

Result = dict[str, Any]


def add_pack(actions: Any) -> None:
    """Add `atfm data pack`."""
    parser = actions.add_parser(
        "pack",
        help="write a store as one small file",
        description="Write a store as one file for a machine without a network: pixels compressed without loss, masks "
        "as bits, every part with its digest. `atfm data unpack` makes the store of it.",
        epilog="example: atfm data pack store --window 96 96 --splits train val --most val=600 --out store.pack",
    )
    parser.add_argument("store", type=Path, metavar="STORE")
    parser.add_argument("--out", type=Path, required=True, metavar="FILE", help="file to make")
    parser.add_argument("--window", type=int, nargs="+", metavar="N", help="keep this central part of every image: H W")
    parser.add_argument("--splits", nargs="+", metavar="SPLIT", help="keep these splits only (default: everything)")
    parser.add_argument(
        "--most",
        nargs="+",
        default=[],
        type=most,
        metavar="SPLIT=N",
        help="keep N cases of a split: the subset that `atfm evaluate --limit N` scores",
    )
    parser.set_defaults(run=run_pack, show=show_pack)


def add_unpack(actions: Any) -> None:
    """Add `atfm data unpack`."""
    parser = actions.add_parser(
        "unpack",
        help="make the store of a packed file",
        description="Verify a file that `atfm data pack` wrote, and make its store.",
        epilog="example: atfm data unpack store.pack --out store",
    )
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--out", type=Path, required=True, metavar="STORE", help="folder to make")
    parser.set_defaults(run=run_unpack, show=show_unpack)


def most(text: str) -> tuple[str, int]:
    """`val=600` as a name and a number."""
    name, _, number = text.rpartition("=")
    if not name or not number.isdecimal() or int(number) < 1:
        raise argparse.ArgumentTypeError(f"expected SPLIT=N with N above 0, got {text!r}")
    return name, int(number)


def run_pack(args: argparse.Namespace) -> Result:
    """Pack a store."""
    from dataclasses import asdict

    from atfm.data.packed import pack
    from atfm.data.store import Store
    from atfm.errors import InputError

    started = time.perf_counter()
    store = Store.open(args.store)
    if args.store.resolve() in args.out.resolve().parents:
        raise InputError(
            f"--out {args.out}: this is inside the store, which holds nothing but its data; choose another"
        )
    with bar("packing") as progress:
        packed = pack(
            store,
            args.out,
            splits=args.splits,
            cases=limited(store, dict(args.most)) if args.most else None,
            window=args.window,
            progress=progress,
        )
    return {
        "file": str(args.out),
        "packed_from": store.digest,
        **asdict(packed),
        "seconds": round(time.perf_counter() - started, 1),
    }


def limited(store: "Store", limits: dict[str, int]) -> list[int]:
    """The numbers of all cases but those that the limits leave out."""
    from atfm.evaluate.cases import choose

    left_out = {
        i for name, limit in limits.items() for i in set(store.split(name)) - set(choose(store.split(name), limit))
    }
    return [i for i in range(len(store)) if i not in left_out]


def run_unpack(args: argparse.Namespace) -> Result:
    """Make the store of a packed file."""
    from atfm.cli.data_import import summary
    from atfm.data.packed import unpack
    from atfm.data.store import Store

    started = time.perf_counter()
    with bar("unpacking") as progress:
        info = unpack(args.file, args.out, progress=progress)
    store = Store.open(args.out)
    seconds = round(time.perf_counter() - started, 1)
    return {
        "store": str(args.out),
        "packed_from": info.packed_from,
        "digest": store.digest,
        **summary(store),
        "seconds": seconds,
    }


def show_pack(result: Result) -> str:
    """The result of packing, for a person."""
    lines = [
        f"{result['file']}: {result['cases']} cases of {result['patients']} patients in {result['bytes'] / 1e6:.1f} MB "
        f"({result['images_bytes'] / 1e6:.1f} of images, {result['masks_bytes'] / 1e6:.1f} of masks), "
        f"{result['seconds']} s",
        *split_lines(result["splits"]),
        f"packed from {result['packed_from']}",
        f"SHA-256 seal {result['sha256']}",
    ]
    return "\n".join(lines)


def show_unpack(result: Result) -> str:
    """The result of unpacking, for a person."""
    lines = [
        f"{result['store']}: {result['cases']} cases of {result['patients']} patients, verified, {result['seconds']} s",
        *split_lines(result["splits"]),
        f"packed from {result['packed_from']}",
    ]
    return "\n".join(lines)
