"""`Run`: the folder of one training: configuration, log, checkpoint, weights; each is complete or absent."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import Tensor

from atfm.errors import CheckpointError
from atfm.io.atomic import atomic_write, disk_errors
from atfm.train.checkpoint import load_pair, save_pair, write_json
from atfm.train.config import Config

__all__ = ["Run"]


class Run:
    """A run folder.

    Args:
        path: the folder; made if it is missing.
        identity: what makes two trainings the same (configuration, data hash); a folder of another one is refused.

    Raises:
        CheckpointError: the folder belongs to a training with another configuration or other data.
        DiskError: the folder cannot be written.
    """

    def __init__(self, path: Path, identity: dict[str, Any]) -> None:
        self.path = path
        with disk_errors(path):
            path.mkdir(parents=True, exist_ok=True)
        self._claim(path / "config.json", json.loads(json.dumps(identity)))

    def _claim(self, file: Path, identity: dict[str, Any]) -> None:
        if not file.exists():
            write_json(file, identity)
            return
        try:
            there = json.loads(file.read_text("utf-8"))
        except (UnicodeDecodeError, json.JSONDecodeError) as error:
            raise CheckpointError(f"{file}: is not JSON ({error}); train into another folder") from error
        if there != identity:
            fields = sorted(_different(there, identity))
            raise CheckpointError(
                f"{self.path}: holds another training (different: {', '.join(fields[:5])}); "
                "give another --out, or the same preset, data and seed to resume"
            )

    def resolve(self, measure: Callable[[], Config]) -> Config:
        """Return the configuration that this run resolved when it began; `measure` it now if this is the beginning."""
        file = self.path / "resolved.json"
        if not file.exists():
            write_json(file, measure().model_dump(mode="json"))
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
        # The JSON is written last: tensors without it were never reported as saved.
        complete = sorted(self.path.glob("checkpoint-*.json"))
        return load_pair(complete[-1].with_suffix(".safetensors")) if complete else None

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


def _step(line: str) -> float:
    try:
        return float(json.loads(line)["step"])
    except (json.JSONDecodeError, KeyError, TypeError):
        return float("inf")


def _different(a: Any, b: Any, prefix: str = "") -> set[str]:
    if not (isinstance(a, dict) and isinstance(b, dict)):
        return set() if a == b else {prefix.rstrip(".")}
    return {name for key in a.keys() | b.keys() for name in _different(a.get(key), b.get(key), f"{prefix}{key}.")}
