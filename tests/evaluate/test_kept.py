from pathlib import Path

import pytest

from atfm.errors import InputError
from atfm.evaluate.kept import is_kept, keep, read_kept
from atfm.evaluate.plan import prepare
from atfm.evaluate.score import evaluate
from atfm.io.cells import cell, uncelled


def test_what_is_read_back_is_what_was_scored(model, discs, store, tmp_path: Path) -> None:
    plan = prepare(model(discs), store, samples=4, limit=5)
    done: list[tuple[int, int]] = []
    kept = keep(plan, tmp_path / "out", "atfm evaluate", progress=lambda *at: done.append(at))
    wanted = evaluate(model(discs), store, samples=4, limit=5)
    assert is_kept(tmp_path / "out") and done[-1] == (5, 5)
    assert list(kept.rows) == ["discs", "always_empty", "majority"] and kept.own == kept.rows["discs"]
    for row, other in zip(kept.own, wanted.result.rows, strict=True):
        assert (row.case_id, row.patient_id, row.annotators) == (other.case_id, other.patient_id, other.annotators)
        assert row.scores == pytest.approx(dict(other.scores), rel=1e-6, abs=1e-9)
    assert kept.made_by["conventions"]["ged"] == "squared, without self-pairs"


def test_it_is_not_made_again(model, discs, store, tmp_path: Path) -> None:
    plan = prepare(model(discs), store, samples=4, limit=5)
    keep(plan, tmp_path / "out", "atfm evaluate")
    before = (tmp_path / "out" / "rows.csv").stat().st_mtime_ns
    done: list[object] = []
    keep(plan, tmp_path / "out", "atfm evaluate", progress=lambda *at: done.append(at))
    assert (tmp_path / "out" / "rows.csv").stat().st_mtime_ns == before and not done


def test_what_is_none_or_no_longer_whole_is_refused(model, discs, store, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a finished evaluation"):
        read_kept(tmp_path)
    folder = keep(prepare(model(discs), store, samples=4, limit=2), tmp_path / "out", "atfm evaluate").folder
    rows = folder / "rows.csv"
    text = rows.read_text()
    rows.write_text(text.replace("case-", "case_", 1))
    with pytest.raises(InputError, match=r"rows\.csv: missing, damaged"):
        read_kept(folder)


@pytest.mark.parametrize("text", ["=1+1", "-3", "plain", "+x", "@a", "it's", "\tx"])
def test_a_name_comes_back_from_its_cell(text: str) -> None:
    assert uncelled(cell(text)) == text
