"""Wall-clock times: of several calls in turn, so that whatever else the machine does meets all of them alike."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

__all__ = ["Times", "alternate", "seconds", "synchronise"]


@dataclass(frozen=True)
class Times:
    """Seconds of the runs of one call, warm-up left out."""

    runs: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle run: what is reported."""
        return statistics.median(self.runs)

    def as_json(self, scale: float = 1.0) -> dict[str, float | int]:
        """Median, fastest and slowest run in seconds, times `scale`, and how many runs there were."""
        ends = {"median": self.median, "fastest": min(self.runs), "slowest": max(self.runs)}
        return {name: scale * value for name, value in ends.items()} | {"runs": len(self.runs)}


def synchronise(device: torch.device) -> None:
    """Wait until a GPU has done what it was told; a CPU has."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def seconds(run: Callable[[], object], device: torch.device) -> float:
    """Time one call, from an idle device to an idle device."""
    synchronise(device)
    begun = time.perf_counter()
    run()
    synchronise(device)
    return time.perf_counter() - begun


def alternate(
    runs: Mapping[str, Callable[[], object]], device: torch.device, *, repeats: int, warmup: int = 1
) -> dict[str, Times]:
    """Time calls round by round: one of each, then again, `repeats` times after `warmup` rounds that do not count."""
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for round_number in range(warmup + repeats):
        for name, run in runs.items():
            duration = seconds(run, device)
            if round_number >= warmup:
                taken[name].append(duration)
    return {name: Times(tuple(durations)) for name, durations in taken.items()}
