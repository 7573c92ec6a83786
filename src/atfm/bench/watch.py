"""Work under watch: in a process of its own that may not have more than so much memory, with the peak that it had."""

import multiprocessing
import resource
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from atfm.errors import InputError

__all__ = ["HOW", "watched"]

HOW = (
    "Each row is a fresh process, Python and torch included, which the system refuses more than the limit; its readers "
    "count too. The peak is the largest sum over these processes of what is resident (shared pages are divided among "
    "those who share them), looked at 4 times a second."
)
_PROC = Path("/proc")
_PAUSE = 0.25  # seconds between two looks; a look at gigabytes takes milliseconds, in which they cannot grow


def watched(work: Callable[..., dict[str, Any]], *arguments: Any, limit: int) -> dict[str, Any]:
    """Do some work in a fresh process and return what it returns, with `seconds` and `peak_mb` (of 1e6 bytes).

    A script that calls this does so under `if __name__ == "__main__"`, as `multiprocessing` asks.

    Args:
        work: a function of a module.
        arguments: its own.
        limit: bytes that each process may have beside the files that it maps (the system's RLIMIT_DATA).

    Raises:
        InputError: the work needs more, or this system does not tell what a process has.
    """
    if not (_PROC / "self" / "smaps_rollup").exists():
        raise InputError("bench data: this system does not tell the memory of a process; it takes Linux")
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context, initializer=_limited, initargs=(limit,)) as pool:
        peak = _Peak(pool.submit(_own_number).result())
        started = time.perf_counter()
        peak.start()
        try:
            result = pool.submit(work, *arguments).result()
        except (MemoryError, RuntimeError) as error:
            if "memory" not in str(error).lower() and not isinstance(error, MemoryError):
                raise
            raise InputError(f"bench data: does not fit within {limit / 1e9:g} GB: {str(error)[:200]}") from error
        finally:
            peak.ended.set()
            peak.join()
    return result | {"seconds": time.perf_counter() - started, "peak_mb": peak.bytes / 1e6}


def _limited(limit: int) -> None:
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def _own_number() -> int:
    return multiprocessing.current_process().pid or 0


class _Peak(threading.Thread):
    """Looks at a process and all that it has started."""

    def __init__(self, process: int) -> None:
        super().__init__(daemon=True)
        self.process, self.bytes, self.ended = process, 0, threading.Event()

    def run(self) -> None:
        while not self.ended.wait(_PAUSE):
            self.bytes = max(self.bytes, sum(map(resident, family(self.process))))


def family(process: int) -> Iterator[int]:
    """A process and those that it has started, and they."""
    yield process
    for children in (_PROC / str(process) / "task").glob("*/children"):
        try:
            started = children.read_text("ascii").split()
        except OSError:  # it has just ended
            continue
        for child in started:
            yield from family(int(child))


def resident(process: int) -> int:
    """Bytes of a process that are resident, those that it shares divided among all who do."""
    try:
        lines = (_PROC / str(process) / "smaps_rollup").read_text("ascii").splitlines()
    except OSError:
        return 0
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
