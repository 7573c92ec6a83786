import csv
from pathlib import Path

import pytest

from atfm.errors import InputError
from atfm.evaluate.rows import Row, RowFile, columns

ROWS = [Row("atfm", f"c{number}", "p", 4, {"ged": number / 3}) for number in range(3)]


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_rows_come_back(tmp_path: Path) -> None:
    with RowFile(tmp_path / "new" / "rows.csv", ["ged", "ncc"]) as rows:
        rows.add(ROWS[:2])
        rows.add(ROWS[2:])
    found = read(tmp_path / "new" / "rows.csv")
    assert [row["case_id"] for row in found] == ["c0", "c1", "c2"]
    assert float(found[1]["ged"]) == pytest.approx(1 / 3, abs=1e-6)
    assert found[0]["ncc"] == "", "a score that does not exist is blank"
    assert [file.name for file in (tmp_path / "new").iterdir()] == ["rows.csv"]


def test_what_was_complete_stays_when_killed(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), RowFile(tmp_path / "rows.csv", ["ged"]) as rows:
        rows.add(ROWS[:2])
        raise KeyboardInterrupt
    assert len(read(tmp_path / "rows.csv.part")) == 2
    assert not (tmp_path / "rows.csv").exists()


def test_nothing_scored_leaves_nothing(tmp_path: Path) -> None:
    with RowFile(tmp_path / "new" / "rows.csv", ["ged"]):
        pass
    assert not (tmp_path / "new").exists()


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("")
    with pytest.raises(InputError, match="this is a file"), RowFile(tmp_path / "out" / "rows.csv", ["ged"]):
        pass


def test_columns_name_every_score() -> None:
    names = columns([1, 16])
    assert {"ged", "ged_1", "ged_16", "floor_ged_16", "hm_iou_16", "diversity"} <= set(names)
    assert "ece" not in names and "ged_n" not in names
