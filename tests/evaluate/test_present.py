import csv
import json
from dataclasses import replace
from pathlib import Path

import pytest

from atfm.evaluate.leak import Leak
from atfm.evaluate.published import save
from atfm.evaluate.score import evaluate


def test_summary_on_disk_is_what_is_returned(evaluation, tmp_path: Path) -> None:
    summary = save(evaluation, tmp_path / "out", "atfm evaluate discs store")
    assert json.loads((tmp_path / "out" / "summary.json").read_text()) == summary
    assert set(summary["references"]) == {"always_empty", "majority"}
    assert set(summary["scores"]["ged_16"]) == {"mean", "low", "high"}
    assert summary["scores"]["ece"]["low"] is None and set(summary["beside"]) == {"nothing"}
    files = sorted(file.name for file in (tmp_path / "out").iterdir())
    assert files == ["drawn.json", "report.html", "rows.csv", "summary.json"]


def test_report_says_what_a_reader_has_to_know(evaluation, store, discs, model, tmp_path: Path) -> None:
    subset = evaluate(model(discs), store, samples=16, limit=5)
    leaky = replace(subset, leak=Leak(10, ("p1",)), warnings=["Beware."])
    save(leaky, tmp_path, "atfm evaluate discs store")
    page = (tmp_path / "report.html").read_text()
    for text in ("Leaky: the model was trained on 1 of the 10", "A subset: 5 of the 30", "Beware.", "Always empty"):
        assert text in page
    save(evaluation, tmp_path, "atfm evaluate discs store")
    assert "Leaky" not in (tmp_path / "report.html").read_text()


def test_rows_stand_case_by_case_in_the_order_of_the_store(evaluation, store, tmp_path: Path) -> None:
    save(evaluation, tmp_path, "")
    with (tmp_path / "rows.csv").open(newline="") as stream:
        found = list(csv.DictReader(stream))
    names = ["discs", "nothing", "always_empty", "majority"]
    assert [(row["case_id"], row["method"]) for row in found] == [
        (store.ids()[i][0], name) for i in store.split("test") for name in names
    ]
    assert float(found[0]["ged_16"]) == pytest.approx(evaluation.result.rows[0].scores["ged_16"], abs=1e-6)
    assert "effective_samples" not in found[0], "no sample carries a weight"


def test_what_stands_beside_is_told_by_its_title(evaluation, tmp_path: Path) -> None:
    save(evaluation, tmp_path, "")
    page = (tmp_path / "report.html").read_text()
    assert "another model, Nothing; the same cases and noise" in page and ">Discs<" in page
    assert "Samples carry weights" not in page
