"""`Log`: a line of JSON for every tenth step, each validation and each start of a run."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from atfm.disk.atomic import atomic_write, disk_errors
from atfm.disk.machine import reading
from atfm.errors import CheckpointError

__all__ = ["Log"]


class Log:
    """The log of a run folder.

    Args:
        path: the file; it may be missing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, entry: Mapping[str, Any]) -> None:
        """Add a line.

        Raises:
            DiskError: the disk is full, the file cannot be written, or it is a link to elsewhere.
        """
        line = json.dumps(entry) + "\n"
        with disk_errors(self.path):
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
            with os.fdopen(os.open(self.path, flags, 0o666), "w", encoding="utf-8") as stream:
                stream.write(line)

    def rewind(self, step: int) -> None:
        """Drop what it says of steps after `step`, and a last line that was cut off by a kill.

        Raises:
            CheckpointError: another line that is none of ours.
            DiskError: it cannot be read or written.
        """
        try:
            with reading(self.path):
                lines = self.path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return
        last = max((number for number, line in enumerate(lines) if line), default=0)
        kept = [line for number, line in enumerate(lines) if line and self._step(number, last, line) <= step]
        with atomic_write(self.path) as temporary:
            temporary.write_bytes(b"".join(line + b"\n" for line in kept))

    def _step(self, number: int, last: int, line: bytes) -> float:
        try:
            return float(json.loads(line)["step"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            if number == last:
                return float("inf")
            raise CheckpointError(
                f"{self.path}: line {number + 1} is none of a training's ({type(error).__name__}): damaged; "
                "move the file away, and the same command goes on with a new one"
            ) from error
