"""Progress on standard error: a bar with counts, and that of a training, which TensorBoard may read too."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from atfm.cli.curves import Curves

__all__ = ["TrainProgress", "bar"]


SILENCE = 30.0  # seconds after which somebody who reads a log wants to hear something


@contextmanager
def bar(text: str, *, shown: bool = True) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on standard error; without a terminal, a line every half minute. Call what it gives (done, total).

    Args:
        text: what stands before it.
        shown: False where another process shows one.
    """
    if not shown or not sys.stderr.isatty():
        yield _lines(text) if shown else lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(text, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


def _lines(text: str) -> Callable[[int, int], None]:
    """A line every half minute, with the time that the rest will take at the pace so far."""
    begun = spoken_at = time.perf_counter()
    first: int | None = None  # what an earlier run had done was not done at this pace

    def tell(done: int, total: int) -> None:
        nonlocal spoken_at, first
        first = done - 1 if first is None else first
        now = time.perf_counter()
        if now - spoken_at > SILENCE and done < total:
            spoken_at = now
            left = (now - begun) / max(done - first, 1) * (total - done)
            print(f"{time.strftime('%H:%M:%S')} {text}: {done} of {total}, {spoken(left)} left", file=sys.stderr)

    return tell


class TrainProgress:
    """A bar with loss, speed, time left and validation GED; without a terminal, a line every half minute.

    Args:
        out: the run folder.
        processes: how many train it.
    """

    def __init__(self, out: Path, processes: int = 1) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        self.console = Console(stderr=True)
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
            console=self.console,
            disable=not sys.stderr.isatty(),
        )
        self.task = self.bar.add_task("start", total=None, note="")
        self.spoken = time.perf_counter()
        self.losses, self.skipped, self.validation = "", 0, ""
        self.out, self.processes, self.begun = out, processes, False
        self.curves: Curves | None = None

    def __enter__(self) -> Self:
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.stop()
        if self.curves is not None:
            self.curves.close()

    def say(self, text: str) -> None:
        """A line of its own, above the bar; it is not broken, so that a log can be searched."""
        self.console.print(f"{time.strftime('%H:%M:%S')} {text}", soft_wrap=True, highlight=False)

    def _begin(self, step: int) -> None:
        """With the first step, so that a training that is refused leaves no folder behind."""
        self.begun, self.curves = True, Curves(self.out / "tensorboard", step, self.say)
        if self.processes > 1:
            self.say(f"{self.processes} processes train {self.out}")

    def __call__(self, progress: Any) -> None:
        if not self.begun:
            self._begin(progress.step)
        if progress.losses is not None:
            self.losses = ", ".join(f"{name} {value:.4g}" for name, value in progress.losses.items())
        if progress.skipped > self.skipped:
            self.say(f"{progress.stage} step {progress.step}: {progress.skipped} steps were not finite: left out")
        self.skipped = progress.skipped
        if progress.validation:
            self.validation = ", ".join(f"{name} {value:.3f}" for name, value in progress.validation.items())
            self.say(f"{progress.stage} step {progress.step}: validation {self.validation}")
        speed = f"{progress.images_per_second:.3g} images/s, {spoken(progress.seconds_left)} left"
        note = f"{self.losses}, {speed}" + (", saved" if progress.saved else "")
        self.bar.update(self.task, description=progress.stage, completed=progress.step, total=progress.total, note=note)
        if self.bar.disable and time.perf_counter() - self.spoken > SILENCE:
            self.spoken = time.perf_counter()
            self.say(f"{progress.stage} {progress.step}/{progress.total} {note}")
        if self.curves is not None:
            numbers = (progress.losses or {}) | (progress.validation or {})
            self.curves.add({f"{progress.stage}/{name}": value for name, value in numbers.items()}, progress.step)


def spoken(seconds: float) -> str:
    """A time that is still to come, in two units at most: `45 s`, `12 min`, `3 h 05 min`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02d} min"
