"""`Run`: the folder of one training: configuration, log, checkpoints, weights; each is complete or absent."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from atfm.disk.atomic import disk_errors
from atfm.disk.lock import folder_lock
from atfm.disk.machine import reading
from atfm.disk.sealed import is_whole, sealed
from atfm.errors import BusyError, CheckpointError, ConfigError
from atfm.train.checkpoint import SEAL, write_json
from atfm.train.checkpoints import Checkpoints
from atfm.train.config import Config
from atfm.train.extension import grown
from atfm.train.log import Log
from atfm.train.processes import Processes

__all__ = ["Run", "held"]

_OURS = re.compile(r"checkpoint-\d{8,}\.(safetensors|json)|weights\.(safetensors|json)|log\.jsonl|resolved\.json")


@contextmanager
def held(path: Path, processes: Processes | None = None) -> Iterator[None]:
    """Be the only training that writes a run folder while the block lasts; the main process holds it for all.

    Raises:
        BusyError: another process is writing there; all processes tell the same.
        DiskError: the folder cannot be written.
    """
    together, busy = processes or Processes(), None
    with ExitStack() as stack:
        if together.main:
            try:
                stack.enter_context(folder_lock(path))
            except BusyError as error:
                busy = str(error)
        busy = together.from_main(busy)
        if busy is not None:
            raise BusyError(busy)
        yield


class Run:
    """A run folder, which all processes read and the main one writes; it is `held` meanwhile.

    Args:
        path: the folder; made if it is missing.
        identity: what makes two trainings the same (configuration, data hash); a folder of another one is refused, but
            for one with fewer steps, which is extended, see `grown`.
        stages: their names, in the order of training; without them no run is extended.
        processes: those that train together; how many is no part of the identity.
        say: is told what was damaged.

    Raises:
        CheckpointError: the folder belongs to a training with another configuration or other data, or its files were
            not written by a training.
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
        say: Callable[[str], object] = lambda note: None,
    ) -> None:
        self.path, self.stages, self.processes = path, stages, processes or Processes()
        self.checkpoints, self.log = Checkpoints(path, self.processes, say), Log(path / "log.jsonl")
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
        there = _read(file)
        if there is None:
            self._check_free()
            write_json(file, sealed(identity, SEAL))
            return []
        extended: list[dict[str, Any]] = there.pop("extended", [])
        there = _of_today(there)
        if there == identity:
            return extended
        steps = {f"config.stages.{name}.steps" for name in self.stages}
        chosen = identity["config"].get("patience") is not None or identity["config"].get("keep") == "better"
        if not _different(there, identity) <= steps or "minutes" in identity or chosen:
            fields = sorted(_different(there, identity))
            raise CheckpointError(
                f"{self.path}: holds another training (different: {', '.join(fields[:5])}); "
                "give another --out, or the same preset, data and seed to resume"
            )
        done = max(self.checkpoints.steps(), default=0)
        changes = grown(there["config"]["stages"], identity["config"]["stages"], self.stages, done)
        change = {"step": done, "stages": changes}
        write_json(file, sealed(identity | {"extended": [*extended, change]}, SEAL))
        self.log.append({"step": done, "stage": next(iter(changes)), "extended": changes})
        return [*extended, change]

    def _check_free(self) -> None:
        """Refuse to begin where files of our names lie that no training of this folder wrote: they are somebody's."""
        with disk_errors(self.path):
            there = sorted(file.name for file in self.path.iterdir() if _OURS.fullmatch(file.name))
        if there:
            raise CheckpointError(
                f"{self.path}: holds {', '.join(there[:3])} but no config.json: no run folder; give another --out, or "
                "move what is there away"
            )

    def resolve(self, measure: Callable[[], Config]) -> Config:
        """Return the configuration that this run resolved when it began; `measure` it now if this is the beginning.

        All processes measure together, and the main one's word counts.

        Raises:
            CheckpointError: what was resolved is damaged.
        """
        file = self.path / "resolved.json"
        if self.processes.from_main(not file.exists()):
            measured = measure()
            if self.processes.main:
                write_json(file, sealed(measured.model_dump(mode="json"), SEAL))
            self.processes.barrier()
        try:
            return Config.model_validate_json(json.dumps(_read(file)))
        except ValueError as error:
            reason = " ".join(str(error).split())[:200]
            raise CheckpointError(f"{file}: is damaged ({reason}); train into another folder") from error


def _read(file: Path) -> dict[str, Any] | None:
    """What a JSON file of the run holds, without its seal; None if it is not there."""
    try:
        with reading(file):
            value = json.loads(file.read_bytes())
    except FileNotFoundError:
        return None
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{file}: is not a JSON object ({error}); train into another folder") from error
    if not isinstance(value, dict) or (SEAL in value and not is_whole(value, SEAL)):
        raise CheckpointError(f"{file}: is not what was written: edited or damaged; train into another folder")
    value.pop(SEAL, None)
    return value


def _of_today(identity: dict[str, Any]) -> dict[str, Any]:
    """The same, with the defaults of fields that a configuration did not have yet when the run was begun."""
    try:
        config = Config.model_validate_json(json.dumps(identity["config"]))
    except (KeyError, ValueError):  # it has others than this one anyway, which is said
        return identity
    return identity | {"config": config.model_dump(mode="json")}


def _different(a: Any, b: Any, prefix: str = "") -> set[str]:
    if not (isinstance(a, dict) and isinstance(b, dict)):
        return set() if a == b else {prefix.rstrip(".")}
    return {name for key in a.keys() | b.keys() for name in _different(a.get(key), b.get(key), f"{prefix}{key}.")}
