"""The folder of one result: one writer at a time, all files or none, and no other result replaced in silence.

    with held(folder, made_by, overwrite=False) as there:   # nobody else writes there, and nothing else lies there
        with published(folder) as stage:              # files are made in `stage`, a hidden folder in it
            ...                                       # ... and take their places together when the block ends

What is there already, of the same making and whole to the last byte, need not be made again. `sample.json` is written
last and says which files are the result's and what made them: a folder without it holds no
result. To publish is to take that file away, then the old result's other files, then to put the new ones in their
places, `sample.json` last. If that is cut short the next run goes on with it, so files of two results never lie side by
side. Only names that a `sample.json` lists are ever removed.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Any

from atfm.disk.atomic import atomic_write, disk_errors
from atfm.disk.links import refuse_link
from atfm.disk.lock import folder_lock
from atfm.disk.sealed import differing, is_whole, plain, sealed
from atfm.errors import DiskError, InputError
from atfm.io.decoding import brief

__all__ = ["RESULT", "held", "published", "seal"]

RESULT = "sample.json"
STAGE = ".writing"  # in the folder
OLD = "replaced.json"  # in STAGE, once all is there: the names of the files that the old result had
ALWAYS = "overlay.png"  # a file that every result has
LARGEST = 2**26  # bytes of a `sample.json`; that of 4,096 samples has 10^5


@contextmanager
def held(folder: Path, made_by: Mapping[str, Any], *, overwrite: bool) -> Iterator[dict[str, Any] | None]:
    """Be the only one that writes in the folder of a result, which is made if it is missing, while the block lasts.

    Args:
        folder: of one result; no link.
        made_by: what the new result will be of.
        overwrite: whether another result may be replaced, or files that are no result's; nothing is then taken as it
            is.

    Yields:
        What lies there already, if it is this very result and whole; else None.

    Raises:
        BusyError: another process is writing there.
        InputError: a result of something else, or files that are no result's.
        DiskError: a link, or a folder that cannot be written.
    """
    with folder_lock(folder):
        if not os.access(folder, os.W_OK | os.X_OK):
            raise DiskError(f"{folder}: no permission to write there; choose another folder")
        with disk_errors(folder):
            _finish(folder)
        yield None if overwrite else _there(folder, plain(made_by))


@contextmanager
def published(folder: Path, *, overwrite: bool) -> Iterator[Path]:
    """Give a hidden folder to write a result's files to; they take their places together if the block succeeds.

    Args:
        folder: of one result, `held`.
        overwrite: whether files that are no result's may be replaced.

    Yields:
        The folder; the block writes RESULT into it, last (`seal` makes its content).

    Raises:
        InputError: a file in the way that is no result's.
        DiskError: a file that could not be written, or a link in the way.
    """
    stage = folder / STAGE
    with disk_errors(folder):
        stage.mkdir()
    try:
        yield stage
        with disk_errors(folder):
            old = _listed(folder / RESULT)
            new = [str(file.relative_to(stage)) for file in sorted(stage.rglob("*")) if file.is_file()]
            _check_free(folder, [name for name in new if name not in {*old, RESULT}], overwrite=overwrite)
            with atomic_write(stage / OLD) as temporary:  # from here on it will be published, whatever happens
                temporary.write_text(json.dumps(sorted(old)), "utf-8")
    except BaseException:
        shutil.rmtree(stage, ignore_errors=True)
        raise
    with disk_errors(folder):
        _finish(folder)


def _finish(folder: Path) -> None:
    """Go on with what an earlier run has left: publish what was complete, clear away what was not."""
    stage = folder / STAGE
    if stage.is_symlink():
        stage.unlink()
        return
    if not (stage / RESULT).exists() or not (stage / OLD).exists():
        with suppress(FileNotFoundError):
            shutil.rmtree(stage)
        return
    new, old = _listed(stage / RESULT), _names(json.loads((stage / OLD).read_text("utf-8")))
    (folder / RESULT).unlink(missing_ok=True)
    for name in sorted(old):
        moved = name in new and not (stage / name).exists()  # it is the new file already
        if not moved and _is_plain(folder, name):
            (folder / name).unlink(missing_ok=True)
            with suppress(OSError):  # a folder that another file is in
                (folder / name).parent.rmdir()
    names = [str(file.relative_to(stage)) for file in sorted(stage.rglob("*")) if file.is_file()]
    for name in [*(name for name in names if name not in (RESULT, OLD)), RESULT]:
        (folder / name).parent.mkdir(exist_ok=True)
        (stage / name).replace(folder / name)
    shutil.rmtree(stage)


def seal(stage: Path, result: Mapping[str, Any]) -> dict[str, Any]:
    """A result with the SHA-256 of all its files, and of itself."""
    files = [file for file in sorted(stage.rglob("*")) if file.is_file()]
    return sealed({**result, "digests": {str(file.relative_to(stage)): _sha256(file) for file in files}})


def _there(folder: Path, made_by: Mapping[str, Any]) -> dict[str, Any] | None:
    """The result that a folder holds, if it is the one of `made_by` and whole; another one is refused."""
    remedy = "choose another --out, or replace it with --overwrite"
    if not (folder / RESULT).exists():
        _check_free(folder, [ALWAYS], overwrite=False)
        return None
    there = _read(folder / RESULT)
    found = there.get("made_by") if isinstance(there, dict) else None
    if not isinstance(there, dict) or not isinstance(found, dict):
        raise InputError(f"{folder}: its {RESULT} does not say what made it; {remedy}")
    names = differing(found, made_by)
    if names:
        told = ", ".join(f"{name} {brief(found.get(name), 40)}, not {brief(made_by.get(name), 40)}" for name in names)
        raise InputError(f"{folder}: holds another result: {told}; {remedy}")
    digests = there.get("digests")
    if not is_whole(there) or not isinstance(digests, dict) or set(digests) != _listed(folder / RESULT):
        return None
    same = all(_is_plain(folder, name) and _sha256(folder / name) == digests[name] for name in digests)
    return there if same else None


def _sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _check_free(folder: Path, names: list[str], *, overwrite: bool) -> None:
    """Refuse names that something else than a result has."""
    for name in names:
        path = folder / name
        for parent in path.relative_to(folder).parents:
            refuse_link(folder / parent)
        if path.is_symlink() or (path.exists() and (path.is_dir() or not overwrite)):
            raise InputError(
                f"{path}: is there already, and no file of a result of atfm; choose another --out, or remove it"
            )


def _read(file: Path) -> Any:
    """What a result's JSON holds; None of a file that is none."""
    try:
        if file.is_symlink() or file.stat().st_size > LARGEST:
            return None
        return json.loads(file.read_text("utf-8"))
    except (FileNotFoundError, ValueError, RecursionError):
        return None


def _listed(file: Path) -> set[str]:
    """The names of the files that a result's JSON lists."""
    result = _read(file)
    if not isinstance(result, dict):
        return set()
    files, hypotheses = result.get("files"), result.get("hypotheses")
    found = list(files.values()) if isinstance(files, dict) else []
    for one in hypotheses if isinstance(hypotheses, list) else []:
        found.append(one.get("file") if isinstance(one, dict) else None)
    return _names([name for entry in found for name in (entry if isinstance(entry, list) else [entry])]) - {RESULT}


def _names(found: Any) -> set[str]:
    """Of what a file lists the names that lead to a file in its folder, or in a folder in that."""
    listed = [name for name in found if isinstance(name, str)] if isinstance(found, list) else []
    return {name for name in listed if _is_name(name)}


def _is_name(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return 1 <= len(parts) <= 2 and str(PurePosixPath(name)) == name and all(part[0] not in "./" for part in parts)


def _is_plain(folder: Path, name: str) -> bool:
    """Whether a name is that of a file, and the folder it lies in is no link."""
    path = folder / name
    return not (path.parent != folder and path.parent.is_symlink()) and path.is_file() and not path.is_symlink()
