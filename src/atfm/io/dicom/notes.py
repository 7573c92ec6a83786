"""`Notes`: what reading left out or guessed, file by file, as a few sentences with counts and names."""

from pathlib import Path

from atfm.io.decoding import brief

__all__ = ["Notes"]

LISTED = 6  # names in one sentence
LONGEST = 60  # letters of a name


class Notes:
    """Sentences and the files that each is about, every sentence once."""

    def __init__(self) -> None:
        self._files: dict[str, list[Path]] = {}

    def add(self, file: Path, *sentences: str) -> None:
        """Count what there is to say of one file."""
        for sentence in sentences:
            self._files.setdefault(sentence, []).append(file)

    def update(self, other: "Notes") -> None:
        """Take over what another has."""
        for sentence, files in other._files.items():
            for file in files:
                self.add(file, sentence)

    @property
    def files(self) -> tuple[Path, ...]:
        """Every file that something is said of, once."""
        return tuple(dict.fromkeys(file for files in self._files.values() for file in files))

    @property
    def sentences(self) -> tuple[str, ...]:
        """Every sentence without its files."""
        return tuple(self._files)

    def lines(self, of: int | None = None) -> tuple[str, ...]:
        """The sentences, each with the files that it is about.

        Args:
            of: how many files there are; what is said of all of them names none.
        """
        return tuple(
            sentence if len(files) == of else f"{sentence}: {named(files)}" for sentence, files in self._files.items()
        )


def named(files: list[Path]) -> str:
    """Several files by name: how many, and the first of them."""
    names = ", ".join(brief(file.name, LONGEST) for file in files[:LISTED])
    more = f" and {len(files) - LISTED} more" if len(files) > LISTED else ""
    return f"{len(files)} file{'s' * (len(files) > 1)}, {names}{more}"
