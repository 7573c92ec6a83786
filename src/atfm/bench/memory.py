"""Peak memory of sampling, each model in a process of its own, so that none sees what another left behind."""

import multiprocessing
import resource
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch

from atfm.bench.subject import images, open_subject
from atfm.methods.atfm import ATFM
from atfm.seeding import Noise

__all__ = ["HOW", "MemoryRequest", "peak_memory"]

HOW = (
    "Peak memory is measured in a fresh process for each model: on a CPU the largest resident size of the whole "
    "process, Python and torch included (before_mb is its size before the first sample); on a GPU torch's largest "
    "allocation, weights included."
)
_STATUS = Path("/proc/self/status")


@dataclass(frozen=True)
class MemoryRequest:
    """What is sampled under watch.

    Args:
        name, size, fresh: as for `open_subject`.
        device: "cpu" or "cuda".
        samples: masks of each image.
        images: images in the batch.
        steps: steps of the flow; the peak does not depend on them, so one will do. None: the model's own.
        threads: CPU threads, as they may own memory; 0 leaves torch's choice.
    """

    name: str
    device: str
    samples: int
    images: int = 1
    steps: int | None = None
    threads: int = 0
    size: tuple[int, ...] | None = None
    fresh: bool = False


def peak_memory(request: MemoryRequest) -> dict[str, float]:
    """Sample in a fresh process and return `before_mb` and `peak_mb` of it, in units of 1e6 bytes.

    A script that calls this does so under `if __name__ == "__main__"`, as `multiprocessing` asks.
    """
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(_measure, request).result()


def _measure(request: MemoryRequest) -> dict[str, float]:
    if request.threads:
        torch.set_num_threads(request.threads)
    device = torch.device(request.device)
    method = open_subject(request.name, device, size=request.size, fresh=request.fresh).method
    if request.steps is not None and isinstance(method, ATFM):
        method.steps = request.steps
    image = images(method, request.images, device)
    noise = Noise(0, [f"image-{number}" for number in range(request.images)])
    before = _resident(device)
    method.sample(image, request.samples, generator=noise)
    return {"before_mb": before / 1e6, "peak_mb": _resident(device) / 1e6}


def _resident(device: torch.device) -> float:
    """Bytes at the peak so far.

    Linux keeps the peak of this very program in /proc; getrusage would also count the parent that started it.
    """
    if device.type == "cuda":
        return float(torch.cuda.max_memory_allocated(device))
    if _STATUS.exists():
        lines = dict(line.split(":", 1) for line in _STATUS.read_text("ascii").splitlines() if ":" in line)
        return 1024.0 * int(lines["VmHWM"].split()[0])
    return 1024.0 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
