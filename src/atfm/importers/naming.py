"""Names of other people's cases: the order in which people count them, and how an error shows one."""

import re
from pathlib import Path

from atfm.errors import InputError
from atfm.io.decoding import is_plain

__all__ = ["natural", "printable", "shown"]


def natural(text: str) -> list[tuple[str, int, str]]:
    """Sort key by which slice-2 comes before slice-10; a number is told by how many digits it has, then by them."""
    parts = [(word, number.lstrip("0")) for word, number in re.findall(r"([^0-9]*)([0-9]*)", text)]
    return [(word, len(number), number) for word, number in parts]


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
