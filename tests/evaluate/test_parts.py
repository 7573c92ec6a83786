import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from atfm.errors import DiskError, InputError
from atfm.evaluate.parts import Parts
from atfm.evaluate.rows import Entry

ENTRIES = [Entry(number, f"c{number}", "p", 4, {"atfm": {"ged": number / 3}}) for number in range(4)]


def parts(folder: Path, tell: Callable[[str], object] = lambda line: None, **identity: object) -> Parts:
    return Parts(folder / "out" / "parts", {"seed": 0, "weights": {"atfm": "1f" * 32}} | identity, tell)


def test_what_several_processes_write_is_read_together(tmp_path: Path) -> None:
    own = parts(tmp_path)
    with own.writer("1-of-2") as first, parts(tmp_path).writer("2-of-2") as second:
        first(ENTRIES[:1])
        second(ENTRIES[2:])
        assert own.read() == {0: ENTRIES[0], 2: ENTRIES[2], 3: ENTRIES[3]}, "while they are at it"
        first(ENTRIES[1:2])
    assert own.read() == dict(enumerate(ENTRIES))
    own.clear()
    assert list(tmp_path.iterdir()) == [], "nor are empty folders left"


def test_a_case_that_two_have_scored_counts_once(tmp_path: Path) -> None:
    for seconds in (1.0, 2.0):
        with parts(tmp_path).writer("all") as keep:
            keep([Entry(0, "c0", "p", 4, seconds=seconds)])
    assert sorted(os.listdir(tmp_path / "out" / "parts")) == ["all-1.jsonl", "all.jsonl"], "an earlier run's stays"
    assert len(parts(tmp_path).read()) == 1


def test_what_was_complete_stays_when_killed(tmp_path: Path) -> None:
    own = parts(tmp_path)
    with pytest.raises(KeyboardInterrupt), own.writer("all") as keep:
        keep(ENTRIES[:2])
        raise KeyboardInterrupt
    file = tmp_path / "out" / "parts" / "all.jsonl"
    whole = file.read_text()
    for torn in range(1, len(whole) + 1):
        file.write_text(whole[:torn])
        found = parts(tmp_path).read()
        assert list(found.values()) == ENTRIES[: max(0, whole[:torn].count("\n") - 1)]


def test_nothing_scored_leaves_nothing(tmp_path: Path) -> None:
    with parts(tmp_path).writer("all"):
        pass
    assert not (tmp_path / "out").exists() and parts(tmp_path).read() == {}
    parts(tmp_path).clear()


def test_other_files_are_left_alone(tmp_path: Path) -> None:
    with parts(tmp_path).writer("all") as keep:
        keep(ENTRIES)
    (tmp_path / "out" / "parts" / "notes.txt").write_text("mine")
    parts(tmp_path).clear()
    assert os.listdir(tmp_path / "out" / "parts") == ["notes.txt"]


@pytest.mark.parametrize(
    ("identity", "told"),
    [
        ({"seed": 1}, "seed: 0 there, 1 here"),
        ({"weights": {"atfm": "2f" * 32}}, r"it differs in weights\)"),
        ({"steps": 4}, "steps: None there, 4 here"),
    ],
)
def test_rows_of_another_evaluation_are_refused(tmp_path: Path, identity: dict[str, object], told: str) -> None:
    with parts(tmp_path).writer("all") as keep:
        keep(ENTRIES)
    with pytest.raises(InputError, match=f"rows of another evaluation, not finished .*{told}.*--overwrite"):
        parts(tmp_path, **identity).read()


@pytest.mark.parametrize("line", ["{", "[1]", "null", json.dumps({"number": 1, "surprise": 2}), "\x00", "\udcff"])
def test_a_damaged_line_is_told_once_and_the_others_are_there(tmp_path: Path, line: str) -> None:
    with parts(tmp_path).writer("all") as keep:
        keep(ENTRIES[:1])
    with (tmp_path / "out" / "parts" / "all.jsonl").open("a", errors="surrogateescape") as stream:
        stream.write(line + "\n")
    told: list[str] = []
    own = parts(tmp_path, told.append)
    assert own.read() == own.read() == {0: ENTRIES[0]}
    assert len(told) == 1 and told[0].endswith("all.jsonl: line 3 is damaged: its case is scored again")


def test_a_changed_digit_is_not_believed_nor_a_line_of_another_evaluation(tmp_path: Path) -> None:
    with parts(tmp_path).writer("all") as keep:
        keep(ENTRIES)
    with parts(tmp_path / "other", seed=1).writer("all") as keep:
        keep(ENTRIES[1:2])
    file = tmp_path / "out" / "parts" / "all.jsonl"
    whole = file.read_text()
    file.write_text(whole.replace("0.3333", "0.1333"))
    assert whole != file.read_text() and list(parts(tmp_path).read()) == [0, 2, 3]
    foreign = (tmp_path / "other" / "out" / "parts" / "all.jsonl").read_text().splitlines()[1]
    lines = whole.splitlines()
    file.write_text("\n".join([*lines[:2], foreign, *lines[3:], ""]))
    assert list(parts(tmp_path).read()) == [0, 2, 3], "the same scores, but who knows of what"
    file.write_text(whole.replace('"seed"', '"Seed"'))
    told: list[str] = []
    assert parts(tmp_path, told.append).read() == {} and "line 1 is damaged: all of its cases" in told[0]


@pytest.mark.parametrize("place", ["out", "out/parts"])
def test_a_file_in_place_of_a_folder_is_refused(tmp_path: Path, place: str) -> None:
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).write_text("")
    with pytest.raises(InputError, match="this is a file; give the name of a folder"):
        parts(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_not_be_written_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(DiskError, match="no permission"), parts(tmp_path).writer("all") as keep:
        keep(ENTRIES)
