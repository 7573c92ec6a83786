"""The rows of an unfinished evaluation: files that several processes write at once, and that a later run goes on from.

`<folder>/<name>.jsonl` holds a line of what is evaluated, then an `Entry` in each line, handed to the operating system
as soon as it exists. Every process of every run has a file of its own, so that none waits for another; a case is known
by its number, and counts once. A line begins with the SHA-256 of the rest of it and of what is evaluated: one that was
changed, or that comes from another evaluation, is not believed, and its case is scored again. So is that of a line that
a killed process left half-written.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from atfm.disk.atomic import disk_errors
from atfm.disk.lock import LOCK
from atfm.disk.machine import reading
from atfm.disk.sealed import digest, in_words, plain
from atfm.errors import InputError
from atfm.evaluate.rows import Entry

__all__ = ["Parts"]

Tell = Callable[[str], object]


class Parts:
    """The entries that are there so far of one evaluation.

    Args:
        folder: where they are, or will be.
        identity: what is evaluated and how, as JSON; entries of something else are refused.
        tell: is told once of each line that is damaged.

    Raises:
        InputError: a file where a folder should be.
    """

    def __init__(self, folder: Path, identity: Mapping[str, object], tell: Tell = lambda line: None) -> None:
        for place in (folder.parent, folder):
            if place.exists() and not place.is_dir():
                raise InputError(f"{place}: this is a file; give the name of a folder for the rows and the report")
        self.folder, self.tell = folder, tell
        self.identity = plain(identity)
        self.salt = digest(self.identity)
        self.told: set[str] = set()

    def __bool__(self) -> bool:
        """Whether there are any files, whatever they hold."""
        return bool(self._files())

    def read(self) -> dict[int, Entry]:
        """Return the entries of all files, by the number of the case, but for those of damaged lines.

        Raises:
            InputError: entries of another evaluation.
            DiskError: the machine refuses to read a file.
        """
        found: dict[int, Entry] = {}
        for file in self._files():
            with reading(file):
                lines = file.read_bytes().split(b"\n")[:-1]  # what follows the last one is torn
            if lines and self._is_ours(file, lines[0]):
                for number, line in enumerate(lines[1:], 2):
                    entry = _entry(_opened(line, self.salt))
                    if entry is None:
                        self._say(f"{file}: line {number} is damaged: its case is scored again")
                    else:
                        found.setdefault(entry.number, entry)
        return found

    @contextmanager
    def writer(self, name: str) -> Iterator[Callable[[Sequence[Entry]], None]]:
        """Give a function that appends entries to a file of this name, made with the first of them.

        Raises:
            DiskError: no space, no permission, a failing disk or an impossible path.
        """
        streams: list[IO[bytes]] = []

        def keep(entries: Sequence[Entry]) -> None:
            with disk_errors(self.folder):
                if not streams:
                    streams.append(self._new(name))
                    streams[0].write(_closed(self.identity, ""))
                for entry in entries:
                    streams[0].write(_closed(entry.as_json(), self.salt))
                streams[0].flush()

        try:
            yield keep
        finally:
            for stream in streams:
                with disk_errors(self.folder):
                    stream.close()

    def clear(self) -> None:
        """Remove the files, whose rows now stand elsewhere, and the folders in which nothing else lies.

        Nobody else may be writing there (`lock.folder_lock` of the folder above): locks that are left are of the dead.
        """
        with disk_errors(self.folder):
            for file in [*self._files(), *self.folder.glob(f".*{LOCK}")]:
                file.unlink(missing_ok=True)
        self.tidy()

    def tidy(self) -> None:
        """Remove the folders in which nothing lies."""
        for place in (self.folder, self.folder.parent):
            with suppress(OSError):  # there is something in it, or it is not there
                place.rmdir()

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("*.jsonl"))

    def _new(self, name: str) -> IO[bytes]:
        self.folder.mkdir(parents=True, exist_ok=True)
        run = 0
        while True:
            try:
                return (self.folder / f"{name}{f'-{run}' if run else ''}.jsonl").open("xb")
            except FileExistsError:  # an earlier run's, which stays as it is
                run += 1

    def _is_ours(self, file: Path, line: bytes) -> bool:
        """Whether a file begins with our identity; False where what it begins with is damaged."""
        there = _opened(line, "")
        if there == self.identity:
            return True
        if isinstance(there, dict):
            raise InputError(
                f"{file}: rows of another evaluation, not finished (it differs in {in_words(there, self.identity)}); "
                f"finish it by its own command, give --overwrite to drop its rows, or choose another folder"
            )
        self._say(f"{file}: line 1 is damaged: all of its cases are scored again")
        return False

    def _say(self, line: str) -> None:
        if line not in self.told:
            self.told.add(line)
            self.tell(line)


def _closed(value: object, salt: str) -> bytes:
    """A line: the digest, a space, the JSON."""
    text = json.dumps(value, allow_nan=False).encode()
    return _seal(text, salt) + b" " + text + b"\n"


def _opened(line: bytes, salt: str) -> Any:
    """What a line holds; None where its digest is not that of the rest."""
    seal, _, text = line.partition(b" ")
    if seal != _seal(text, salt):
        return None
    return json.loads(text)


def _seal(text: bytes, salt: str) -> bytes:
    return hashlib.sha256(salt.encode() + text).hexdigest().encode()


def _entry(value: Any) -> Entry | None:
    try:
        return Entry.from_json(value)
    except TypeError:
        return None
