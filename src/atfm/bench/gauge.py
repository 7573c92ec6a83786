"""The gauges: wall-clock time of several calls in turn, and peak memory of one in a process of its own."""

import multiprocessing
import platform
import resource
import statistics
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import torch

__all__ = ["MEMORY", "alternate", "peak_memory", "seconds", "surroundings"]

MEMORY = (
    "Peak memory is measured in a fresh process for each model: on a CPU the largest resident size of the whole "
    "process, Python and torch included (before_mb is its size before the first sample); on a GPU torch's largest "
    "allocation, weights included."
)
_STATUS = Path("/proc/self/status")


def surroundings(device: torch.device) -> dict[str, Any]:
    """What a time depends on besides the model."""
    gpu = torch.cuda.get_device_name(device) if device.type == "cuda" else None
    return {
        "device": str(device),
        "device_name": gpu or platform.processor() or platform.machine(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "python": platform.python_version(),
    }


def seconds(run: Callable[[], object], device: torch.device) -> float:
    """Time one call, from an idle device to an idle device."""
    _wait(device)
    begun = time.perf_counter()
    run()
    _wait(device)
    return time.perf_counter() - begun


def alternate(runs: Mapping[str, Callable[[], object]], device: torch.device, *, repeats: int) -> dict[str, float]:
    """Return the median seconds of each call, by name.

    One round calls each in turn, so that whatever else the machine does meets all alike; the first does not count.
    """
    rounds = [{name: seconds(run, device) for name, run in runs.items()} for _ in range(1 + repeats)]
    return {name: statistics.median(taken[name] for taken in rounds[1:]) for name in runs}


def peak_memory(prepare: Callable[..., Callable[[], object]], *arguments: Any, device: str) -> dict[str, float]:
    """Return `before_mb` and `peak_mb`, in units of 1e6 bytes, of calling what `prepare(*arguments)` returns.

    A script that calls this does so under `if __name__ == "__main__"`, as `multiprocessing` asks.

    Args:
        prepare: a function of a module, which a fresh process can import.
        arguments: which can be pickled.
        device: "cpu" or "cuda".
    """
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_watch, prepare, arguments, device, torch.get_num_threads()).result()


def _watch(
    prepare: Callable[..., Callable[[], object]], arguments: tuple[Any, ...], device: str, threads: int
) -> dict[str, float]:
    torch.set_num_threads(threads)  # threads may own memory
    run = prepare(*arguments)
    before = _peak(torch.device(device))
    run()
    return {"before_mb": before / 1e6, "peak_mb": _peak(torch.device(device)) / 1e6}


def _peak(device: torch.device) -> float:
    """Bytes at the peak so far.

    Linux keeps the peak of this very program in /proc; getrusage would also count the parent that started it.
    """
    if device.type == "cuda":
        return float(torch.cuda.max_memory_allocated(device))
    if _STATUS.exists():
        lines = dict(line.split(":", 1) for line in _STATUS.read_text("ascii").splitlines() if ":" in line)
        return 1024.0 * int(lines["VmHWM"].split()[0])
    return 1024.0 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _wait(device: torch.device) -> None:
    """Wait until a GPU has done what it was told; a CPU has."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
