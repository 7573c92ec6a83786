"""How much memory there is still to take, so that what cannot fit is refused before the system ends it."""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import torch

__all__ = ["available_bytes"]

_UNBOUNDED = 2**60  # what a control group says where nothing was set


def available_bytes(device: torch.device | str = "cpu") -> int | None:
    """Return how many bytes this process may still take on a device, None where the system does not tell.

    On a CPU it is the least of what the machine has left, its control groups allow (containers, batch jobs) and
    `ulimit -v` or `-d` leave; memory that only caches files counts as free.
    """
    device = torch.device(device)
    if device.type == "cuda":
        free = torch.cuda.mem_get_info(device)[0]
        return int(free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device))
    return min([*_machine(), *_groups(), *_limits()], default=None)


def _machine() -> Iterator[int]:
    with suppress(OSError):
        for line in Path("/proc/meminfo").read_text("ascii").splitlines():
            if line.startswith("MemAvailable:"):
                yield 1024 * int(line.split()[1])


def _groups() -> Iterator[int]:
    """What the control groups of this process leave, from its own up to the root (version 2, then version 1)."""
    with suppress(OSError, ValueError, IndexError):
        for line in Path("/proc/self/cgroup").read_text("utf-8").splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers not in ("", "memory"):
                continue
            root = Path("/sys/fs/cgroup", controllers)
            most, used = (
                ("memory.max", "memory.current")
                if not controllers
                else ("memory.limit_in_bytes", "memory.usage_in_bytes")
            )
            own = root / path.strip("/")
            for group in (own, *own.parents):
                if group.is_relative_to(root):
                    yield from _left(group, most, used)


def _left(group: Path, most: str, used: str) -> Iterator[int]:
    with suppress(OSError, ValueError):  # ValueError: "max"
        limit = int((group / most).read_text("ascii"))
        if limit < _UNBOUNDED:
            cached = 0
            for line in (group / "memory.stat").read_text("ascii").splitlines():
                name, value = line.split()
                cached = int(value) if name in ("inactive_file", "total_inactive_file") else cached
            yield max(0, limit - int((group / used).read_text("ascii")) + cached)


def _limits() -> Iterator[int]:
    with suppress(ImportError, OSError):
        import resource

        pages = [int(number) for number in Path("/proc/self/statm").read_text("ascii").split()]
        page = os.sysconf("SC_PAGE_SIZE")
        for kind, taken in ((resource.RLIMIT_AS, pages[0]), (resource.RLIMIT_DATA, pages[5])):
            limit = resource.getrlimit(kind)[0]
            if limit != resource.RLIM_INFINITY:
                yield max(0, limit - taken * page)
