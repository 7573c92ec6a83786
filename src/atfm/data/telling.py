"""`Telling`: the warnings of many cases as a few lines, each sentence once, with how many cases it is about."""

from collections.abc import Iterable

__all__ = ["Telling"]


class Telling:
    """Count the sentences.

    Args:
        first: those that are about no single case.
    """

    def __init__(self, first: Iterable[str] = ()) -> None:
        self._first = list(dict.fromkeys(first))
        self._cases: dict[str, list[str]] = {}  # by sentence

    def add(self, case_id: str, warnings: Iterable[str]) -> None:
        """Count the warnings of one case."""
        for warning in dict.fromkeys(warnings):
            self._cases.setdefault(warning, []).append(case_id)

    def lines(self) -> list[str]:
        """Every sentence once; how many cases it is about, and the first of them."""
        told = [
            f"{sentence} (case {cases[0]})" if len(cases) == 1 else f"{sentence} ({len(cases)} cases, as {cases[0]})"
            for sentence, cases in self._cases.items()
        ]
        return [*self._first, *told]
