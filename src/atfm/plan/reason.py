"""`Reason`: why a field of a plan is what it is."""

from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Reason"]


@dataclass(frozen=True)
class Reason:
    """Why a field of a plan is what it is.

    Args:
        field: of the configuration, with dots; what is chosen by leaving it out is named too.
        value: what was chosen, in words.
        why: what of this data set decided it.
        source: what the rule stands on: a measurement of docs/experiments.md, or a paper.
    """

    field: str
    value: str
    why: str
    source: str

    def as_json(self) -> dict[str, Any]:
        """All four."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.field} = {self.value}: {self.why}"
