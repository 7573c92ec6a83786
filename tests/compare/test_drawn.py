"""All cases by each method, from what their evaluations kept."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from atfm.compare import Wanted, compare, enter, named
from atfm.compare.entrant import Entrant
from atfm.report.packing import inflated


@pytest.fixture(scope="module")
def entrants(out: Path) -> list[Entrant]:
    """One training of one method, and two of another."""
    folders = sorted(folder for folder in (out / "evaluations").iterdir() if folder.is_dir())
    return enter([named(f"{folder.name[:3]}={folder}") for folder in folders], None)


def test_every_case_has_the_ged_of_each_and_opens_to_both(entrants, store) -> None:
    table = compare(entrants, store, Wanted(timed=False)).cases
    assert [column.name for column in table.columns] == ["GED, one", "GED, two", "largest difference"]
    of = [{row.case_id: row.scores["ged"] for row in one.kept.own} for one in entrants]
    for line in table.lines:
        one, two = of[0][line.case_id], (of[1][line.case_id] + of[2][line.case_id]) / 2
        assert np.allclose(line.scores, [one, two, abs(one - two)], atol=1e-6)
        assert [method["label"] for method in inflated(line.opened)["methods"]] == ["one", "two"]
    means = [np.mean(line.scores[:2]) for line in table.lines]
    assert means == sorted(means, reverse=True)


def test_cases_are_shown_without_weights(entrants, store) -> None:
    moved = [replace(one, model=None, missing="moved") for one in entrants]
    found = compare(moved, store, Wanted())
    assert [one.label for one in found.drawn[0].methods] == ["one", "two"] and found.cases.lines[0].opened
    assert found.methods[0].notes == ["no cost: moved"] and found.where == {}


def test_who_kept_nothing_is_named_and_the_others_are_shown(entrants, store) -> None:
    old = [replace(entrants[0], kept=replace(entrants[0].kept, drawn={})), *entrants[1:]]
    found = compare(old, store, Wanted(timed=False))
    assert [method["label"] for method in inflated(found.cases.lines[0].opened)["methods"]] == ["two"]
    assert any(re.search("earlier version, or too large to keep.*: one", sentence) for sentence in found.cases.told)


def test_without_a_store_there_are_scores_and_no_pictures(entrants) -> None:
    found = compare(entrants, None, Wanted(timed=False))
    assert found.drawn == [] and len(found.cases.lines) == 8
    assert not any(line.opened or line.thumbnail for line in found.cases.lines) and len(found.cases.told) == 1
    assert compare(entrants, None, Wanted(timed=False, drawn=False)).cases is None


def test_a_folder_made_before_samples_were_kept_is_read(entrants, tmp_path: Path) -> None:
    from atfm.disk.unit import read_manifest, write_unit
    from atfm.evaluate.kept import read_kept

    folder = entrants[0].kept.folder
    files = {name: (folder / name).read_text() for name in ("rows.csv", "report.html")}
    write_unit(tmp_path, files, "summary.json", read_manifest(folder / "summary.json"))
    assert read_kept(tmp_path).drawn == {}
