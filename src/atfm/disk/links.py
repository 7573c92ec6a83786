"""Links that somebody may have planted: nothing is written through one."""

from pathlib import Path

from atfm.errors import DiskError

__all__ = ["refuse_link"]


def refuse_link(path: Path) -> None:
    """Refuse a symbolic link where a folder or a file is to be written; the folders above it may be links.

    Raises:
        DiskError: a link, named with where it leads.
    """
    if path.is_symlink():
        raise DiskError(
            f"{path}: a link to {path.readlink()}, which is not followed; remove it, or give that path itself"
        )
