"""A configuration as TOML, with a comment for each choice."""

import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

__all__ = ["as_toml"]

_WIDTH = 110


def as_toml(fields: Mapping[str, Any], comments: Mapping[str, str], head: Sequence[str] = ()) -> str:
    """Return fields as TOML 1.0; what is None, for which TOML has no word, must not be among them.

    Args:
        fields: numbers, words, lists and tables of these.
        comments: by the field's name with dots, or by a table's; each stands before it.
        head: comments that stand before all fields.
    """
    lines = [line for text in head for line in _comment(text)]
    return "\n".join([*lines, "", *_table(fields, comments, ())]).strip() + "\n"


def _table(fields: Mapping[str, Any], comments: Mapping[str, str], path: tuple[str, ...]) -> Iterator[str]:
    plain = {name: value for name, value in fields.items() if not isinstance(value, Mapping)}
    if path and (plain or ".".join(path) in comments):  # else the tables within it say enough
        yield ""
        yield from _comment(comments.get(".".join(path)))
        yield f"[{'.'.join(path)}]"
    for name, value in plain.items():
        yield from _comment(comments.get(".".join((*path, name))))
        # JSON's numbers, words, lists and truth values are TOML's too
        yield f"{name} = {json.dumps(value, ensure_ascii=False, allow_nan=False)}"
    for name, value in fields.items():
        if isinstance(value, Mapping):
            yield from _table(value, comments, (*path, name))


def _comment(text: str | None) -> list[str]:
    return [f"# {line}" for line in textwrap.wrap(" ".join((text or "").split()), _WIDTH)]
