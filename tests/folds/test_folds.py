"""`atfm train --folds` from end to end: stopped and gone on with, each fold usable alone, one table of all."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch

from atfm.cli.main import main
from atfm.cli.train import assignments
from atfm.data.pseudonyms import patient_hash
from atfm.data.store import Store
from atfm.errors import LeakError
from atfm.evaluate import evaluate, read_kept
from atfm.folds import Fold, deal, score, train
from atfm.metrics.table import summarise
from atfm.models import load
from atfm.train.config import override
from atfm.train.presets import resolve
from atfm.train.progress import Progress

QUICK = [
    "--set=stages.gtr.steps=4", "--set=stages.gtr.batch=4", "--set=method.widths=[8]", "--set=save_every=2",
    "--set=validate_samples=2", "--samples=4", "--threads=1", "--folds=3",
]  # fmt: skip


def words(folder: Path, *more: str) -> list[str]:
    return ["train", "gtr-phantom", "--data", str(folder / "store"), "--out", str(folder / "run"), *QUICK, *more]


@contextmanager
def stopped(fold: Fold, run: Path) -> Iterator[Callable[[Progress], None]]:
    def told(progress: Progress) -> None:
        if fold.number == 2 and progress.step == 3:
            raise KeyboardInterrupt

    yield told


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store, and three folds of it: the first attempt is stopped in the middle of the second fold."""
    folder = tmp_path_factory.mktemp("folds")
    made = ["data", "import", "phantom", "--cases", "10", "--test-annotators", "3", "--out", str(folder / "store")]
    assert main(made) == 0
    config = override(resolve("gtr-phantom"), assignments([word[6:] for word in QUICK if word.startswith("--set")]))
    store = Store.open(folder / "store")
    with pytest.raises(KeyboardInterrupt):
        train(config, store, deal(store, 3), folder / "run", device=torch.device("cpu"), progress=stopped)
    there = sorted(file.parent.name for file in (folder / "run").rglob("checkpoint-*.json"))
    assert set(there) == {"fold-1", "fold-2"} and not (folder / "run" / "summary.json").exists()
    done = (folder / "run" / "fold-1" / "weights.safetensors").stat().st_mtime_ns
    assert main(words(folder)) == 0
    assert (folder / "run" / "fold-1" / "weights.safetensors").stat().st_mtime_ns == done
    return folder


def test_each_case_is_scored_by_the_fold_that_has_not_seen_its_patient(folder: Path) -> None:
    store, kept = Store.open(folder / "store"), read_kept(folder / "run")
    assert [row.case_id for row in kept.own] == [case for case, _ in store.ids()]
    assert kept.summary["split"] == "3 folds" and not kept.summary["leak"]["found"]
    for fold in deal(store, 3):
        model = load(folder / "run" / f"fold-{fold.number}")
        assert model.patients == {patient_hash(patient) for patient in fold.train}
        rows = evaluate(model, fold.view(store), samples=4).result.rows
        joined = {row.case_id: row.scores for row in kept.own}
        for row in rows:
            assert joined[row.case_id] == pytest.approx(dict(row.scores), rel=1e-6, abs=1e-6)  # as rows.csv rounds


def test_the_table_is_over_the_patients_of_all_folds(folder: Path) -> None:
    kept = read_kept(folder / "run")
    rows = [{"patient": row.patient_id, "ged": row.scores["ged"]} for row in kept.own]
    expected, found = summarise(rows)["ged"], kept.summary["scores"]["ged"]
    assert found["mean"] == pytest.approx(np.mean([row["ged"] for row in rows]))
    assert (found["low"], found["high"]) == pytest.approx((expected.low, expected.high))
    assert kept.summary["patients"] == 10


def test_a_person_is_told_the_intervals(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words(folder)) == 0
    told, score = capsys.readouterr().out, read_kept(folder / "run").summary["scores"]["ged"]
    assert told.count("weights of stage gtr") == 3
    assert f"patients of all folds: GED {score['mean']:.3f} [{score['low']:.3f}, {score['high']:.3f}]" in told


def test_the_same_command_again_makes_nothing_anew(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = folder / "run"
    before = {file: file.stat().st_mtime_ns for file in run.rglob("*.safetensors")} | {
        run: (run / "rows.csv").read_bytes()
    }
    assert main([*words(folder), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [fold["steps"] for fold in told["folds"]] == [4, 4, 4] and told["scored"]["cases"] == 10
    assert {f: f.stat().st_mtime_ns for f in run.rglob("*.safetensors")} | {
        run: (run / "rows.csv").read_bytes()
    } == before
    assert not [*run.glob("scores-*")]


def test_a_fold_is_a_run_of_its_own(folder: Path) -> None:
    image = folder / "image.npy"
    np.save(image, Store.open(folder / "store")[0].image[0])
    assert main(["sample", str(folder / "run" / "fold-1"), str(image), "--n", "2", "--out", str(folder / "masks")]) == 0


def test_what_a_fold_has_seen_it_may_not_score(folder: Path, tmp_path: Path) -> None:
    """Folds that were trained on others' patients are refused by the guard: it knows nothing of folds."""
    store = Store.open(folder / "store")
    folds = deal(store, 3)
    for number, source in ((1, 2), (2, 3), (3, 1)):
        (tmp_path / f"fold-{number}").symlink_to(folder / "run" / f"fold-{source}")
    with pytest.raises(LeakError, match="was trained on"):
        score(store, folds, tmp_path, "atfm", samples=4)


def test_compare_takes_the_folder_of_folds(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(folder / "table")
    run = str(folder / "run")
    assert main(["compare", f"one={run}", f"other={run}", "--out", out, "--no-time", "--no-cases"]) == 0
    assert "3 folds: 10 cases of 10 patients" in capsys.readouterr().out


def test_half_trained_folds_are_not_scored(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*words(folder, "--out", str(tmp_path / "run")), "--max-steps", "2"]) == 0
    assert "not all folds are trained to their end" in capsys.readouterr().out
    assert not (tmp_path / "run" / "summary.json").exists()


def test_folds_need_a_store(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "gtr-phantom", "--folds", "3"]) == 2
    assert "--folds: expected a store" in capsys.readouterr().err
