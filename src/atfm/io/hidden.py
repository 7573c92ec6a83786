"""Files that systems leave among other people's data, and that are none: `._scan.png`, `.DS_Store`, `__MACOSX`."""

from collections.abc import Iterable
from pathlib import PurePath

__all__ = ["is_hidden", "passed_over"]

# What macOS, Windows and Synology's NAS put beside the files of their users.
_SYSTEM = {"__macosx", "thumbs.db", "desktop.ini", "@eadir", "$recycle.bin"}


def is_hidden(name: PurePath | str) -> bool:
    """Whether any part of a path within a folder or zip begins with a dot or is a system's own.

    Args:
        name: relative to the folder that was asked for, which may be hidden itself.
    """
    parts = PurePath(name).parts
    return any((part.startswith(".") and part != "..") or part.lower() in _SYSTEM for part in parts)


def passed_over(where: object, hidden: Iterable[str]) -> list[str]:
    """A line that counts and names the hidden files of a folder or zip; none where there are none."""
    names = sorted(hidden)
    if not names:
        return []
    first = names[0] if names[0].isprintable() else repr(names[0])[1:-1]
    count = "1 hidden file" if len(names) == 1 else f"{len(names)} hidden files"
    return [f"{where}: {count} passed over, such as {first[:100]}"]
