"""Files that belong together are all new or all old, whenever the process dies and whatever the disk says."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from atfm.disk.lock import folder_lock
from atfm.disk.sealed import is_whole
from atfm.disk.unit import changed, read_manifest, write_unit
from atfm.errors import DiskError

CALLS = ("replace", "unlink", "fsync")
OLD, NEW = ({"a.csv": f"rows of {name}\n" * 20, "b.html": f"page of {name}"} for name in ("old", "new"))


def put(folder: Path, files: dict[str, str], seed: int) -> dict[str, object]:
    return write_unit(folder, files, "m.json", {"seed": seed})


def state(folder: Path) -> str:
    """What a reader finds: old, new, or a unit that says itself that it is none."""
    document = read_manifest(folder / "m.json")
    if document is None:
        return "none"
    assert changed(folder, document) == [], "the manifest is of the files that are there"
    found = {name: (folder / name).read_text() for name in OLD}
    assert found in (OLD, NEW) and document["seed"] == (found == NEW)
    return "new" if found == NEW else "old"


def deadly(call: Callable[..., object], counter: list[int], at: int, end: Callable[[], None]) -> Callable[..., object]:
    def counted(*arguments: object, **options: object) -> object:
        counter[0] += 1
        if counter[0] == at:
            end()
        return call(*arguments, **options)

    return counted


def killed_at(folder: Path, at: int) -> bool:
    """Write the new unit in a process that dies at its `at`-th call; whether it did."""
    child = os.fork()
    if child == 0:
        counter = [0]
        for name in CALLS:
            setattr(os, name, deadly(getattr(os, name), counter, at, lambda: os.kill(os.getpid(), signal.SIGKILL)))
        put(folder, NEW, 1)
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("there", [True, False])
def test_killed_at_every_rename_removal_and_fsync(tmp_path, there) -> None:
    states = []
    for at in range(1, 100):
        folder = tmp_path / str(at)
        if there:
            put(folder, OLD, 0)
        else:
            folder.mkdir()
        died = killed_at(folder, at)
        states.append(state(folder))
        with folder_lock(folder):  # whoever writes there next tidies up
            assert not list(folder.glob(".writing-*"))
        put(folder, NEW, 1)
        assert state(folder) == "new"
        if not died:
            break
    order = ["old", "none", "new"] if there else ["none", "new"]
    assert list(dict.fromkeys(states)) == order and len(states) > 8


def test_the_next_writer_removes_what_a_killed_one_left_half_written(tmp_path) -> None:
    assert killed_at(tmp_path, 4) and list(tmp_path.glob(".writing-*"))
    put(tmp_path, NEW, 1)  # in a folder within a locked one, which has no lock of its own
    assert state(tmp_path) == "new" and not list(tmp_path.glob(".writing-*"))


@pytest.mark.parametrize("at", range(1, 4))
def test_a_full_disk_leaves_the_old_ones(tmp_path, monkeypatch, at) -> None:
    put(tmp_path, OLD, 0)

    def full() -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", deadly(os.fsync, [0], at, full))
    with pytest.raises(DiskError, match="the disk is full"):
        put(tmp_path, NEW, 1)
    assert state(tmp_path) == "old" and sorted(os.listdir(tmp_path)) == ["a.csv", "b.html", "m.json"]


def test_what_was_changed_since_is_named(tmp_path) -> None:
    document = put(tmp_path, OLD, 0)
    assert json.loads((tmp_path / "m.json").read_text()) == document and is_whole(document)
    (tmp_path / "a.csv").write_text(OLD["a.csv"].replace("old", "0ld"))
    (tmp_path / "b.html").unlink()
    assert changed(tmp_path, read_manifest(tmp_path / "m.json")) == ["a.csv", "b.html"]
    (tmp_path / "m.json").write_text((tmp_path / "m.json").read_text().replace('"seed": 0', '"seed": 3'))
    assert changed(tmp_path, read_manifest(tmp_path / "m.json")) == [""]
    (tmp_path / "m.json").write_text("{")
    assert read_manifest(tmp_path / "m.json") is None and changed(tmp_path, None) == [""]
