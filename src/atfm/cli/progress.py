"""Progress on standard error: a bar with counts, and that of a training, which TensorBoard may read too."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

__all__ = ["TrainProgress", "bar"]


@contextmanager
def bar(text: str, *, shown: bool = True) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on standard error; call what it gives with (done, total).

    Args:
        text: what stands before it.
        shown: False where another process shows one.
    """
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not shown) as progress:
        task = progress.add_task(text, total=None)
        yield lambda done, total: progress.update(task, completed=done, total=total)


class TrainProgress:
    """A bar with ETA, loss and validation GED; without a terminal, a line every half minute."""

    def __init__(self, out: Path) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self.console = Console(stderr=True)
        self.bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[note]}"),
            console=self.console,
            disable=not sys.stderr.isatty(),
        )
        self.task = self.bar.add_task("start", total=None, note="")
        self.spoken = time.perf_counter()
        self.losses, self.skipped, self.validation = "", 0, ""
        self.writer = _tensorboard(out)

    def __enter__(self) -> Self:
        self.bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bar.stop()
        if self.writer is not None:
            self.writer.close()

    def __call__(self, progress: Any) -> None:
        if progress.losses is not None:
            self.losses = ", ".join(f"{name} {value:.4g}" for name, value in progress.losses.items())
        if progress.skipped > self.skipped:
            self.console.log(
                f"{progress.stage} step {progress.step}: {progress.skipped} steps were not finite: left out"
            )
        self.skipped = progress.skipped
        if progress.validation:
            self.validation = ", ".join(f"{name} {value:.3f}" for name, value in progress.validation.items())
            self.console.log(f"{progress.stage} step {progress.step}: validation {self.validation}")
        note = f"{self.losses}, {progress.images_per_second:.0f} images/s" + (", saved" if progress.saved else "")
        self.bar.update(self.task, description=progress.stage, completed=progress.step, total=progress.total, note=note)
        if self.bar.disable and time.perf_counter() - self.spoken > 30:
            self.spoken = time.perf_counter()
            self.console.log(f"{progress.stage} {progress.step}/{progress.total} {note}")
        if self.writer is not None and (progress.losses is not None or progress.validation):
            for name, value in ((progress.losses or {}) | (progress.validation or {})).items():
                self.writer.add_scalar(f"{progress.stage}/{name}", value, progress.step)


def _tensorboard(out: Path) -> Any:
    """A TensorBoard writer, or None where TensorBoard is not installed (the JSON-lines log is there in any case)."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(out / "tensorboard"))
