"""The process in which the readers meet their inputs; started by `run.py`, in an empty folder of its own."""

import argparse
import hashlib
import json
import os
import resource
import shutil
import signal
import sys
import time
import traceback
import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import Any

from corpus import Input, make, write
from readers import READERS, Reader

from atfm.errors import AtfmError

MEGABYTE = 2**20
LONGEST = 1000  # characters of an error, its path not counted
PATIENCE = 20  # seconds of processor time until a reader that does not come back is killed ...
WAITING = 300  # ... and of waiting, for something that never comes


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--list", action="store_true")
    parser.add_argument("readers", nargs="*")
    parser.add_argument("--digest", action="store_true", help="of the inputs, which are not read")
    for option in ("--first", "--from", "--end", "--seed", "--memory"):
        parser.add_argument(option, type=int)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--keep", type=Path)
    args = parser.parse_args()
    if args.list:
        print(json.dumps(list(READERS)))
        return
    if args.digest:
        made = (make(name, READERS[name].kind(), 0, index).files for name in args.readers for index in range(args.end))
        print(hashlib.sha256(repr([sorted(files.items()) for files in made]).encode()).hexdigest())
        return
    os.environ["OMP_NUM_THREADS"] = "1"  # before torch is imported: what one input costs is counted in one thread
    where = Path("deep", "er")
    where.mkdir(parents=True)
    for number, name in enumerate(args.readers):
        go_through(name, range(getattr(args, "from") if number else args.first, args.end), where, args)


def go_through(name: str, indices: range, where: Path, args: argparse.Namespace) -> None:
    """Lay one input after the other before one reader."""
    reader = READERS[name]
    kind = reader.kind()  # the valid inputs are made, and everything imported, before memory is counted
    warm_up(reader, kind.valid, where)
    limit = status("VmSize") + 2 * args.memory * MEGABYTE  # of addresses; what is really used is measured below
    resource.setrlimit(resource.RLIMIT_AS, (limit, resource.RLIM_INFINITY))
    for index in indices:
        tell(index=index, label="being made")
        made = make(name, kind, args.seed, index)
        tell(index=index, label=made.label)
        if args.keep is not None:
            write(made.files, args.keep)
        tell(index=index, label=made.label, **judge(reader, made, where, args.seconds, args.memory))
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def warm_up(reader: Reader, valid: Any, where: Path) -> None:
    """Read every valid input: each has to be accepted."""
    for name, files in valid.items():
        write(files, where / "in")
        outcome, why, _ = attempt(reader, where / "in")
        if outcome != "read":
            raise SystemExit(f"the valid input {name} is {outcome}: {why}")
        clear(where)


def judge(reader: Reader, made: Input, where: Path, seconds: float, memory: int) -> dict[str, Any]:
    """Lay one input before its reader and say what became of it."""
    folder = where / "in"
    write(made.files, folder)
    reset_peak()
    before = status("VmRSS")
    start = time.process_time()
    outcome, why, longest = attempt(reader, folder)
    taken = time.process_time() - start
    peak = max(0, status("VmHWM") - before) // MEGABYTE
    clear(where)
    strays = [str(path) for path in Path().rglob("*") if path not in (where, where.parent)]
    if strays:
        outcome, why = "failed", f"something was run or written outside: {strays[:3]}"
        for stray in strays:
            shutil.rmtree(stray, ignore_errors=True)
            Path(stray).unlink(missing_ok=True)
    elif outcome != "failed" and longest > seconds:
        outcome, why = "failed", f"took {longest:.1f} s"
    elif outcome != "failed" and peak > memory:
        outcome, why = "failed", f"took {peak} MB"
    return {"outcome": outcome, "why": why, "seconds": taken, "longest": longest, "peak_mb": peak}


def attempt(reader: Reader, folder: Path) -> tuple[str, str, float]:
    """`failed` if one way of reading fails, else `read` if one reads, else `refused`; why; and the longest time."""
    outcomes, longest = [], 0.0
    for read in reader.reads:
        start = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, PATIENCE)
        signal.alarm(WAITING)
        outcomes.append(attempt_one(read, folder))
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.alarm(0)
        longest = max(longest, time.process_time() - start)
    order = ["failed", "read", "refused"]
    return *min(outcomes, key=lambda outcome: order.index(outcome[0])), longest


def attempt_one(read: Callable[[Path], None], folder: Path) -> tuple[str, str]:
    try:
        read(folder)
    except AtfmError as error:
        fault = faults(error, folder)
        return ("failed", fault) if fault else ("refused", str(error))
    except BaseException as error:
        traceback.print_exc()
        last = traceback.extract_tb(error.__traceback__)[-1]
        return "failed", f"{type(error).__name__}: {str(error)[:300]} ({Path(last.filename).name}:{last.lineno})"
    return "read", ""


def faults(error: AtfmError, folder: Path) -> str:
    """What is wrong with an error: more than a line, too long, not printable, or memory that had run out."""
    if out_of_memory(error):
        return f"ran out of memory: {str(error)[:300]}"
    message = str(error)
    if len(message.splitlines()) != 1 or any(unicodedata.category(letter) in ("Cc", "Cs") for letter in message):
        return f"more than one plain line: {message[:300]!r}"
    if len(message.replace(str(folder), "")) > LONGEST:
        return f"an error of {len(message)} characters: {message[:200]}"
    return ""


def out_of_memory(error: BaseException | None) -> bool:
    """Whether memory was wanted that was not there; Python's parser says so too of brackets within brackets."""
    while error is not None:
        if isinstance(error, MemoryError):  # only then: to look up the lines of a traceback takes a third of all time
            frames = traceback.extract_tb(error.__traceback__)
            if not (frames and Path(frames[-1].filename).name == "ast.py"):
                return True
        error = error.__cause__ or error.__context__
    return False


def status(field: str) -> int:
    """A number of bytes that the kernel keeps of this process."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    return 0


def reset_peak() -> None:
    """Let VmHWM begin at what is used now."""
    Path("/proc/self/clear_refs").write_text("5")


def clear(where: Path) -> None:
    """Remove all that an input and its reader left in their folder."""
    for entry in os.scandir(where):
        shutil.rmtree(entry) if entry.is_dir(follow_symlinks=False) else Path(entry).unlink()


def tell(**facts: Any) -> None:
    """A line for the process that waits."""
    sys.__stdout__.write(json.dumps(facts) + "\n")  # type: ignore[union-attr]
    sys.__stdout__.flush()  # type: ignore[union-attr]


if __name__ == "__main__":
    main()
