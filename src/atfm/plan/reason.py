"""`Reason`: why a field of a plan is what it is."""

from dataclasses import dataclass
from typing import Any

from atfm.plan.rules import RULES

__all__ = ["Reason"]


@dataclass(frozen=True)
class Reason:
    """Why a field of a plan is what it is.

    Args:
        field: of the configuration, with dots; what is chosen by leaving it out is named too.
        value: what was chosen, in words.
        why: what of this data set decided it.
        rule: by which, one of `atfm.plan.rules.RULES`.
    """

    field: str
    value: str
    why: str
    rule: str

    def as_json(self) -> dict[str, Any]:
        """All of it, with what the rule says and what it stands on."""
        rule = RULES[self.rule]
        own = {"field": self.field, "value": self.value, "why": self.why}
        return {**own, "rule": rule.says, "source": rule.source}

    def __str__(self) -> str:
        return f"{self.field} = {self.value}: {self.why}"
