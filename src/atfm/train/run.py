"""`Run`: the folder of one training: configuration, log, checkpoint, weights; each is complete or absent."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from atfm.errors import CheckpointError, ConfigError
from atfm.io.atomic import atomic_write, disk_errors
from atfm.train.checkpoint import load_pair, save_pair, write_json
from atfm.train.config import Config
from atfm.train.extension import grown
from atfm.train.processes import Processes

__all__ = ["Run"]


class Run:
    """A run folder, which all processes read and the main one writes.

    Args:
        path: the folder; made if it is missing.
        identity: what makes two trainings the same (configuration, data hash); a folder of another one is refused, but
            for one with fewer steps, which is extended, see `grown`.
        stages: their names, in the order of training; without them no run is extended.
        processes: those that train together; how many is no part of the identity.

    Raises:
        CheckpointError: the folder belongs to a training with another configuration or other data.
        ConfigError: fewer steps than the run has, or more for a stage that a later one was trained on.
        DiskError: the folder cannot be written.
        ProcessError: another process has ended.
    """

    def __init__(
        self,
        path: Path,
        identity: dict[str, Any],
        stages: Sequence[str] = (),
        processes: Processes | None = None,
    ) -> None:
        self.path, self.stages, self.processes = path, stages, processes or Processes()
        self.extended: list[dict[str, Any]] = []
        identity = json.loads(json.dumps(identity))
        others = _different(self.processes.from_main(identity), identity)
        if others:
            raise ConfigError(
                f"{self.processes}: another training than process 1's (different: {', '.join(sorted(others)[:5])}); "
                "give all the same command and the same data"
            )
        if self.processes.main:
            with disk_errors(path):
                path.mkdir(parents=True, exist_ok=True)
            self.extended = self._claim(path / "config.json", identity)
        self.extended = self.processes.from_main(self.extended)

    def _claim(self, file: Path, identity: dict[str, Any]) -> list[dict[str, Any]]:
        """Make the folder this training's, and return when it was extended and by what."""
        if not file.exists():
            write_json(file, identity)
            return []
        there = _read(file)
        extended: list[dict[str, Any]] = there.pop("extended", [])
        if there == identity:
            return extended
        steps = {f"config.stages.{name}.steps" for name in self.stages}
        if not _different(there, identity) <= steps or "minutes" in identity:
            fields = sorted(_different(there, identity))
            raise CheckpointError(
                f"{self.path}: holds another training (different: {', '.join(fields[:5])}); "
                "give another --out, or the same preset, data and seed to resume"
            )
        changes = grown(there["config"]["stages"], identity["config"]["stages"], self.stages, self.done)
        change = {"step": self.done, "stages": changes}
        write_json(file, identity | {"extended": [*extended, change]})
        self.append({"step": self.done, "stage": next(iter(changes)), "extended": changes})
        return [*extended, change]

    def resolve(self, measure: Callable[[], Config]) -> Config:
        """Return the configuration that this run resolved when it began; `measure` it now if this is the beginning.

        All processes measure together, and the main one's word counts.
        """
        file = self.path / "resolved.json"
        if self.processes.from_main(not file.exists()):
            measured = measure()
            if self.processes.main:
                write_json(file, measured.model_dump(mode="json"))
            self.processes.barrier()
        try:
            return Config.model_validate_json(file.read_text("utf-8"))
        except ValueError as error:
            reason = " ".join(str(error).split())[:200]
            raise CheckpointError(f"{file}: is damaged ({reason}); train into another folder") from error

    def save(self, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
        """Write the checkpoint of `state["step"]`, then remove older ones."""
        name = f"checkpoint-{state['step']:08d}.safetensors"
        save_pair(self.path / name, tensors, state)
        for old in self.path.glob("checkpoint-*"):
            if old.stem < Path(name).stem:
                old.unlink()

    def restore(self) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
        """Return the last complete checkpoint, None if there is none yet."""
        complete = self._complete()
        return load_pair(complete[-1].with_suffix(".safetensors")) if complete else None

    @property
    def done(self) -> int:
        """Steps made in all, as the last complete checkpoint says by its name."""
        complete = self._complete()
        return int(complete[-1].stem.rpartition("-")[2]) if complete else 0

    def _complete(self) -> list[Path]:
        # The JSON is written last: tensors without it were never reported as saved.
        return sorted(self.path.glob("checkpoint-*.json"))

    @property
    def log(self) -> Path:
        """The log: one JSON object a line."""
        return self.path / "log.jsonl"

    def append(self, entry: dict[str, Any]) -> None:
        """Add a line to the log."""
        with disk_errors(self.log), self.log.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(entry) + "\n")

    def rewind(self, step: int) -> None:
        """Drop what the log says of steps after `step`, and a last line that was cut off by a kill."""
        if not self.log.exists():
            return
        kept = [line for line in self.log.read_text("utf-8").splitlines() if _step(line) <= step]
        with atomic_write(self.log) as temporary:
            temporary.write_text("".join(line + "\n" for line in kept), "utf-8")


def _read(file: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(file.read_text("utf-8")))
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{file}: is not a JSON object ({error}); train into another folder") from error


def _step(line: str) -> float:
    try:
        return float(json.loads(line)["step"])
    except (json.JSONDecodeError, KeyError, TypeError):
        return float("inf")


def _different(a: Any, b: Any, prefix: str = "") -> set[str]:
    if not (isinstance(a, dict) and isinstance(b, dict)):
        return set() if a == b else {prefix.rstrip(".")}
    return {name for key in a.keys() | b.keys() for name in _different(a.get(key), b.get(key), f"{prefix}{key}.")}
