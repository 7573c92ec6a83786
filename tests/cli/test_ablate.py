import json
import os
from pathlib import Path

import pytest

from atfm.cli.main import main
from atfm.disk.lock import folder_lock
from atfm.importers.phantom import plan_phantom
from atfm.importers.plan import build_store

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


def test_table_and_figures_are_one_unit_that_knows_what_made_it(tmp_path: Path, capsys) -> None:
    build_store(plan_phantom(cases=20, size=32, test_annotators=4), tmp_path / "store")
    words = ["ablate", "--out", str(tmp_path / "a"), "--data", str(tmp_path / "store"), *TINY]
    assert main([*words, "--rows", "atfm-sf"]) == 0
    capsys.readouterr()
    manifest = json.loads((tmp_path / "a" / "study.json").read_text())
    assert set(manifest["files"]) == {"table.md", "steps.svg"} and manifest["made_by"]["samples"] == 4
    first = (tmp_path / "a" / "table.md").read_text()
    assert main([*words, "--rows", "act-gtr", "--budget", "20"]) == 0
    told = capsys.readouterr().err
    assert "table.md: replaces that of another study, which differs in config, rows" in told
    assert not (tmp_path / "a" / "steps.svg").exists(), "a figure of the other study would lie beside this table"
    assert main([*words, "--rows", "atfm-sf"]) == 0
    assert (tmp_path / "a" / "table.md").read_text() == first, "the old budget has its old scores"


def test_of_two_in_one_folder_one_is_told(tmp_path: Path, capsys) -> None:
    with folder_lock(tmp_path / "a"):
        assert main(["ablate", "--out", str(tmp_path / "a"), "--rows", "act-gtr", *TINY]) == 2
    assert f"{tmp_path / 'a'}: process {os.getpid()} (" in capsys.readouterr().err.splitlines()[-1]
