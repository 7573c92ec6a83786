"""What looking through a folder or file finds and leaves out, as lines that count and name it."""

from collections.abc import Iterable

from atfm.importers.naming import shown

__all__ = ["left_out"]

LISTED = 5


def left_out(where: object, names: Iterable[object], why: str, one: str = "file", several: str = "files") -> list[str]:
    """A line that counts what is left out and names the first few; no line where there is nothing.

    Args:
        where: the folder or file.
        names: of what is left out.
        why: what it is, such as "fit neither pattern".
        one: what to call it.
        several: what to call more than one.
    """
    listed = [shown(name) for name in names]
    if not listed:
        return []
    more = f" and {len(listed) - LISTED} more" if len(listed) > LISTED else ""
    count = f"1 {one}" if len(listed) == 1 else f"{len(listed)} {several}"
    return [f"{where}: {count} left out, {why}: {', '.join(listed[:LISTED])}{more}"]
