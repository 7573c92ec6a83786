"""What of a card may be edited once it is written: words about the weights, and how they are sampled.

Everything else says what was trained on what, and belongs to the weights as they are.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from atfm.errors import ConfigError
from atfm.io.decoding import brief
from atfm.train.config import Config, override
from atfm.train.migration import migrated

__all__ = ["EDITS", "SAMPLING", "WORDS", "edited", "reapplied"]

WORDS = ("name", "licence", "notes")  # of the card itself
SAMPLING = ("steps", "solver", "temperature", "turns")  # of the method: no weight depends on them
EDITS = "edits"

_LONGEST = 10_000


def edited(card: Mapping[str, Any], changes: Mapping[str, Any], when: str) -> dict[str, Any]:
    """Return the card with fields changed, and each change recorded in its `edits`; what is so already is none.

    Args:
        card: of whatever version; it becomes one of today.
        changes: by the name of the field, one of `WORDS` or `SAMPLING`, or the whole path of the latter
            (`method.sfm.temperature`); null takes a word away.
        when: of the edit, for the record.

    Raises:
        ConfigError: a field that there is not, or that is not to be edited, or a value that it cannot have.
    """
    new = dict(migrated(card))
    record: list[dict[str, Any]] = list(new.get(EDITS, []))
    for field, value in changes.items():
        before = new.get(field) if field in WORDS else None
        if field in WORDS:
            new = _with_word(new, field, value)
        else:
            field, before, value = _resolved(new, field, value)
            new["config"] = _sampled(new["config"], field, value)
        if value != before:  # the same command again, such as after one that was killed, is no further edit
            record.append({"field": field, "from": before, "to": value, "when": when})
    return new | ({EDITS: record} if record else {})


def reapplied(card: Mapping[str, Any], record: list[dict[str, Any]]) -> dict[str, Any]:
    """Return a card that a training writes anew with the edits that were made to the one before.

    Raises:
        ConfigError: an edit of a field that the card does not have.
    """
    new = dict(card)
    for edit in record:
        if edit["field"] in WORDS:
            new = _with_word(new, edit["field"], edit["to"])
        else:
            new["config"] = _sampled(new["config"], edit["field"], edit["to"])
    return new | ({EDITS: record} if record else {})


def _with_word(card: dict[str, Any], field: str, value: Any) -> dict[str, Any]:
    if value is not None and (not isinstance(value, str) or len(value) > _LONGEST):
        raise ConfigError(f"{field}: expected a text of at most {_LONGEST} letters, or null, got {brief(value)}")
    rest = {name: entry for name, entry in card.items() if name != field}
    return rest if value is None else rest | {field: value}


def _resolved(card: Mapping[str, Any], field: str, value: Any) -> tuple[str, Any, Any]:
    """The whole path of a field of sampling, what it is now, and what it is to be."""
    there = dict(_sampling(_config(card["config"]).method, "method."))
    chosen = [path for path in there if field in (path, path.rpartition(".")[2])]
    if not chosen:
        names = ", ".join([*WORDS, *there])
        raise ConfigError(
            f"{brief(field)}: expected a field of a card that may be edited, which are {names}; what the weights were "
            "trained as stays as it was"
        )
    # Of several the one by which these weights are sampled: that of the stage that they are of, else the last one's.
    stage = card["training"]["stage"]
    path = next((path for path in chosen if path.split(".")[1] == stage), chosen[-1])
    return path, there[path], value


def _sampling(part: BaseModel, prefix: str) -> Iterator[tuple[str, Any]]:
    for name in type(part).model_fields:
        value = getattr(part, name)
        if isinstance(value, BaseModel):
            yield from _sampling(value, f"{prefix}{name}.")
        elif name in SAMPLING:
            yield prefix + name, value


def _config(fields: Mapping[str, Any]) -> Config:
    try:
        return Config.model_validate_json(json.dumps(fields))
    except ValidationError as error:
        raise ConfigError(f"the configuration of the card: {brief(' '.join(str(error).split()))}") from error


def _sampled(config: Mapping[str, Any], path: str, value: Any) -> dict[str, Any]:
    """The configuration of a card with another value of one field, checked as any configuration is."""
    fields: Any = value
    for name in reversed(path.split(".")):
        fields = {name: fields}
    return override(_config(config), fields, source="card").model_dump(mode="json")
