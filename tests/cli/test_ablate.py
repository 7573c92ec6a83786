import json
from pathlib import Path

import pytest

from atfm.cli.main import main

TINY = [
    "--budget",
    "10",
    "--seeds",
    "0",
    "--limit",
    "2",
    "--samples",
    "4",
    "--set",
    "method.gtr.widths=[8]",
    "--set",
    "method.sfm.widths=[8]",
]


def test_the_table_and_its_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ablate", "--out", str(tmp_path / "a"), "--rows", "act-gtr", "noise-fm", "--json", *TINY]) == 0
    result = json.loads(capsys.readouterr().out)
    assert [line["row"] for line in result["rows"]] == ["act-gtr", "noise-fm"]
    assert (tmp_path / "a" / "table.md").read_text() == result["table"]


def test_an_unknown_row_names_those_there_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ablate", "--out", str(tmp_path), "--rows", "act-grt"]) == 2
    assert "act-gtr" in capsys.readouterr().err
