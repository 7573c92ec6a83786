"""Files by name, whether they lie in a folder or in a zip, read one at a time and never unpacked to disk."""

import lzma
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from atfm.disk.machine import reading
from atfm.errors import InputError
from atfm.io.decoding import brief, is_plain
from atfm.io.hidden import is_hidden, passed_over

__all__ = ["Member", "Members", "files_of", "open_members"]

# A slice is some kilobytes; what claims to be more than this is a mistake or a zip bomb.
LARGEST_MEMBER = 64 * 2**20
LONGEST_NAME = 500  # characters; in a folder the disk allows 255 for each part


@dataclass(frozen=True)
class Member:
    """One file of a folder or zip.

    Args:
        name: its path inside, with forward slashes.
        container: the zip it lies in, or the folder.
        size: in bytes, as declared.
    """

    name: str
    container: zipfile.ZipFile | Path
    size: int

    def __str__(self) -> str:
        where = self.container if isinstance(self.container, Path) else Path(str(self.container.filename))
        return f"{where}: {brief(self.name, LONGEST_NAME)}"

    @property
    def file(self) -> Path:
        """The file on the disk: the member itself, or the zip that holds it."""
        return self.container / self.name if isinstance(self.container, Path) else Path(str(self.container.filename))

    def read(self) -> bytes:
        """The bytes of the file.

        Raises:
            InputError: too large, encrypted, or damaged.
        """
        if self.size > LARGEST_MEMBER:
            raise InputError(f"{self}: {self.size} bytes is more than the {LARGEST_MEMBER} that one slice may take")
        try:
            with reading(self):
                if isinstance(self.container, Path):
                    return (self.container / self.name).read_bytes()
                return self.container.read(self.name)
        except (OSError, ValueError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError) as error:
            raise InputError(f"{self}: cannot be read, the file is damaged: {brief(error)}") from error
        except (RuntimeError, NotImplementedError) as error:
            raise InputError(f"{self}: cannot be read: {brief(error)}; unpack it and import the folder") from error


class Members(list[Member]):
    """The files of several folders and zips, without the hidden ones.

    Attributes:
        skipped: a line for each folder or zip with hidden files, which counts them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.skipped: list[str] = []

    def take(self, path: Path, members: Sequence[Member]) -> None:
        """Add what lies in one folder or zip, but for what systems leave there."""
        hidden = [member.name for member in members if is_hidden(member.name)]
        self.skipped += passed_over(path, hidden)
        self += [member for member in members if not is_hidden(member.name)]


@contextmanager
def open_members(paths: Sequence[Path]) -> Iterator[Members]:
    """All files in several folders and zips, but hidden ones; the zips stay open inside the block.

    Raises:
        InputError: a path that does not exist, is neither a folder nor a zip, or holds a name that leads out of it.
    """
    with ExitStack() as stack:
        members = Members()
        for path in paths:
            if path.is_dir():
                files = (file for file in path.rglob("*") if file.is_file())
                members.take(
                    path, [Member(file.relative_to(path).as_posix(), path, file.stat().st_size) for file in files]
                )
                continue
            try:
                with reading(path):
                    archive = stack.enter_context(zipfile.ZipFile(path))
            except FileNotFoundError:
                raise InputError(f"{path}: no such file or folder") from None
            except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as error:
                raise InputError(f"{path}: neither a folder nor a whole zip file: {brief(error)}") from error
            items = [item for item in archive.infolist() if not item.filename.endswith("/")]
            members.take(path, [Member(checked_name(item.filename, path), archive, item.file_size) for item in items])
        yield members


def files_of(members: Iterable[Member]) -> list[Path]:
    """The files on the disk that members come from, each once."""
    return list(dict.fromkeys(member.file for member in members))


def checked_name(name: str, archive: Path) -> str:
    """A member's name, refused if it leads out of the archive or cannot be printed: nothing honest has such a name."""
    if not name or len(name) > LONGEST_NAME or not is_plain(name):
        raise InputError(f"{archive}: holds a file named {brief(name, 60)!r}, which is no name; it is not imported")
    if name.startswith("/") or ".." in PurePosixPath(name).parts or "\\" in name:
        raise InputError(f"{archive}: holds a file named {name!r}, which leads out of the archive; it is not imported")
    return name
