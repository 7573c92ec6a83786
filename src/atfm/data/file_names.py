"""Names of files for cases: what another program can be given, and what it gives back is known by.

A case of LIDC is called `LIDC-IDRI-0001/nodule-0/slice-3`, which is no name of a file;
`LIDC-IDRI-0001__nodule-0__slice-3` is. Names belong to a whole store: where two cases would have one name (capitals
count as small letters, since some disks know no other), both have the head of a digest behind it.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Sequence

__all__ = ["file_names"]

_LONGEST = 150  # bytes, so that a suffix and a hidden temporary name still fit
_STRANGE = re.compile(r"[^\w.~-]")  # white space, and what shells, Windows and other programs take for something else


def file_names(case_ids: Sequence[str]) -> dict[str, str]:
    """Return the name of each case of a store, by its id; no two are alike, and each is a name on every system.

    Args:
        case_ids: all of the store, so that a name does not depend on which of them are wanted.
    """
    plain = {case_id: _plain(case_id) for case_id in case_ids}
    often = Counter(name.casefold() for name in plain.values())
    return {
        case_id: name if often[name.casefold()] == 1 and len(name.encode()) <= _LONGEST else _told_apart(case_id, name)
        for case_id, name in plain.items()
    }


def _plain(case_id: str) -> str:
    name = _STRANGE.sub("_", case_id.replace("/", "__"))
    return f"_{name}" if not name.strip(".") or name[0] in ".-" else name


def _told_apart(case_id: str, name: str) -> str:
    short = name.encode()[: _LONGEST - 17].decode(errors="ignore")
    return f"{short}~{hashlib.sha256(case_id.encode()).hexdigest()[:16]}"
