"""The presets of all methods, and files that override one."""

import difflib
import math
import tomllib
from pathlib import Path
from typing import Any

import yaml

from atfm.errors import ConfigError
from atfm.io.decoding import brief
from atfm.methods import METHODS
from atfm.train.config import Config, override

__all__ = ["presets", "resolve"]

_LARGEST = 2**16  # bytes of a configuration file: a hundred times what one takes
_MOST_VALUES = 10_000


def presets() -> dict[str, Config]:
    """Return the configurations of all methods by their names."""
    known = [(name, fields) for entry in METHODS.values() for name, fields in entry.presets.items()]
    return {name: Config.model_validate({"preset": name, **fields}) for name, fields in known}


def resolve(preset: str) -> Config:
    """Return the preset of that name, or the configuration in a TOML or YAML file of that path.

    A file may name the preset that it starts from with `preset = "lidc"`; every other field overrides it.

    Raises:
        ConfigError: an unknown preset, an unreadable file, or a field that is unknown or ill-typed.
    """
    known = presets()
    if preset in known:
        return known[preset]
    path = Path(preset)
    if path.suffix not in {".toml", ".yaml", ".yml"}:
        near = difflib.get_close_matches(preset, known, 1)
        hint = f"did you mean {near[0]}?" if near else f"expected one of {', '.join(known)}, or a .toml or .yaml file"
        raise ConfigError(f"preset {preset!r} is unknown; {hint}")
    fields = _fields(path)
    if not isinstance(fields, dict):
        raise ConfigError(f"configuration {path}: expected fields with values, got {type(fields).__name__}")
    base = fields.get("preset", "lidc")
    if not isinstance(base, str) or base not in known:
        raise ConfigError(
            f"configuration {path}: preset {brief(base)!r} is unknown; expected one of {', '.join(known)}"
        )
    try:
        return override(known[base], fields, source=f"configuration {path}")
    except (ConfigError, ValueError) as error:  # ValueError: a number of more digits than JSON may have
        raise ConfigError(brief(error, 400 + len(str(path)))) from error


class _Plain(yaml.SafeLoader):
    """YAML without `<<`, by which a page of text is merged with itself a billion times."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        if any(key.tag == "tag:yaml.org,2002:merge" for key, _ in node.value):
            raise yaml.YAMLError("it merges fields by <<; write them out")


def _fields(path: Path) -> Any:
    """What a TOML or YAML file holds, refused where it is more, or less plain, than a configuration can be."""
    try:
        if path.stat().st_size > _LARGEST:
            raise ConfigError(f"configuration {path}: expected at most {_LARGEST} bytes; give the fields that differ")
        text = path.read_text("utf-8")
        fields = tomllib.loads(text) if path.suffix == ".toml" else yaml.load(text, _Plain)
    # PyYAML raises whatever Python does over dates and numbers that are none
    except (OSError, ValueError, LookupError, TypeError, ArithmeticError, RecursionError, yaml.YAMLError) as error:
        reason = brief(" ".join(str(error).split()), 400)
        raise ConfigError(f"configuration {path}: cannot be read: {reason}") from error
    left, seen = [fields], 0
    while left:  # aliases of YAML make a billion values of a page of text, or endlessly many
        value, seen = left.pop(), seen + 1
        if seen > _MOST_VALUES:
            raise ConfigError(f"configuration {path}: more than {_MOST_VALUES} values; give the fields that differ")
        if isinstance(value, dict):
            if not all(isinstance(name, str) for name in value):
                raise ConfigError(f"configuration {path}: expected the names of fields to be text")
            left += value.values()
        elif isinstance(value, list):
            left += value[: _MOST_VALUES + 1]
        elif isinstance(value, float) and not math.isfinite(value):
            raise ConfigError(f"configuration {path}: a value is {value}; expected a finite number")
    return fields
