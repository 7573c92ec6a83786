"""Fuzz the readers: `python tests/fuzz/run.py --reader png --count 10000 --seed 0`.

Every input has to be read correctly, which the reader's checks tell, or refused with one line, within bounds of memory
and time, and without anything being written or run on the way. The readers run in a child process with a bound on its
memory; where it dies or hangs, the input that killed it is a failure and the next child goes on behind it. Prints a
JSON object for each reader and ends with 1 if there was a failure. `--only N` lays input N down in `--keep FOLDER` and
reads it, with a traceback.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
MEMORY = Path("/dev/shm")  # where there is one: the corpus is written and removed again
SHOWN = 20  # failures told in full


def main(arguments: Sequence[str] | None = None) -> int:
    args = parsed(arguments)
    names = args.reader or known()
    failed = 0
    for summary in fuzz(names, args):
        print(json.dumps(summary, indent=1 if len(names) == 1 else None), flush=True)
        failed += summary["failed"]
    return int(failed > 0)


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--reader", action="append", help="which one; may be repeated; all if left out")
    parser.add_argument("--count", type=int, default=10_000, help="inputs for each reader")
    parser.add_argument("--seed", type=int, default=0, help="of the corpus")
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    parser.add_argument("--seconds", type=float, default=3.0, help="processor time that one input may take")
    parser.add_argument("--memory", type=int, default=1024, help="megabytes that one input may take")
    parser.add_argument("--only", type=int, help="this input alone, with a traceback")
    parser.add_argument("--keep", type=Path, help="folder to be made for the files of that input")
    args = parser.parse_args(arguments)
    if args.only is not None:
        args.first, args.count = args.only, 1
    return args


def known() -> list[str]:
    listed = subprocess.run([sys.executable, str(HERE / "child.py"), "--list"], check=True, capture_output=True)
    return [str(name) for name in json.loads(listed.stdout)]


def fuzz(names: Sequence[str], args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Run all inputs of all readers, in as many children as it takes; yield the summary of each reader."""
    first, end = args.first, args.first + args.count
    tally = Tally(names[0], args)
    left = list(names)
    while left:
        for outcome in child(left, first, end, args):
            tally.count(outcome)
            first = outcome["index"] + 1
            if first == end:
                yield tally.summary()
                left, first = left[1:], args.first
                tally = Tally(left[0] if left else "", args)


class Tally:
    """The outcomes of one reader."""

    def __init__(self, name: str, args: argparse.Namespace) -> None:
        self.counts = {"read": 0, "refused": 0, "failed": 0}
        self.about = {"reader": name, "seed": args.seed, "first": args.first, "inputs": args.count}
        self.failures: list[dict[str, Any]] = []
        self.seconds = self.slowest = 0.0
        self.peak = 0

    def count(self, outcome: dict[str, Any]) -> None:
        """One more."""
        self.counts[outcome["outcome"]] += 1
        self.seconds += outcome["seconds"]
        self.slowest, self.peak = max(self.slowest, outcome["longest"]), max(self.peak, outcome["peak_mb"])
        if outcome["outcome"] == "failed":
            self.failures.append({key: outcome[key] for key in ("index", "label", "why")})

    def summary(self) -> dict[str, Any]:
        """How many were read, refused and failed; processor seconds in the reader, and the largest memory."""
        measured = {"cpu_s": round(self.seconds, 1), "slowest_s": round(self.slowest, 2), "peak_mb": self.peak}
        return {**self.about, **self.counts, **measured, "failures": self.failures[:SHOWN]}


def child(names: Sequence[str], first: int, end: int, args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """The outcomes of one child; where it dies before its end, the last one is what killed it."""
    options = ["--first", str(first), "--from", str(args.first), "--end", str(end), "--seed", str(args.seed)]
    options += ["--seconds", str(args.seconds), "--memory", str(args.memory), *names]
    if args.keep is not None:
        options += ["--keep", str(args.keep.absolute())]
    trace = None if args.only is not None else subprocess.DEVNULL
    told: dict[str, Any] = {"index": first, "label": "before the first"}
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as scratch:
        command = [sys.executable, str(HERE / "child.py"), *options]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=trace, text=True, cwd=scratch) as process:
            for line in process.stdout or ():
                told = json.loads(line)
                if "outcome" in told:
                    yield told
    if process.returncode != 0:
        if "outcome" in told:  # it died between two inputs
            at = told["index"] + 1
            told = {"index": args.first if at == end else at, "label": "before it was made"}
        why = f"the process ended with {process.returncode}"
        yield {**told, "outcome": "failed", "why": why, "seconds": 0.0, "longest": 0.0, "peak_mb": 0}


if __name__ == "__main__":
    sys.exit(main())
