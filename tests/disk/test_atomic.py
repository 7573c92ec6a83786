"""A file is written whole or not at all."""

from pathlib import Path

import pytest

from atfm.disk.atomic import atomic_write, sweep
from atfm.errors import DiskError


def test_it_replaces_at_the_end(tmp_path) -> None:
    path = tmp_path / "deep" / "file.tar.gz"
    with atomic_write(path) as temporary:
        temporary.write_text("new")
        assert not path.exists() and temporary.name.endswith(".tar.gz")
    assert path.read_text() == "new"
    assert [file.name for file in path.parent.iterdir()] == ["file.tar.gz"]


def test_what_a_killed_writer_left_is_swept_and_what_a_living_one_writes_stays(tmp_path) -> None:
    (tmp_path / ".writing-0123456789abcdef.csv").write_text("half a")
    (tmp_path / ".writing-mine").write_text("not ours")
    (tmp_path / "elsewhere").write_text("precious")
    (tmp_path / ".writing-0123456789abcde0").symlink_to(tmp_path / "elsewhere")
    with atomic_write(tmp_path / "file.csv") as temporary:
        temporary.write_text("new")
        sweep(tmp_path)
        names = {file.name for file in tmp_path.iterdir()}
        assert names == {temporary.name, ".writing-mine", "elsewhere", ".writing-0123456789abcde0"}
    assert (tmp_path / "file.csv").read_text() == "new"


def test_a_planted_link_is_not_written_through(tmp_path) -> None:
    (tmp_path / "elsewhere").write_text("precious")
    (tmp_path / "file.csv").symlink_to(tmp_path / "elsewhere")
    with atomic_write(tmp_path / "file.csv") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "elsewhere").read_text() == "precious" and not (tmp_path / "file.csv").is_symlink()


def test_an_error_leaves_the_old_file(tmp_path) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old")
    with pytest.raises(ValueError, match="mine"), atomic_write(path) as temporary:
        temporary.write_text("new")
        raise ValueError("mine")
    assert path.read_text() == "old" and len(list(tmp_path.iterdir())) == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a disk that is always full")
def test_a_full_disk(tmp_path) -> None:
    path = tmp_path / "file.txt"
    with pytest.raises(DiskError, match=r"file.txt: the disk is full"), atomic_write(path) as temporary:
        temporary.write_bytes(b"a part of it")
        Path("/dev/full").write_bytes(b"the rest")
    assert list(tmp_path.iterdir()) == []


def test_impossible_paths(tmp_path) -> None:
    (tmp_path / "file").write_text("x")
    for path, message in ((tmp_path / "file" / "inside.txt", "not a folder"), (tmp_path, "this is a folder")):
        with pytest.raises(DiskError, match=message), atomic_write(path) as temporary:
            temporary.write_text("new")


def test_other_errors_of_the_system_pass(tmp_path) -> None:
    with pytest.raises(ConnectionError), atomic_write(tmp_path / "a"):
        raise ConnectionError(111, "refused")
