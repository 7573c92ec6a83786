"""The presets of all methods, and files that override one."""

import difflib
import json
import math
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from atfm.disk.machine import reading
from atfm.errors import ConfigError
from atfm.io.decoding import brief
from atfm.methods import METHODS
from atfm.train.config import Config, override, whole

__all__ = ["OWN", "presets", "resolve"]

OWN = "own"  # the preset of a file that starts from none, such as what `atfm plan` writes

_LARGEST = 2**16  # bytes of a configuration file: a hundred times what one takes


def presets() -> dict[str, Config]:
    """Return the configurations of all methods by their names."""
    known = [(name, fields) for entry in METHODS.values() for name, fields in entry.presets.items()]
    return {name: Config.model_validate({"preset": name, **fields}) for name, fields in known}


def resolve(preset: str) -> Config:
    """Return the preset of that name, or the configuration in a TOML or JSON file of that path.

    A file may name the preset that it starts from with `preset = "lidc"`; every other field overrides it. With
    `preset = "own"` it stands by itself: it names its method and stages, and all else is as the defaults have it.

    Raises:
        ConfigError: an unknown preset, an unreadable file, or a field that is unknown or ill-typed.
    """
    known = presets()
    if preset in known:
        return known[preset]
    path = Path(preset)
    if path.suffix not in {".toml", ".json"}:
        raise ConfigError(f"preset {preset!r} is unknown; {_hint(preset, known)}, or give a .toml or .json file")
    fields = _fields(path)
    if not isinstance(fields, dict):
        raise ConfigError(f"configuration {path}: expected fields with values, got {type(fields).__name__}")
    base = fields.get("preset", "lidc")
    if base != OWN and (not isinstance(base, str) or base not in known):
        raise ConfigError(f"configuration {path}: preset {brief(base)!r} is unknown; {_hint(str(base), known)}")
    try:
        source = f"configuration {path}"
        return whole(fields, source=source) if base == OWN else override(known[base], fields, source=source)
    except (ConfigError, ValueError) as error:  # ValueError: a number of more digits than JSON may have
        raise ConfigError(brief(error, 400 + len(str(path)))) from error


def _hint(name: str, known: Mapping[str, Config]) -> str:
    """What may have been meant; there are too many presets to name them all in a line."""
    near = difflib.get_close_matches(name, known, 1)
    return f"did you mean {near[0]}? `atfm methods` lists all" if near else "`atfm methods` lists what there is"


def _fields(path: Path) -> Any:
    """What a TOML or JSON file holds, refused where it is more, or less plain, than a configuration can be."""
    try:
        with reading(f"configuration {path}"):
            if path.stat().st_size > _LARGEST:
                raise ConfigError(
                    f"configuration {path}: expected at most {_LARGEST} bytes; give the fields that differ"
                )
            text = path.read_text("utf-8")
        fields = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        reason = brief(" ".join(str(error).split()), 400)
        raise ConfigError(f"configuration {path}: cannot be read: {reason}") from error
    _check_finite(fields, path)
    return fields


def _check_finite(value: Any, path: Path) -> None:
    """Refuse numbers that are none; the size of the file bounds how deep and how many they are."""
    left = [value]
    while left:
        value = left.pop()
        if isinstance(value, float) and not math.isfinite(value):
            raise ConfigError(f"configuration {path}: a value is {value}; expected a finite number")
        left += value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
