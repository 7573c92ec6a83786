"""The rows of an unfinished evaluation: files that several processes write at once, and that a later run goes on from.

`<folder>/<name>.jsonl` holds a line of what is evaluated, then an `Entry` in each line, handed to the operating system
as soon as it exists. Every process of every run has a file of its own, so that none waits for another; a case is known
by its number, and counts once. A line that a killed process left half-written is not read.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from atfm.errors import InputError
from atfm.evaluate.rows import Entry
from atfm.io.atomic import disk_errors

__all__ = ["Parts"]


class Parts:
    """The entries that are there so far of one evaluation.

    Args:
        folder: where they are, or will be.
        identity: what is evaluated and how, as JSON; entries of something else are refused.

    Raises:
        InputError: a file where a folder should be.
    """

    def __init__(self, folder: Path, identity: Mapping[str, object]) -> None:
        for place in (folder.parent, folder):
            if place.exists() and not place.is_dir():
                raise InputError(f"{place}: this is a file; give the name of a folder for the rows and the report")
        self.folder = folder
        self.identity = json.loads(json.dumps(identity))

    def read(self) -> dict[int, Entry]:
        """Return the entries of all files, by the number of the case.

        Raises:
            InputError: a damaged file, or entries of another evaluation.
        """
        found: dict[int, Entry] = {}
        for file in self._files():
            lines = file.read_text("utf-8", errors="replace").split("\n")[:-1]  # what follows the last one is torn
            if lines:
                self._check(file, _parsed(file, 1, lines[0]))
            for number, line in enumerate(lines[1:], 2):
                entry = _entry(file, number, _parsed(file, number, line))
                found.setdefault(entry.number, entry)
        return found

    @contextmanager
    def writer(self, name: str) -> Iterator[Callable[[Sequence[Entry]], None]]:
        """Give a function that appends entries to a file of this name, made with the first of them.

        Raises:
            DiskError: no space, no permission or an impossible path.
        """
        streams: list[IO[str]] = []

        def keep(entries: Sequence[Entry]) -> None:
            with disk_errors(self.folder):
                if not streams:
                    streams.append(self._new(name))
                    streams[0].write(json.dumps(self.identity) + "\n")
                for entry in entries:
                    streams[0].write(json.dumps(entry.as_json(), allow_nan=False) + "\n")
                streams[0].flush()

        try:
            yield keep
        finally:
            for stream in streams:
                with disk_errors(self.folder):
                    stream.close()

    def clear(self) -> None:
        """Remove the files, whose rows now stand elsewhere, and the folders in which nothing else lies."""
        with disk_errors(self.folder):
            for file in self._files():
                file.unlink(missing_ok=True)
            for place in (self.folder, self.folder.parent):
                if place.is_dir() and not any(place.iterdir()):
                    place.rmdir()

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob("*.jsonl"))

    def _new(self, name: str) -> IO[str]:
        self.folder.mkdir(parents=True, exist_ok=True)
        run = 0
        while True:
            try:
                return (self.folder / f"{name}{f'-{run}' if run else ''}.jsonl").open("x", encoding="utf-8")
            except FileExistsError:  # an earlier run's, which stays as it is
                run += 1

    def _check(self, file: Path, identity: Any) -> None:
        if identity == self.identity:
            return
        there = identity if isinstance(identity, dict) else {}
        names = [name for name, value in self.identity.items() if there.get(name) != value]
        differs = ", ".join(
            f"{name}: {there.get(name)} there, {self.identity[name]} here" if _short(there.get(name)) else name
            for name in names
        )
        raise InputError(
            f"{file}: rows of another evaluation, not finished (it differs in {differs or 'its form'}); finish it by "
            f"its own command, delete {self.folder}, or choose another folder for this one"
        )


def _short(value: object) -> bool:
    return value is None or (isinstance(value, str | int) and len(str(value)) < 40)


def _parsed(file: Path, number: int, line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        raise _damaged(file, number) from None


def _entry(file: Path, number: int, value: Any) -> Entry:
    try:
        return Entry.from_json(value)
    except TypeError:
        raise _damaged(file, number) from None


def _damaged(file: Path, number: int) -> InputError:
    return InputError(f"{file}: line {number} is damaged; delete this file and run the same command again")
