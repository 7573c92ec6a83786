"""What decoders raise, and what strangers' files hold, in one plain line."""

import pytest

from atfm.errors import AmbiguousError, DiskError, InputError, UnsupportedError
from atfm.io.decoding import brief, decoding, is_plain


@pytest.mark.parametrize("error", [ValueError("first\nsecond"), KeyError(), RecursionError("deep"), OSError("a\rb")])
def test_whatever_is_raised_becomes_one_line(error: Exception) -> None:
    with (
        pytest.raises(InputError, match=r"^f\.png: cannot be read as an image, it is damaged") as caught,
        decoding("f.png", "an image"),
    ):
        raise error
    assert len(str(caught.value).splitlines()) == 1 and not str(caught.value).endswith(": ")


@pytest.mark.parametrize(
    "error",
    [NotImplementedError("16 bits"), OSError("Unsupported BMP compression (4)"), KeyError("<JBIG> not supported"),
     ValueError("cannot handle 12-bit layers")],
)  # fmt: skip
def test_what_a_decoder_lacks_is_not_damage(error: Exception) -> None:
    with pytest.raises(UnsupportedError, match=r"^f\.bmp: .*this kind is not supported"), decoding("f.bmp", "an image"):
        raise error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PermissionError(13, "Permission denied"), "no permission to read it"),
        (OSError(5, "Input/output error"), "the disk or the connection to it has failed"),
        (IsADirectoryError(21, "Is a directory"), "this is a folder; give a file"),
        (FileNotFoundError(2, "No such file"), "no such file"),
        (MemoryError(), "does not fit in memory; cut it up"),
    ],
)
def test_what_the_machine_says_is_not_damage(error: Exception, said: str) -> None:
    with pytest.raises((InputError, DiskError), match=said) as caught, decoding("f.png", "an image"):
        raise error
    assert "damaged" not in str(caught.value)
    assert not isinstance(caught.value, UnsupportedError | AmbiguousError)


def test_our_own_errors_pass() -> None:
    with pytest.raises(DiskError, match="full"), decoding("f.png", "an image"):
        raise DiskError("full")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("plain", "plain"),
        ("a\nb\r\x1b[2J\u2028\ud800c", "a?b??[2J??c"),
        ("x" * 200, "x" * 160 + " ..."),
        ([1, "a"], "[1, 'a']"),
        ("Größe 医\u202f\u00a0", "Größe 医\u202f\u00a0"),
    ],
)
def test_brief(value: object, shown: str) -> None:
    assert brief(value) == shown and is_plain(brief(value))


def test_a_number_that_python_does_not_print() -> None:
    assert brief(10**5000) == "a int too large to print"


def test_a_list_within_itself_is_brief() -> None:
    deep: list = []
    for _ in range(10**5):
        deep = [deep]
    assert len(brief(deep)) < 200
    while deep:  # python frees such a list by recursion, too
        deep = deep.pop()


@pytest.mark.parametrize(
    ("text", "plain"), [("a b", True), ("", True), ("a\tb", False), ("\x7f", False), ("\u2029", False)]
)
def test_is_plain(text: str, plain: bool) -> None:
    assert is_plain(text) is plain
