"""Names of other people's files: their order, and how an error shows one."""

from pathlib import Path

import pytest

from atfm.errors import InputError
from atfm.importers.naming import natural, printable, shown


def test_numbers_are_counted_however_long_they_are() -> None:
    names = ["a", "a0b", "a1", "a02", "a10", "a" + "1" * 5000, "a" + "2" * 5000, "b1"]
    assert sorted(reversed(names), key=natural) == names


def test_leading_zeros_do_not_count() -> None:
    assert natural("slice-007") == natural("slice-7") and natural("s0") == natural("s000")


@pytest.mark.parametrize("name", ["a\nb", "\udcff", "a\u2028b", "a\x1bb"])
def test_names_that_nobody_can_read_are_refused(name: str) -> None:
    with pytest.raises(InputError, match="cannot be printed; rename it") as error:
        printable(name, Path("folder"))
    assert len(str(error.value).splitlines()) == 1


def test_names_that_can_be_read_pass() -> None:
    assert printable("Größe 1\u202f医.png", Path()) == "Größe 1\u202f医.png"
    assert shown("x" * 200) == "x" * 100 + "..."
