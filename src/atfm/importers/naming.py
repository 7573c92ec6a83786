"""Names of other people's files: the order in which people count them, how an error shows one, and patterns of them.

In a pattern such as `masks/{case}_{annotator}.png`, `{name}` stands for one or more characters other than a slash, `*`
for any number of them. A placeholder that occurs twice has to be the same both times. Letters count as they are, but
not those of an extension: `{case}.png` fits `a.PNG`. A pattern that ends in a slash names folders.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from atfm.errors import InputError
from atfm.io.decoding import is_plain
from atfm.io.naming import natural

__all__ = ["Pattern", "natural", "printable", "shown"]

PLACEHOLDERS = ("case", "annotator", "patient")
EXTENSION = re.compile(r"(\.nii|\.seg)?\.[A-Za-z0-9]+$", re.IGNORECASE)


def shown(name: object, most: int = 100) -> str:
    """A stranger's name on one line: what cannot be printed is escaped, and what is long is cut."""
    text = "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in str(name)[: most + 1])
    return text if len(text) <= most else text[:most] + "..."


def printable(name: str, folder: Path) -> str:
    """The name of a file as it is.

    Raises:
        InputError: it holds line breaks or other characters that cannot be printed.
    """
    if not is_plain(name):
        raise InputError(f"{folder}: holds a file named {shown(name)}, which cannot be printed; rename it")
    return name


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
        found = EXTENSION.search(self.parts[-1])
        self.extension = found[0] if found else ""

    @property
    def literals(self) -> int:
        """How many letters it fixes: of two patterns that fit a name, the one with more of them is more specific."""
        return sum(len(part) for part in self.parts if part[0] not in "{}*")

    def matches(self, name: str) -> Iterator[dict[str, str]]:
        """Every way to read `name`, the longest first: `a_b_c` may be case a_b or case a of `{case}_{annotator}`."""
        end = len(name) - len(self.extension)
        if self.extension and name[end:].lower() == self.extension.lower():
            name = name[:end] + self.extension
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
