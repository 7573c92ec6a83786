import json
from dataclasses import replace
from pathlib import Path

from atfm.evaluate.cases import Leak
from atfm.evaluate.present import save
from atfm.evaluate.score import evaluate


def test_summary_on_disk_is_what_is_returned(evaluation, tmp_path: Path) -> None:
    summary = save(evaluation, tmp_path / "out", "atfm evaluate discs store")
    assert json.loads((tmp_path / "out" / "summary.json").read_text()) == summary
    assert set(summary["references"]) == {"always_empty", "majority"}
    assert set(summary["scores"]["ged_16"]) == {"mean", "low", "high"}
    assert summary["scores"]["ece"]["low"] is None
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == ["report.html", "summary.json"]


def test_report_says_what_a_reader_has_to_know(evaluation, store, discs, model, tmp_path: Path) -> None:
    subset = evaluate(model(discs), store, samples=16, limit=5)
    leaky = replace(subset, leak=Leak(True, ("p1",)), warnings=["Beware."])
    save(leaky, tmp_path, "atfm evaluate discs store")
    page = (tmp_path / "report.html").read_text()
    for text in ("Leaky: the model was trained on 1 of the", "A subset: 5 of the 30", "Beware.", "Always empty"):
        assert text in page
    save(evaluation, tmp_path, "atfm evaluate discs store")
    assert "Leaky" not in (tmp_path / "report.html").read_text()
