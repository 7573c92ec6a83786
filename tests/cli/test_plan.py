"""`atfm plan` and `atfm train auto`: what they print, what they write, and that the same command goes on."""

import json
from pathlib import Path

import pytest

from atfm.cli.main import main
from atfm.train.presets import resolve


def said(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str, str]:
    status = main([str(word) for word in words])
    told = capsys.readouterr()
    return status, told.out, told.err


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("plan") / "dots"
    assert main(["data", "import", "phantom", "--cases", "20", "--test-annotators", "4", "--out", str(out)]) == 0
    return out


def test_a_plan_is_text_json_and_a_file_that_train_takes(store: Path, tmp_path: Path, capsys) -> None:
    file = tmp_path / "plan.toml"
    status, out, _ = said(capsys, "plan", store, "--minutes", "0.02", "--out", file, "--threads", "1", "--watch", "cpu")
    assert status == 0 and "16 training cases of 16 patients" in out and f"written to {file}" in out
    assert "method.gtr.widths" in out and "a step takes here" in out
    config = resolve(str(file))
    status, out, _ = said(capsys, "train", file, "--dry-run", "--json")
    assert json.loads(out)["config"] == config.model_dump(mode="json")
    status, out, _ = said(capsys, "plan", store, "--minutes", "0.02", "--json", "--threads", "1", "--watch", "cpu")
    told = json.loads(out)
    assert told["config"]["method"] == config.model_dump(mode="json", exclude_defaults=True)["method"] | {
        "name": "atfm"
    }
    assert {"field", "value", "why", "rule", "source"} == told["reasons"][0].keys()
    assert told["facts"]["cases"] == 16 and told["out"] is None


def test_auto_plans_trains_and_goes_on_by_its_plan(store: Path, tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = ("train", "auto", "--data", store, "--minutes", "0.04", "--watch", "cpu", "--threads", "1", "--json")
    status, out, err = said(capsys, *words, "--max-steps", "3")
    told = json.loads(out)
    assert status == 0 and told["run"] == "runs/dots" and told["steps"] == 3
    assert told["plan"]["made"] and told["plan"]["reasons"] and "augment = far" in err
    plan = (tmp_path / "runs/dots/plan.toml").read_text()
    status, out, err = said(capsys, *words)
    told = json.loads(out)
    assert status == 0 and told["steps"] == told["total"] > 3 and not told["plan"]["made"]
    assert "goes on by the plan in runs/dots/plan.toml" in err
    assert (tmp_path / "runs/dots/plan.toml").read_text() == plan
    # so short a time is GTR's alone, and its spread is what validation says last
    assert told["stage"] == "gtr" and not told["stages_kept"]
    assert any(note.startswith("temperature ") for note in told["notes"])


def test_a_dry_run_of_auto_writes_nothing(store: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / "run"
    words = ("train", "auto", "--data", store, "--minutes", "0.05", "--out", out, "--set", "seed=3", "--dry-run")
    status, told, _ = said(capsys, *words, "--threads", "1", "--json")
    assert status == 0 and json.loads(told)["config"]["seed"] == 3 and not out.exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train", "auto"], "--data: expected a store, from whose cases auto plans"),
        (["train", "phantom", "--memory", "1"], "--memory 1: is what auto plans for"),
        (["plan", "nowhere"], "nowhere"),
        (["plan", "STORE", "--out", "plan.json"], "expected a name that ends in .toml"),
        (["plan", "STORE", "--minutes", "0"], "--minutes: expected a time above 0"),
        (["plan", "STORE", "--memory", "0.0001"], "are free"),
    ],
)
def test_a_mistake_is_one_line(store: Path, capsys, words: list[str], message: str) -> None:
    given = [str(store) if word == "STORE" else word for word in words]
    status, _, err = said(capsys, *given)
    assert status == 2 and message in err and err.count("\n") == 1


def test_a_bad_fit_is_told_before_anything_is_trained(store: Path, tmp_path: Path, capsys) -> None:
    words = ("train", "phantom", "--data", store, "--set", "crop=[8, 8]", "--set", "method.gtr.widths=[4]")
    small = ("--set", "method.sfm.widths=[4]", "--set", "method.sfm.context_widths=[]", "--max-steps", "1")
    status, out, err = said(capsys, *words, *small, "--out", tmp_path / "run", "--threads", "1", "--json")
    (warning,) = [one for one in json.loads(out)["warnings"] if "crop" in one]
    assert status == 0 and warning.startswith("lesions larger than the crop of 8x8")
    assert err.index("lesions larger than the crop") < err.index("this training holds")
