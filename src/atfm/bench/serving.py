"""The service under load: callers that ask it over HTTP on this machine, and each of its answers is checked.

It is not imported: what it answers on the wire is what counts. A caller sends an image, has masks drawn of it, in turn
as one answer and as a stream, looks at the slice and forgets the image; now and then it leaves that to the service.
"""

import base64
import json
import statistics
import subprocess
import sys
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import torch
from PIL import Image

from atfm.bench.caller import Answer, Caller, Refused, drawn
from atfm.errors import InputError
from atfm.models import Model

__all__ = ["Load", "bench_serving", "serving"]

LOOPBACK = ("127.0.0.1", "localhost", "::1")
MOST_CALLERS, LONGEST = 64, 4 * 3600
KEPT = 10  # of so many images one is left to the service to forget
SEEDS = 4  # of each image
LOOK = 5.0  # seconds between two looks at the memory
HOW = (
    "A request is one exchange over HTTP; an image is sent, drawn, looked at and forgotten. Latencies are those of "
    "drawing, from its first byte to its last, the line before it included. Every answer is compared with the direct "
    "call in this process, bit for bit; the masks of a stream are compared, too. Memory is that of the service's "
    "process, as its /metrics tell it."
)


@dataclass(frozen=True)
class Load:
    """How much is asked.

    Args:
        callers: at a time, 1 to 64.
        seconds: for so long, up to four hours.
        samples: masks of each drawing.
        think: seconds that a caller waits on average before it draws the next image.
        images: different ones.
        seed: of images and noise.
    """

    callers: int = 16
    seconds: float = 30.0
    samples: int = 16
    think: float = 0.0
    images: int = 8
    seed: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.callers <= MOST_CALLERS or not 0 < self.seconds <= LONGEST or self.think < 0:
            raise InputError(
                f"bench serve: expected 1 to {MOST_CALLERS} callers, up to {LONGEST} seconds and a pause of 0 or more, "
                f"got {self.callers}, {self.seconds:g} and {self.think:g}"
            )
        if self.samples < 1 or self.images < 1:
            raise InputError("bench serve: expected at least 1 sample and 1 image")


@dataclass
class Tally:
    """What all callers saw."""

    seconds: list[float] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, what: str, reason: str = "") -> None:
        with self.lock:
            self.counts[what] += 1
            if reason:
                self.reasons[reason] += 1


def bench_serving(model: Model, address: str, load: Load, tell: Callable[[str], None]) -> dict[str, Any]:
    """Ask a service of that model for as long as the load says.

    Returns:
        Requests and images a second, percentiles of the latency of a drawing, how many were refused, failed or wrong,
        and the service's memory over time.

    Raises:
        InputError: an address elsewhere, a model of volumes, or a service that does not answer.
    """
    host, port = _loopback(address)
    asked = Questions(model, load)
    tell(f"{len(asked.expected)} direct calls made; {load.callers} callers for {load.seconds:g} s")
    tally, until = Tally(), time.monotonic() + load.seconds
    began = time.monotonic()
    callers = [
        threading.Thread(target=_call, args=(host, port, asked, load, number, until, tally), daemon=True)
        for number in range(load.callers)
    ]
    memory = [(0.0, Caller(host, port).resident())]
    for caller in callers:
        caller.start()
    while any(caller.is_alive() for caller in callers):
        callers[0].join(LOOK) if callers[0].is_alive() else time.sleep(min(LOOK, 0.2))
        memory.append((time.monotonic() - began, Caller(host, port).resident()))
    return _summary(tally, load, time.monotonic() - began, memory)


@contextmanager
def serving(name: str, threads: int, tell: Callable[[str], None]) -> Iterator[str]:
    """A service of a model, in a process of its own that ends with the block; yields its address.

    Raises:
        InputError: it does not start.
    """
    command = [sys.executable, "-m", "atfm", "serve", name, "--port", "0", "--json", "--keep", "5", "--device", "cpu"]
    process = subprocess.Popen([*command, "--threads", str(threads)], stdout=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline() if process.stdout is not None else ""
        if not line:
            raise InputError(f"bench serve: `atfm serve {name}` does not start; run it by itself to see why")
        address = str(json.loads(line)["address"])
        tell(f"the service answers at {address}")
        yield address
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Questions:
    """Images, and what the direct call draws of each with each seed.

    Args:
        model: that of the service.
        load: how many, and of which seed.

    Raises:
        InputError: a model of volumes, or of images that are neither grey nor in colour.
    """

    def __init__(self, model: Model, load: Load) -> None:
        method = model.method
        if len(method.size) != 2 or method.in_channels not in (1, 3):
            raise InputError("bench serve: sends flat images in grey or colour; the model takes others")
        rng = np.random.default_rng(load.seed)
        shape = (*method.size, 3) if method.in_channels == 3 else method.size
        pixels = [rng.integers(0, 256, shape, np.uint8) for _ in range(load.images)]
        self.images = [_png(each) for each in pixels]
        self.expected: dict[tuple[int, int], str] = {}
        for number, each in enumerate(pixels):
            for seed in range(SEEDS):
                found = model.sample(each, load.samples, seed=seed)
                if isinstance(found, list):  # never of a single image
                    raise InputError("bench serve: expected one prediction of one image")
                bits = np.packbits(found.masks.reshape(load.samples, -1), axis=1)
                self.expected[number, seed] = base64.b64encode(bits.tobytes()).decode("ascii")


def _call(host: str, port: int, asked: Questions, load: Load, number: int, until: float, tally: Tally) -> None:
    """What one caller does until it is time."""
    rng, caller, turn = np.random.default_rng([load.seed, number]), Caller(host, port), 0
    while time.monotonic() < until:
        turn += 1
        image, seed = int(rng.integers(len(asked.images))), int(rng.integers(SEEDS))
        try:
            _look(caller, asked, load, image, seed, turn, tally)
        except Refused as refused:
            tally.add("refused", f"{refused.status}")
            time.sleep(min(refused.wait, max(0.0, until - time.monotonic())))
        except (OSError, ValueError, KeyError) as error:
            tally.add("failed", str(error) if type(error) is ValueError else type(error).__name__)
            caller = Caller(host, port)
        if load.think:
            time.sleep(min(float(rng.exponential(load.think)), max(0.0, until - time.monotonic())))


def _look(caller: Caller, asked: Questions, load: Load, image: int, seed: int, turn: int, tally: Tally) -> None:
    """Send an image, have it drawn, look at it, forget it."""

    def exchange(*question: Any, **more: Any) -> Answer:
        tally.add("requests")
        return caller.exchange(*question, **more)

    name = exchange("POST", "images", asked.images[image]).told["id"]
    wish = {"image": name, "n": load.samples, "seed": seed}
    began = time.perf_counter()
    answer = exchange("POST", "samples", json.dumps(wish).encode(), streamed=turn % 2 == 0)
    with tally.lock:
        tally.seconds.append(time.perf_counter() - began)
    for result, bits in drawn(answer):
        if (result["image"], result["seed"], result["n"]) != (name, seed, load.samples):
            tally.add("mixed up", "another image, seed or number")
        if bits != asked.expected[image, seed]:
            tally.add("wrong", "other masks than the direct call")
    tally.add("images")
    exchange("GET", f"images/{name}/slices/0")
    if turn % KEPT:
        exchange("DELETE", f"images/{name}")


def _summary(tally: Tally, load: Load, seconds: float, memory: Sequence[tuple[float, float]]) -> dict[str, Any]:
    times = sorted(tally.seconds)
    at = lambda share: times[min(len(times) - 1, int(share * len(times)))] if times else None  # noqa: E731
    steady = [mb for second, mb in memory if second >= seconds / 2]
    return {
        "callers": load.callers,
        "seconds": seconds,
        "samples": load.samples,
        "think": load.think,
        "threads": torch.get_num_threads(),
        "requests": tally.counts["requests"],
        "images": tally.counts["images"],
        "requests_per_second": tally.counts["requests"] / seconds,
        "images_per_second": tally.counts["images"] / seconds,
        "masks_per_second": load.samples * tally.counts["images"] / seconds,
        "latency": {"p50": at(0.5), "p90": at(0.9), "p99": at(0.99), "max": at(1.0)},
        "refused": tally.counts["refused"],
        "failed": tally.counts["failed"],
        "wrong": tally.counts["wrong"],
        "mixed_up": tally.counts["mixed up"],
        "reasons": dict(tally.reasons),
        "memory": {
            "start_mb": memory[0][1],
            "peak_mb": max(mb for _, mb in memory),
            "second_half_mb": statistics.fmean(steady) if steady else None,
            "end_mb": memory[-1][1],
            "by_minute": _by_minute(memory),
        },
        "how": [HOW],
    }


def _by_minute(memory: Sequence[tuple[float, float]]) -> list[float]:
    """The largest of each minute, MB."""
    found: Mapping[int, list[float]] = defaultdict(list)
    for second, mb in memory:
        found[int(second // 60)].append(mb)
    return [round(max(found[minute]), 1) for minute in sorted(found)]


def _loopback(address: str) -> tuple[str, int]:
    """The host and port of an address of this machine.

    Raises:
        InputError: it is none.
    """
    parts = urlsplit(address if "//" in address else f"//{address}")
    if parts.hostname not in LOOPBACK or not parts.port:
        raise InputError(
            f"--address {address}: expected one of this machine, such as http://127.0.0.1:8000/; nobody else's service "
            "is put under load"
        )
    return parts.hostname, parts.port


def _png(pixels: np.ndarray) -> bytes:
    stream = BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()
