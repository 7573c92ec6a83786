"""Results that know what made them: JSON objects with the SHA-256 of themselves, and with what they were made of.

`made_by` is whatever decides a result: the configuration, the digests of data and weights, samples, seed. A result of
other things is not taken for the one that is wanted, and one of which a digit was changed is not taken for any.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from atfm.disk.atomic import atomic_write
from atfm.disk.machine import reading

__all__ = ["differing", "digest", "in_words", "is_whole", "plain", "read_sealed", "sealed", "write_sealed"]

SEAL = "sha256"


def plain(value: Any) -> Any:
    """The same value as JSON gives it back: tuples as lists, keys as text."""
    return json.loads(json.dumps(value))


def digest(value: object) -> str:
    """SHA-256, in hex, of a value that JSON can hold, whatever the order of its keys."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def sealed(document: Mapping[str, Any], field: str = SEAL) -> dict[str, Any]:
    """The document with its own SHA-256, in a field of that name.

    It finds accidents, and edits made by hand; it is no signature: whoever can run this can seal anything.
    """
    value = plain({name: entry for name, entry in document.items() if name != field})
    return value | {field: digest(value)}


def is_whole(document: Any, field: str = SEAL) -> bool:
    """Whether a document is what was sealed, to the last digit."""
    if not isinstance(document, dict) or field not in document:
        return False
    return bool(document[field] == digest({name: entry for name, entry in document.items() if name != field}))


def write_sealed(file: Path, value: object, made_by: Mapping[str, object]) -> None:
    """Write a value and what made it, whole or not at all.

    Raises:
        DiskError: no space, no permission, a failing disk or an impossible path.
    """
    document = sealed({"made_by": made_by, "value": value})
    with atomic_write(file) as temporary:
        temporary.write_text(json.dumps(document) + "\n", "utf-8")


def read_sealed(file: Path, made_by: Mapping[str, object]) -> tuple[Any, str]:
    """The value of a file, and why there is none.

    Args:
        file: that `write_sealed` wrote.
        made_by: what the value has to be made by.

    Returns:
        The value and "", or None and the reason in half a sentence: "" where there is no file, else "is damaged", or
        what made it that differs.

    Raises:
        DiskError: the machine refuses to read it.
    """
    try:
        with reading(file):
            document = json.loads(file.read_bytes())
    except FileNotFoundError:
        return None, ""
    except (ValueError, RecursionError):
        return None, "is damaged"
    if not isinstance(document, dict) or "made_by" not in document or "value" not in document:
        return None, "does not say what made it"
    if not is_whole(document):
        return None, "is damaged"
    names = differing(document["made_by"], plain(made_by))
    if names:
        return None, f"was made otherwise ({in_words(document['made_by'], plain(made_by))})"
    return document["value"], ""


def differing(there: Any, here: Mapping[str, Any]) -> list[str]:
    """The names of what differs, in the order of `here`, then what only the other has."""
    other = there if isinstance(there, dict) else {}
    return [name for name in dict.fromkeys([*here, *other]) if other.get(name) != here.get(name)]


def in_words(there: Any, here: Mapping[str, Any]) -> str:
    """What differs and, where it is short, how: `seed: 0 there, 3 here`."""
    other = there if isinstance(there, dict) else {}
    told = [
        f"{name}: {other.get(name)} there, {here.get(name)} here"
        if _short(other.get(name)) and _short(here.get(name))
        else name
        for name in differing(there, here)
    ]
    return ", ".join(told) or "its form"


def _short(value: object) -> bool:
    return value is None or (isinstance(value, str | int) and len(str(value)) < 40)
