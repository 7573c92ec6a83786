"""The first stages of a training, which rows that depart from each other in later ones train once for all."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

from atfm.disk.machine import reading
from atfm.errors import CheckpointError, ConfigError
from atfm.io.decoding import brief
from atfm.methods import Method
from atfm.train.config import Config

__all__ = ["Shared", "shared_stages"]


@dataclass(frozen=True)
class Shared:
    """A training of the first stages alone.

    Args:
        stages: their names.
        config: what is trained; whatever of it tells nothing of these stages is the first row's.
        folder: the run.
    """

    stages: tuple[str, ...]
    config: Config
    folder: Path


def shared_stages(config: Config, method: Method, patients: float, out: Path, data: str) -> Shared | None:
    """Return the first stages of a configuration that other rows may share; None where there are none.

    They are those that end in a method of its own, which can be sampled (GTR, of ATFM), where each is named as a part
    of the configuration (`gtr`) or as a part of such a part (`gtr.presence`): that part, its own plan and what is said
    outside of the method determine it, and so it is shared by all rows in which these are the same.

    Args:
        config: of a row.
        method: of that configuration.
        patients: share of the training patients.
        out: the folder of the study.
        data: digest of the store.

    Raises:
        CheckpointError: a run folder whose configuration is damaged.
    """
    fields = config.model_dump(mode="json")
    parts, plans = fields.pop("method"), fields.pop("stages")
    owner = {stage.name: _owner(parts, stage.name) for stage in method.stages() if stage.method is not method}
    first = tuple(takewhile(lambda name: owner[name] is not None, owner))
    if not first:
        return None
    told = [fields, patients, data, {name: [parts[owner[name]], plans[name]] for name in first}]
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:8]
    folder = out / f"{'-'.join(first)}-{digest}-seed-{config.seed}"
    begun = folder / "config.json"
    if begun.exists():
        return Shared(first, _begun(begun), folder)
    return Shared(first, config.without(config.stages.keys() - set(first)), folder)


def _begun(file: Path) -> Config:
    """The configuration with which the first row began the training."""
    try:
        with reading(file):
            return Config.model_validate_json(json.dumps(json.loads(file.read_bytes())["config"]))
    except (KeyError, TypeError, ValueError, ConfigError) as error:
        raise CheckpointError(f"{file}: is damaged ({brief(error)}); remove {file.parent} to train it anew") from error


def _owner(parts: Mapping[str, Any], stage: str) -> str | None:
    """The part of a method's configuration that is named as the stage, or holds one that is."""
    for name, part in parts.items():
        if isinstance(part, dict) and (name == stage or _owner(part, stage) is not None):
            return name
    return None
