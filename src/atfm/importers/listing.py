"""What lies in a folder: the names of its files in natural order, hidden ones passed over and counted."""

from pathlib import Path

from atfm.errors import InputError
from atfm.importers.naming import natural
from atfm.io.hidden import is_hidden, passed_over

__all__ = ["listed"]


def listed(folder: Path, skipped: list[str], *, folders: bool = False) -> list[str]:
    """The names of all files below a folder, with forward slashes, in natural order.

    Args:
        folder: where to begin; it may be hidden itself.
        skipped: takes a line that counts and names the hidden files.
        folders: name the folders that hold files too, with a slash at the end.

    Raises:
        InputError: no such folder.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder")
    names = [file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()]
    hidden = [name for name in names if is_hidden(name)]
    skipped += passed_over(folder, hidden)
    kept = set(names).difference(hidden)
    if folders:
        kept |= {name.rpartition("/")[0] + "/" for name in kept if "/" in name}
    return sorted(kept, key=natural)
