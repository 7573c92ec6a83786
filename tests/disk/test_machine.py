"""What the machine refuses is told in its own words, and never called damaged."""

import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from atfm.data.splits import load_splits
from atfm.disk.atomic import atomic_write
from atfm.disk.machine import READING, WRITING, in_words, reading
from atfm.errors import DiskError, InputError
from atfm.io.decoding import decoding
from atfm.train.presets import resolve


@pytest.mark.parametrize("number", sorted(READING))
def test_a_decoder_calls_nothing_damaged_that_the_machine_refused(number: int) -> None:
    for name in (decoding("a.png", "an image"), reading("a.png")):
        with pytest.raises(DiskError) as caught, name:
            raise OSError(number, os.strerror(number), "elsewhere")
        assert str(caught.value) == f"a.png: {READING[number]}" and "damaged" not in str(caught.value)


def test_what_a_decoder_says_of_bytes_is_damage_still() -> None:
    for error in (OSError("image file is truncated"), OSError(errno.EINVAL, "Invalid argument"), EOFError()):
        with pytest.raises(InputError, match="damaged"), decoding("a.png", "an image"):
            raise error
    with pytest.raises(FileNotFoundError), reading("a.png"):  # which each reader tells in its own words
        raise FileNotFoundError(errno.ENOENT, "No such file", "a.png")


@pytest.fixture
def locked_file() -> Iterator[Path]:
    """A file that this process may not read, root or not."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        file = Path(folder) / "a.json"
        file.write_text("{}")
        file.chmod(0)
        user = os.geteuid()
        if user == 0:
            os.seteuid(65534)
        try:
            yield file
        finally:
            os.seteuid(user)


def test_a_file_that_may_not_be_read_is_not_damaged(locked_file: Path) -> None:
    refused = r"a\.json: no permission to read it; change its permissions"
    with pytest.raises(DiskError, match=refused):
        load_splits(locked_file)
    with pytest.raises(DiskError, match=refused):
        resolve(str(locked_file))
    with pytest.raises(DiskError, match="no permission"), decoding(locked_file, "JSON"):
        locked_file.read_text()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a disk that is always full")
def test_numpy_keeps_the_word_of_the_disk_to_itself(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="requested and") as caught, open("/dev/full", "wb") as stream:
        np.zeros(10**6).tofile(stream)
    assert caught.value.errno is None
    with pytest.raises(DiskError, match="a: the disk is full"), atomic_write(tmp_path / "a"):
        raise caught.value
    assert list(tmp_path.iterdir()) == []


def test_every_refusal_is_a_line_at_the_top_too() -> None:
    for number in {*READING, *WRITING, errno.ENOENT, errno.EINVAL, errno.ECONNREFUSED}:
        line = in_words(OSError(number, os.strerror(number), "a.png"))
        assert line.startswith("a.png: ") and len(line.splitlines()) == 1
    assert in_words(OSError(errno.EINVAL, "Invalid argument")) == "Invalid argument (EINVAL)"
