"""The run of runs: every method, what fails is passed over and named, and nothing is done twice."""

import json
from pathlib import Path

import pytest

from atfm.cli.leaderboard import held_against
from atfm.cli.main import main
from atfm.errors import InputError
from atfm.importers import build_store, plan_phantom
from atfm.leaderboard import jobs, rows_for
from atfm.leaderboard.jobs import Board

QUICK = ("--budget", "2", "--samples", "4", "--limit", "3", "--device", "cpu", "--no-time")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """A folder with a small phantom in it, so that no large one is simulated."""
    build_store(plan_phantom(cases=40, test_annotators=4), tmp_path / "board" / "phantom")
    return tmp_path / "board"


def board(out: Path, *words: str) -> int:
    return main(["leaderboard", "--out", str(out), "--methods", "gtr", "atfm", *QUICK, *words])


def test_rows_are_the_presets_that_are_named_for_the_board() -> None:
    for name in ("phantom", "lidc"):
        rows = rows_for(name)
        assert {"gtr", "atfm", "atfm-paper"} <= rows.keys()
        assert all(preset.preset in (name, f"{label}-{name}") for label, preset in rows.items())
    assert rows_for("phantom", ["gtr"]).keys() == {"gtr"}
    with pytest.raises(InputError, match=r"--methods gtrr: phantom has no such row; expected some of .*gtr"):
        rows_for("phantom", ["gtrr"])


def test_every_method_has_its_turn_before_any_has_two(tmp_path: Path) -> None:
    board = Board("phantom", None, tmp_path, seeds=(3, 4))  # type: ignore[arg-type]
    found = jobs([board], ["gtr", "atfm"])
    assert [job.name for job in found] == ["atfm-seed-3", "gtr-seed-3", "atfm-seed-4", "gtr-seed-4"]


def test_it_trains_scores_and_writes_and_does_nothing_twice(out: Path, capsys) -> None:
    assert board(out, "--seeds", "0", "1") == 0
    told = capsys.readouterr()
    assert len([line for line in told.err.splitlines() if "trained in" in line]) == 4
    page = (out / "leaderboard.md").read_text()
    assert "2 steps of the first stage" in page and "gtr-phantom" in page and "(2 trainings)" in page
    written = json.loads((out / "on-phantom" / "comparison.json").read_text())
    lines = written["lines"]
    assert written["against"] == "atfm"
    assert {line["label"]: line["trainings"] for line in lines[:2]} == {"atfm": 2, "gtr": 2}
    files = [*out.glob("on-phantom/runs/*/weights.safetensors"), *out.glob("on-phantom/evaluations/*/summary.json")]
    before = {file: file.stat().st_mtime_ns for file in files}
    assert len(files) == 8 and board(out, "--seeds", "0", "1") == 0
    assert {file: file.stat().st_mtime_ns for file in files} == before


def test_one_that_fails_is_named_at_the_end_and_the_others_go_on(out: Path, capsys, monkeypatch) -> None:
    from atfm.leaderboard import run

    real = run.fit

    def breaks(config, *rest, **more):
        if config.preset == "phantom":
            raise RuntimeError("out of luck")
        return real(config, *rest, **more)

    monkeypatch.setattr(run, "fit", breaks)
    words = ["leaderboard", "--out", str(out), *QUICK, "--seeds", "0", "--methods", "gtr", "atfm", "atfm-paper"]
    assert main(words) == 2
    told = capsys.readouterr().err.splitlines()
    assert sum("FAILED: RuntimeError: out of luck" in line for line in told) == 1
    assert "1 of 3 trainings failed (phantom, atfm-seed-0: RuntimeError: out of luck); the others stand in" in told[-1]
    page = (out / "leaderboard.md").read_text()
    assert "FAILED on phantom: atfm-seed-0" in page
    assert "| gtr |" in page and "| atfm-paper |" in page
    monkeypatch.setattr(run, "fit", real)
    assert board(out, "--seeds", "0") == 0 and "FAILED" not in (out / "leaderboard.md").read_text()


def test_shards_do_their_share_and_the_whole_brings_it_together(out: Path, capsys) -> None:
    for shard, label in (("1/2", "atfm"), ("2/2", "gtr")):
        assert board(out, "--seeds", "0", "--shard", shard) == 0
        assert f"shard {shard}: 1 of 2 trainings" in capsys.readouterr().out
        assert [*out.glob(f"on-phantom/evaluations/{label}-*")] and not (out / "leaderboard.md").exists()
    weights = {file: file.stat().st_mtime_ns for file in out.glob("on-phantom/runs/*/weights.safetensors")}
    assert board(out, "--seeds", "0") == 0
    assert {file: file.stat().st_mtime_ns for file in weights} == weights and (out / "leaderboard.md").exists()


def test_another_budget_is_another_training(out: Path, capsys) -> None:
    for budget in ("2", "3"):
        words = ["leaderboard", "--out", str(out), *QUICK, "--seeds", "0", "--methods", "gtr", "--budget", budget]
        assert main(words) == 0
    assert "fewer than two methods" in capsys.readouterr().err
    assert len([*out.glob("on-phantom/runs/gtr-seed-0-*/weights.safetensors")]) == 2


def test_mistakes_are_one_line(out: Path, capsys) -> None:
    assert main(["leaderboard", "--out", str(out), "--no-phantom"]) == 2
    assert "give a store with --lidc" in capsys.readouterr().err
    assert board(out, "--budget", "0") == 2 and "at least 1 step" in capsys.readouterr().err
    assert board(out, "--against", "atmf") == 2
    assert "--against atmf: expected one of atfm, gtr" in capsys.readouterr().err
    assert not (out / "on-phantom").exists()


def test_rows_are_held_against_ours_or_the_one_that_is_named(capsys) -> None:
    assert held_against(None, ["gtr", "atfm"]) == "atfm" and held_against("gtr", ["atfm", "gtr"]) == "gtr"
    assert held_against(None, ["ssn", "gtr"]) == "ssn" and capsys.readouterr().err == ""
    assert held_against("gtr", ["ssn", "atfm"]) == "atfm"
    assert "gtr is not done: rows are held against atfm" in capsys.readouterr().err
