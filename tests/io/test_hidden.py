"""What systems leave among people's files is told from the files."""

import pytest

from atfm.io.hidden import is_hidden, passed_over


@pytest.mark.parametrize(
    ("name", "hidden"),
    [
        ("._a.png", True),
        ("images/._a.png", True),
        (".DS_Store", True),
        ("__MACOSX/images/a.png", True),
        ("set/__macosx/a.png", True),
        (".git/a.png", True),
        ("images/Thumbs.db", True),
        ("a.png", False),
        ("a.b/c.d.png", False),
        ("images/_a.png", False),
        ("my__MACOSX/a.png", False),
    ],
)
def test_by_the_parts_of_its_path(name, hidden) -> None:
    assert is_hidden(name) is hidden


def test_they_are_counted_and_named_on_one_line() -> None:
    assert passed_over("in", []) == []
    assert passed_over("in", ["._b", "._a"]) == ["in: 2 hidden files passed over, such as ._a"]
    assert "\n" not in passed_over("in", ["._a\nb"])[0]
