"""The scores of each class: which classes have columns of their own, and what the columns are called.

A column `ged_16/liver` is the `ged_16` of the class `liver`; without a class it is that of the masks as wholes.
"""

from collections.abc import Mapping
from typing import TypeVar

from atfm.data.layout import StoreInfo

__all__ = ["of_class", "of_wholes", "scored_classes"]

Value = TypeVar("Value")


def scored_classes(info: StoreInfo) -> tuple[str, ...]:
    """The classes that are scored one by one too; none where there is one object, whose scores are the case's own."""
    return info.foreground if len(info.foreground) > 1 else ()


def of_class(scores: Mapping[str, Value], name: str) -> dict[str, Value]:
    """The scores of one class, without its name: `ged_16/liver` as `ged_16`."""
    parts = ((column.partition("/"), value) for column, value in scores.items())
    return {metric: value for (metric, slash, own), value in parts if slash and own == name}


def of_wholes(scores: Mapping[str, Value]) -> dict[str, Value]:
    """The scores of the masks as wholes, all classes together."""
    return {column: value for column, value in scores.items() if "/" not in column}
