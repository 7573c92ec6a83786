"""Which slices are meant."""

import pytest

from atfm.errors import InputError
from atfm.predict.slices import chosen_slices, parse_slices


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("all", "all"), ("3", [3]), ("3,10-12", [3, 10, 11, 12]), ("5, 4,5", [4, 5]), ("0-0", [0])],
)
def test_what_can_be_read(text: str, wanted: object) -> None:
    assert parse_slices(text) == wanted


@pytest.mark.parametrize("text", ["", "a", "-1", "3-", "5-3", "1,,2", "1.5", "ALL"])
def test_what_cannot(text: str) -> None:
    with pytest.raises(InputError, match="slices: expected all, or numbers and ranges such as 3,10-14"):
        parse_slices(text)


def test_choosing() -> None:
    assert chosen_slices("all", 4, "a") == (0, 1, 2, 3)
    assert chosen_slices([3, 0, 3], 4, "a") == (0, 3)
    assert chosen_slices(None, 1, "a") == (0,)
    with pytest.raises(InputError, match=r"a: a volume of 4 slices, .* choose some with --slice K \(0 to 3\)"):
        chosen_slices(None, 4, "a")
    for number in (-1, 4):
        with pytest.raises(InputError, match=f"a: slice {number}: expected 0 to 3"):
            chosen_slices([number], 4, "a")
