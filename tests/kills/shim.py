"""End `atfm` at the n-th call of the system: `python tests/kills/shim.py --at rename:3 -- train ...`.

What counts are the calls by which something becomes lasting: `rename` (also `replace`), `fsync`, `unlink` (also
`rmdir`), `mkdir` and `write` (a file opened for writing). The process either dies there as by SIGKILL, before the call
is made, or the call fails with an error of the machine:

    --at rename:3             SIGKILL at the third rename
    --at fsync:2=ENOSPC       the second fsync says that the disk is full
    --at write:5+=EIO         every opening for writing from the fifth on fails
    --count FILE              end normally and write how often each was called, as JSON

It needs no tracer and no privilege. Only calls of this process's Python code count: not those inside of C libraries.
"""

import argparse
import builtins
import errno
import io
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["At", "install"]

KINDS = {
    "rename": ("rename", "replace"),
    "fsync": ("fsync",),
    "unlink": ("unlink", "rmdir", "remove"),
    "mkdir": ("mkdir",),
}


class At(NamedTuple):
    """Where it ends.

    Args:
        kind: which call.
        number: which of them, from 1.
        error: a name of `errno`; empty: SIGKILL.
        onward: whether every later call fails as well.
    """

    kind: str
    number: int
    error: str = ""
    onward: bool = False

    @classmethod
    def parse(cls, text: str) -> "At":
        """Read `rename:3`, `fsync:2=ENOSPC` or `write:5+=EIO`."""
        place, _, error = text.partition("=")
        kind, _, number = place.partition(":")
        if kind not in (*KINDS, "write") or not number.rstrip("+").isdigit() or (error and not hasattr(errno, error)):
            raise argparse.ArgumentTypeError(f"expected KIND:N, KIND:N=ERRNO or KIND:N+=ERRNO, got {text!r}")
        return cls(kind, int(number.rstrip("+")), error, number.endswith("+"))


def install(at: At | None) -> "Counter[str]":
    """Watch the calls of this process; return their count, which goes on growing."""
    counts: Counter[str] = Counter()

    def met(kind: str, path: object) -> None:
        counts[kind] += 1
        if at is None or kind != at.kind:
            return
        if counts[kind] == at.number or (at.onward and counts[kind] > at.number):
            if not at.error:
                os.kill(os.getpid(), signal.SIGKILL)
            number = getattr(errno, at.error)
            raise OSError(number, os.strerror(number), str(path))

    def watched(kind: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(path: Any, *rest: Any, **options: Any) -> Any:
            met(kind, path)
            return call(path, *rest, **options)

        return wrapper

    for kind, names in KINDS.items():
        for name in names:
            setattr(os, name, watched(kind, getattr(os, name)))
    opened = io.open

    def watched_open(file: Any, mode: str = "r", *rest: Any, **options: Any) -> Any:
        if set(mode) & set("wxa+") and not str(file).startswith(("/dev/", "/proc/")):
            met("write", file)
        return opened(file, mode, *rest, **options)

    builtins.open = io.open = watched_open  # type: ignore[assignment]
    return counts


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--at", type=At.parse)
    parser.add_argument("--count", type=Path)
    parser.add_argument("words", nargs="+", metavar="WORD", help="of the command, after --")
    args = parser.parse_args()
    from atfm.cli.main import main as atfm

    counts = install(args.at)
    sys.argv = ["atfm", *args.words]
    try:
        return atfm(args.words)
    finally:
        if args.count is not None:
            args.count.write_text(json.dumps(counts))


if __name__ == "__main__":
    sys.exit(main())
