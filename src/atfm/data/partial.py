"""The hidden folder in which a store grows, beside the name that it will take once that is free.

Whoever holds the lock of that name (`io.lock.file_lock`) is the only one that makes a store of it, so that every such
folder but its own was left behind: by its lock it is judged, never by the age of its files.
"""

import secrets
import shutil
from pathlib import Path

from atfm.data.layout import FILES, StoreInfo, read_info, sha256
from atfm.disk.lock import drop_dead
from atfm.errors import InputError, StoreError

__all__ = ["check_free", "left_behind", "partial_folder", "remove", "whole_store"]


def check_free(path: Path) -> None:
    """Refuse a path at which there is something already; an empty folder is nothing.

    Raises:
        InputError: naming it.
    """
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        drop_dead(path)
        raise InputError(f"{path}: exists already; give the name of a new folder, or remove this one first")


def partial_folder(path: Path, fingerprint: str | None) -> Path:
    """Make the hidden folder of the store `path`, or find the one that an import of this fingerprint left.

    Those that nothing can go on from, as they have no fingerprint, are removed. Those of other imports stay until the
    store is there; see `left_behind`.
    """
    prefix, begun = f".{path.name}.partial-", f".{path.name}.partial-once-"
    folder = path.with_name(prefix + fingerprint[:16] if fingerprint else begun + secrets.token_hex(8))
    for other in folders(path, begun):
        remove(other)
    folder.mkdir(exist_ok=fingerprint is not None)
    return folder


def whole_store(folder: Path) -> StoreInfo | None:
    """The store in a folder whose import was stopped when it was whole, byte for byte, and only lacked its name."""
    try:
        info = read_info(folder)
    except StoreError:
        return None
    files = [folder / name for name in FILES]
    return info if all(file.exists() and sha256(file) == info.files[file.name] for file in files) else None


def left_behind(path: Path) -> list[Path]:
    """The folders that other imports left: once the store `path` is there, they cannot become it any more."""
    return folders(path, f".{path.name}.partial-")


def remove(folder: Path) -> None:
    """Remove a folder; what cannot be removed stays, as it is in nobody's way."""
    shutil.rmtree(folder, ignore_errors=True)


def folders(path: Path, prefix: str) -> list[Path]:
    """The hidden folders beside `path` whose names begin so; no links."""
    there = sorted(path.parent.iterdir())
    return [other for other in there if other.name.startswith(prefix) and other.is_dir() and not other.is_symlink()]
