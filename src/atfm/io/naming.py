"""Names against paths: what is known by a name is taken by it, unless a path is given; and how people count names."""

import os
import re
import warnings
from pathlib import Path

from atfm.errors import AtfmWarning
from atfm.io.decoding import is_plain

__all__ = ["hidden_by", "is_folder_name", "is_name", "natural"]


def is_name(given: str | Path) -> bool:
    """Whether what a user gave may be a name: no `Path`, no separator in it."""
    return isinstance(given, str) and os.sep not in given and not (os.altsep and os.altsep in given)


def hidden_by(name: str, what: str) -> None:
    """Say that a name was taken for what it names, where a file or folder of that name is there too.

    Args:
        name: what the user gave.
        what: that it names, such as "the shipped weights".
    """
    if Path(name).exists():
        told = f"{name}: taken for {what} of this name, not for the folder that lies here; for that give ./{name}"
        warnings.warn(told, AtfmWarning, stacklevel=2)


def is_folder_name(name: str) -> bool:
    """Whether a name, put behind a folder, leads to something in that folder: no separator, and more than dots."""
    return bool(name.strip(". ")) and is_plain(name) and not any(sign in name for sign in "/\\")


def natural(text: str) -> list[tuple[str, int, str]]:
    """Sort key by which slice-2 comes before slice-10; a number is told by how many digits it has, then by them."""
    parts = [(word, number.lstrip("0")) for word, number in re.findall(r"([^0-9]*)([0-9]*)", text)]
    return [(word, len(number), number) for word, number in parts]
