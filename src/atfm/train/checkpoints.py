"""`Checkpoints`: those of a run folder, of which the last two are kept, so that one that is damaged ends nothing."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from atfm.disk.atomic import disk_errors
from atfm.errors import CheckpointError
from atfm.train.checkpoint import load_pair, mend_copy, save_pair
from atfm.train.processes import Processes
from atfm.train.state import State

__all__ = ["Checkpoints"]

_KEPT = 2
_NAME = re.compile(r"checkpoint-(\d{8,})\.safetensors")

Restored = tuple[dict[str, Tensor], State]


class Checkpoints:
    """The checkpoints of a run, which all processes read and the main one writes.

    Each tells which others the run had written by then. None but those is ever removed, whatever else lies there.

    Args:
        folder: the run folder.
        processes: those that train together.
        say: is told of those that are damaged.
    """

    def __init__(
        self, folder: Path, processes: Processes | None = None, say: Callable[[str], object] = lambda note: None
    ) -> None:
        self.folder, self.processes, self.say = folder, processes or Processes(), say
        self._written: list[int] = []

    def file(self, step: int) -> Path:
        """Where the checkpoint of a step lies."""
        return self.folder / f"checkpoint-{step:08d}.safetensors"

    def steps(self) -> list[int]:
        """The steps of all checkpoints that are there, by their names."""
        if not self.folder.is_dir():
            return []
        with disk_errors(self.folder):
            found = [_NAME.fullmatch(file.name) for file in self.folder.iterdir()]
        steps = sorted(int(match[1]) for match in found if match)
        return [step for step in steps if self.file(step).is_file()]

    def save(self, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
        """Write the checkpoint of `state["step"]`, then remove those that this run wrote before the last two.

        Raises:
            DiskError: the disk is full or the folder cannot be written; the checkpoints before are kept.
        """
        written = sorted({*self._written, state["step"]})
        save_pair(self.file(state["step"]), tensors, {**state, "checkpoints": written})
        self._written = written
        self._tidy()

    def restore(self) -> Restored | None:
        """Return the last checkpoint that is whole, None if there is none yet; those that are damaged are told.

        The main process chooses, so that all go on from the same.

        Raises:
            CheckpointError: there are some, and all are damaged.
            DiskError: the machine refuses to read one.
        """
        found = self._newest() if self.processes.main else None
        step = self.processes.from_main(None if found is None else found[1].step)
        if step is None:
            return None
        if found is None:
            return self._loaded(step)
        self._written = sorted({*found[1].checkpoints, step})
        self._tidy()
        return found

    def _newest(self) -> Restored | None:
        damaged = []
        for step in reversed(self.steps()):
            try:
                found = self._loaded(step)
            except CheckpointError as error:
                damaged.append(str(error))
                continue
            for reason in damaged:
                self.say(f"{reason}; going on from the checkpoint of step {step}")
            return found
        if damaged:
            more = " (and so is the one before)" if len(damaged) > 1 else ""
            raise CheckpointError(f"{damaged[0]}{more}; to begin anew, remove it or give another --out")
        return None

    def _loaded(self, step: int) -> Restored:
        tensors, card = load_pair(self.file(step))
        if self.processes.main:
            mend_copy(self.file(step), card)
        return tensors, State.of(card, self.file(step))

    def _tidy(self) -> None:
        """Remove what this run has written, but for the last two."""
        for step in self._written[:-_KEPT]:
            for file in (self.file(step), self.file(step).with_suffix(".json")):
                with disk_errors(file):
                    file.unlink(missing_ok=True)
        self._written = self._written[-_KEPT:]
