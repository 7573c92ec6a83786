"""A few trials of the harness, on the real programme; the long run is `python tests/kills/run.py --count 200`."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).resolve().parent / "run.py"


@pytest.mark.timeout(600)
def test_a_few_trials_lose_nothing() -> None:
    names = ("import", "train", "evaluate", "sample")
    words = [word for name in names for word in ("--scenario", name)]
    done = subprocess.run(
        [sys.executable, str(RUN), "--count", "4", "--seed", "7", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "8 disturbances, 0 trials in which anything was lost" in done.stdout
    assert all(f"| {name} |" in done.stdout for name in names)


def test_what_was_lost_is_noticed(tmp_path, monkeypatch) -> None:
    monkeypatch.syspath_prepend(str(RUN.parent))
    from scenarios import Scenario, outcome
    from trials import Disturbance, Ended, different, told

    (tmp_path / "a.json").write_text('{"score": 1, "seconds": 3}')
    wanted = outcome(tmp_path)
    (tmp_path / "a.json").write_text('{"score": 1, "seconds": 4}')
    assert different(wanted, outcome(tmp_path)) == []
    (tmp_path / "a.json").write_text('{"score": 2, "seconds": 4}')
    assert different(wanted, outcome(tmp_path)) == ["other than undisturbed: a.json"]
    one = Disturbance("error", "write:1+=EIO")
    assert told(one, Ended(2, "atfm: out: the disk is full\n")) == [] and told(one, Ended(0, "")) == []
    assert told(one, Ended(2, "Traceback ...\natfm: x\n")) and told(one, Ended(1, "")) and told(one, Ended(-9, ""))
    assert told(one, Ended(-9, ""), killed=True) == []
    assert Scenario("x", "data check store", lambda folder: 0).words == ["data", "check", "store"]


def test_the_shim_ends_it_at_the_very_call(tmp_path) -> None:
    words = ["data", "import", "phantom", "--cases", "12", "--out", "store"]
    shim = [sys.executable, str(RUN.with_name("shim.py"))]

    def run(*flags: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run([*shim, *flags, "--", *words], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert run("--at", "rename:1").returncode == -9 and not (tmp_path / "store").exists()
    full = run("--at", "fsync:1+=ENOSPC")
    assert full.returncode == 2 and "disk is full" in full.stderr and len(full.stderr.splitlines()) == 1
    assert run("--count", "counts.json").returncode == 0 and (tmp_path / "store" / "store.json").exists()
    counts = json.loads((tmp_path / "counts.json").read_text())
    assert counts["rename"] >= 1 and counts["fsync"] >= 2 and counts["write"] >= 3
