"""Commands side by side, watched: how far each is, what the chip is doing, and an end to each at the latest."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["Chip", "Task", "Watch"]

GRACE = 8.0  # seconds between asking a process to end and ending it
SPOKEN = 30.0  # seconds between two lines


@dataclass
class Chip:
    """What `nvidia-smi` said, if there is one.

    Args:
        peak: most memory in use, in MiB.
        busy: shares of time in which a kernel ran, in per cent.
    """

    peak: int = 0
    busy: list[int] = field(default_factory=list)

    def look(self) -> None:
        """Ask once."""
        command = ["nvidia-smi", "--query-gpu=memory.used,utilization.gpu", "--format=csv,noheader,nounits"]
        try:
            told = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout
            memory, busy = (int(word) for word in told.splitlines()[0].split(","))
        except (OSError, ValueError, IndexError, subprocess.SubprocessError):
            return
        self.peak = max(self.peak, memory)
        self.busy.append(busy)


@dataclass
class Task:
    """Commands one after the other.

    Args:
        name: of the task; its output goes to `logs/NAME.txt`.
        commands: each as words.
        run: folder whose `log.jsonl` tells how far a training is, if it is one.
        seen: of each stage the first and the last `(time, step)`.
        status: exit status of the last command; None while running.
        seconds: that it took.
    """

    name: str
    commands: Sequence[Sequence[str]]
    run: Path | None = None
    seen: dict[str, list[tuple[float, int]]] = field(default_factory=dict)
    status: int | None = None
    seconds: float = 0.0

    def look(self) -> str:
        """Note how far the training is; return it in words."""
        if self.run is None or not (self.run / "log.jsonl").exists():
            return ""
        lines = (self.run / "log.jsonl").read_text("utf-8").splitlines()
        entries = [json.loads(line) for line in lines[-3:] if line.endswith("}")]
        if not entries:
            return ""
        step, stage = int(entries[-1]["step"]), str(entries[-1]["stage"])
        points = self.seen.setdefault(stage, [])
        if not points or step > points[-1][1]:
            points[1:] = [(time.monotonic(), step)]
        return f"{stage} {step}"

    def steps_per_second(self) -> dict[str, float]:
        """The speed of each stage, as far as it was seen."""
        whole = {stage: points for stage, points in self.seen.items() if len(points) == 2}
        return {stage: (b[1] - a[1]) / (b[0] - a[0]) for stage, (a, b) in whole.items()}


class Watch:
    """Runs tasks side by side.

    Args:
        logs: folder for what they print.
        deadline: on the clock of `time.monotonic`, for everything.
    """

    def __init__(self, logs: Path, deadline: float) -> None:
        self.logs, self.deadline, self.chip = logs, deadline, Chip()
        self.started = time.monotonic()
        logs.mkdir(parents=True, exist_ok=True)

    @property
    def left(self) -> float:
        """Seconds until the deadline."""
        return self.deadline - time.monotonic()

    def say(self, text: str) -> None:
        """A line with the time since the beginning."""
        print(f"[{time.monotonic() - self.started:6.1f} s] {text}", flush=True)

    def together(self, tasks: Sequence[Task], *, reserve: float, threads: int | None = None) -> None:
        """Run tasks side by side until they end, or until only `reserve` seconds are left before the deadline."""
        threads = threads or max(1, (os.cpu_count() or 1) // max(1, len(tasks)))
        environment = os.environ | {"OMP_NUM_THREADS": str(threads), "PYTHONUNBUFFERED": "1"}
        running = {task.name: (task, self._start(task, 0, environment), 0, time.monotonic()) for task in tasks}
        spoken = time.monotonic()
        while running:
            time.sleep(0.5)
            self.chip.look()
            late = self.left < reserve
            for name, (task, process, number, since) in list(running.items()):
                task.look()
                if late and process.poll() is None:
                    self.say(f"{name}: out of time")
                    end(process)
                if process.poll() is None:
                    continue
                task.status, task.seconds = process.returncode, time.monotonic() - since
                if task.status == 0 and number + 1 < len(task.commands) and not late:
                    running[name] = (task, self._start(task, number + 1, environment), number + 1, since)
                    continue
                self.say(f"{name}: {'done' if task.status == 0 else f'status {task.status}'}, {task.seconds:.0f} s")
                if task.status != 0:
                    print((self.logs / f"{name}.txt").read_text("utf-8", "replace")[-1500:], flush=True)
                del running[name]
            if time.monotonic() - spoken > SPOKEN:
                spoken = time.monotonic()
                told = [f"{task.name} {task.look()}" for task, *_ in running.values()]
                self.say(f"{self.chip.peak} MiB at most; " + ", ".join(told))

    def _start(self, task: Task, number: int, environment: Mapping[str, str]) -> "subprocess.Popen[bytes]":
        with (self.logs / f"{task.name}.txt").open("ab") as log:
            log.write(f"$ {' '.join(task.commands[number])}\n".encode())
            log.flush()
            words = [sys.executable, *task.commands[number]]
            return subprocess.Popen(words, stdout=log, stderr=subprocess.STDOUT, env=dict(environment))


def end(process: "subprocess.Popen[bytes]") -> None:
    """Ask a process to end, and end it where it does not."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
