"""`Planned`: a configuration, why each of its fields is what it is, and what is to be known before it is trained."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from atfm.plan.facts import Facts
from atfm.plan.reason import Reason
from atfm.plan.toml import as_toml
from atfm.train.config import Config

__all__ = ["Planned"]


@dataclass(frozen=True)
class Planned:
    """A plan.

    Args:
        config: what is to be trained.
        reasons: why, field by field.
        warnings: sentences on what does not fit, and on what the set cannot teach.
        facts: that it was made from.
        seconds: of the whole training here, as measured; None where it was not measured.
    """

    config: Config
    reasons: Sequence[Reason]
    warnings: Sequence[str]
    facts: Facts
    seconds: float | None = None

    @cached_property
    def fields(self) -> dict[str, Any]:
        """The few fields that depart from the defaults; with `preset = "own"` they are the whole configuration."""
        given = self.config.model_dump(mode="json", exclude_defaults=True)
        full = self.config.model_dump(mode="json")
        stages = {name: {"steps": full["stages"][name]["steps"], **given["stages"][name]} for name in full["stages"]}
        method = {"name": self.config.method.name, **given["method"]}
        rest = {name: value for name, value in given.items() if name not in ("method", "stages", "preset")}
        return _without_none({"preset": "own", **rest, "method": method, "stages": stages})

    def toml(self) -> str:
        """The plan as a file that `atfm train` takes, each choice with its reason."""
        facts = self.facts
        head = [f"A plan for {facts.name}: {facts.cases:,} training cases of {facts.patients:,} patients."]
        head += [f"Warning: {warning}" for warning in self.warnings]
        comments: dict[str, str] = {}
        for reason in self.reasons:
            if _has(self.fields, reason.field):
                said = f"{reason.value}: {reason.why}"
                comments[reason.field] = "; ".join(filter(None, [comments.get(reason.field), said]))
            else:
                head.append(str(reason))
        return as_toml(self.fields, comments, head)

    def as_json(self) -> dict[str, Any]:
        """All of it."""
        return {
            "config": self.fields,
            "reasons": [reason.as_json() for reason in self.reasons],
            "warnings": list(self.warnings),
            "facts": self.facts.as_json(),
            "seconds": self.seconds,
        }


def _without_none(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The same without what is None, which is the default of every field that may be so."""
    kept = {name: value for name, value in fields.items() if value is not None}
    return {name: _without_none(value) if isinstance(value, Mapping) else value for name, value in kept.items()}


def _has(fields: Mapping[str, Any], field: str) -> bool:
    """Whether a field with dots is among the fields."""
    value: Any = fields
    for name in field.split("."):
        if not isinstance(value, Mapping) or name not in value:
            return False
        value = value[name]
    return True
