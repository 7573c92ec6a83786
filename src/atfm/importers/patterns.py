"""Patterns of file names with placeholders, such as `masks/{case}_{annotator}.png`.

`{name}` stands for one or more characters other than a slash, `*` for any number of them. A placeholder that occurs
twice has to be the same both times.
"""

import re
from collections.abc import Iterator, Mapping

from atfm.errors import InputError

__all__ = ["Pattern"]

PLACEHOLDERS = ("case", "annotator", "patient")


class Pattern:
    """One pattern.

    Args:
        text: with forward slashes, relative to the folder that is searched.

    Raises:
        InputError: an unknown placeholder, or no `{case}`.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.parts = re.findall(r"\{[^{}]*\}|\*|[^{}*]+|[{}]", text)
        for part in self.parts:
            if part[0] in "{}" and part not in [f"{{{name}}}" for name in PLACEHOLDERS]:
                raise InputError(
                    f"pattern {text!r}: unknown {part!r}; it may hold {{case}}, {{annotator}}, {{patient}}, *"
                )
        if "{case}" not in self.parts:
            raise InputError(f"pattern {text!r}: it has no {{case}}; put {{case}} where the name of a case stands")

    def matches(self, name: str) -> Iterator[dict[str, str]]:
        """Every way to read `name`, the longest first: `a_b_c` may be case a_b or case a of `{case}_{annotator}`."""
        yield from read(self.parts, name, {})


def read(parts: list[str], name: str, found: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Match `parts` against the whole of `name`, given what the placeholders before them were."""
    if not parts:
        if not name:
            yield dict(found)
        return
    part, rest = parts[0], parts[1:]
    key = part.strip("{}")
    if key in found and part != key:
        part = found[key]
    if part[0] != "{" and part != "*":
        if name.startswith(part):
            yield from read(rest, name[len(part) :], found)
        return
    slash = name.find("/")
    for end in range(len(name) if slash < 0 else slash, -1 if part == "*" else 0, -1):
        yield from read(rest, name[end:], found if part == "*" else {**found, key: name[:end]})
