"""Files that belong together: all of them new, or all of them old, and a last one that names the others.

The last one, the manifest, holds the SHA-256 of the others and is sealed itself. It is removed before they change and
written after them: a folder without it was left by a process that was killed in between, which is told from a folder
that is whole, whatever else lies there.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from atfm.disk.atomic import disk_errors, new_temporary, settle_folder, sweep
from atfm.disk.machine import reading
from atfm.disk.sealed import is_whole, sealed

__all__ = ["changed", "read_manifest", "write_unit"]


def write_unit(folder: Path, files: Mapping[str, str], manifest: str, about: Mapping[str, Any]) -> dict[str, Any]:
    """Write files and their manifest into a folder that nobody else writes in (`lock.folder_lock`).

    Until all of them are whole on the disk nothing that was there has changed: a full disk takes nothing.

    Args:
        folder: made if it is missing.
        files: text by name.
        manifest: name of the last file.
        about: what it says besides.

    Returns:
        What it says.

    Raises:
        DiskError: no space, no permission, a failing disk or an impossible path.
    """
    content = {name: text.encode() for name, text in files.items()}
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in content.items()}
    document = sealed({**about, "files": digests})
    content[manifest] = (json.dumps(document, indent=1, allow_nan=False) + "\n").encode()
    with disk_errors(folder), ExitStack() as stack:
        folder.mkdir(parents=True, exist_ok=True)
        sweep(folder)
        temporaries = {name: stack.enter_context(new_temporary(folder / name)) for name in content}
        for name, data in content.items():
            with temporaries[name].open("wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
        (folder / manifest).unlink(missing_ok=True)
        settle_folder(folder)
        for name, temporary in temporaries.items():  # the manifest is the last of them
            temporary.replace(folder / name)
        settle_folder(folder)
    return document


def read_manifest(file: Path) -> Any:
    """What a manifest says, whole or not (see `is_whole`); None where there is none or it is no JSON.

    Raises:
        DiskError: the machine refuses to read it.
    """
    try:
        with reading(file):
            return json.loads(file.read_bytes())
    except (FileNotFoundError, ValueError, RecursionError):
        return None


def changed(folder: Path, document: Any) -> list[str]:
    """The files of a unit that are missing or not what was written, and "" for the manifest itself; [] if all is whole.

    Raises:
        DiskError: the machine refuses to read one.
    """
    if not is_whole(document) or not isinstance(document.get("files"), dict):
        return [""]
    return [name for name, wanted in document["files"].items() if _sha256(folder / name) != wanted]


def _sha256(file: Path) -> str:
    try:
        with reading(file), file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except FileNotFoundError:
        return ""
