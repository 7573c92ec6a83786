"""Trainings by several processes, started by torch's launcher, are those of one."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from atfm.cli.main import main
from atfm.models import load

WORDS = [
    "train", "phantom", "--device=cpu", "--threads=1", "--json", "--set=method.gtr.widths=[8]",
    "--set=method.gtr.rank=2", "--set=method.gtr.monte_carlo=4", "--set=method.sfm.widths=[8]",
    "--set=method.sfm.context_widths=[]", "--set=stages.gtr.steps=14", "--set=stages.sfm.steps=8",
    "--set=stages.energy.steps=0", "--set=stages.gtr.batch=8", "--set=stages.sfm.batch=8", "--set=stages.gtr.warmup=2",
    "--set=validate_every=10", "--set=validate_cases=3", "--set=validate_samples=4", "--set=save_every=5",
]  # fmt: skip
FOUR = ["--set=stages.gtr.parts=4", "--set=stages.sfm.parts=4"]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "store"
    assert main(["data", "import", "phantom", "--cases", "20", "--test-annotators", "4", "--out", str(folder)]) == 0
    return folder


def start(processes: int, *words: str | Path) -> subprocess.Popen[str]:
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    command = [*launcher, "-m", "atfm", *map(str, words)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def together(processes: int, *words: str | Path) -> dict[str, object]:
    """What the main process prints of a training that ends well."""
    process = start(processes, *words)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return dict(json.loads(out))  # of one process: more would be no JSON


def alone(*words: str | Path) -> None:
    assert main([*map(str, words)]) == 0


def log(run: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]


def assert_same(run: Path, other: Path) -> None:
    """Weights within 1e-5, every loss and every validation that both tell of within rounding."""
    ours, theirs = load(run).method.state_dict(), load(other).method.state_dict()
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        torch.testing.assert_close(value, theirs[name], rtol=0, atol=1e-5)
    told, expected = numbers(run), numbers(other)
    assert len(told.keys() & expected.keys()) >= 10
    for key in told.keys() & expected.keys():
        assert told[key] == pytest.approx(expected[key], rel=1e-4, abs=1e-5), key


def numbers(run: Path) -> dict[tuple[object, str], float]:
    """Every loss and every score of a log, by step and name."""
    found = {}
    for line in log(run):
        step, stage = line.pop("step"), line.pop("stage")
        scores = line.pop("validation", line)
        assert isinstance(scores, dict) and stage in ("gtr", "sfm")
        found.update({(step, name): value for name, value in scores.items() if "processes" not in line})
    return found


@pytest.fixture(scope="module")
def by_one(store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty-two steps of two parts by this process alone."""
    out = tmp_path_factory.mktemp("one") / "run"
    alone(*WORDS, "--data", store, "--out", out)
    return out


def test_two_processes_train_what_one_trains_and_one_goes_on(store: Path, by_one: Path, tmp_path: Path) -> None:
    words = [*WORDS, "--data", store, "--out", tmp_path / "run"]
    done = together(2, *words, "--max-steps", "18")
    assert (done["steps"], done["processes"]) == (18, 2)
    assert len(list((tmp_path / "run").glob("checkpoint-*.safetensors"))) == 2
    steps = [line["step"] for line in log(tmp_path / "run") if "likelihood" in line]
    assert len(set(steps)) == len(steps), "one process writes"
    alone(*words)
    assert_same(tmp_path / "run", by_one)
    trained_by = [{"step": 0, "processes": 2}, {"step": 18, "processes": 1}]
    assert load(tmp_path / "run").card["training"]["trained_by"] == trained_by
    starts = [line for line in log(tmp_path / "run") if "processes" in line]
    assert starts == [
        line | {"stage": stage, "device": "cpu"} for line, stage in zip(trained_by, ("gtr", "sfm"), strict=True)
    ]


@pytest.mark.parametrize("victim", [0, 1])
def test_a_worker_that_is_killed_ends_the_job_and_others_resume_it(store: Path, tmp_path: Path, victim: int) -> None:
    words = [*WORDS, *FOUR, "--data", store]
    job = start(2, *words, "--out", tmp_path / "run", "--set=stages.sfm.steps=4000")
    while not list((tmp_path / "run").glob("checkpoint-*.json")):
        assert job.poll() is None, job.communicate()[1]
        time.sleep(0.05)
    children = Path(f"/proc/{job.pid}/task/{job.pid}/children")
    workers = sorted(map(int, children.read_text().split()))
    os.kill(workers[victim], signal.SIGKILL)
    out, err = job.communicate(timeout=60)
    assert job.returncode != 0 and not out
    lines = [line for line in err.splitlines() if line.startswith("atfm: process")]
    assert len(lines) == 1 and lines[0].startswith(f"atfm: process {2 - victim} of 2: "), err
    assert "has ended" in lines[0] and "run the same command again" in lines[0]
    assert f"rank      : {victim}" in err and "SIGKILL" in err
    done = together(3, *words, "--out", tmp_path / "run", "--set=stages.sfm.steps=4000", "--max-steps", "22")
    assert done["steps"] == 22, "three processes make four parts: two, one and one"
    alone(*words, "--out", tmp_path / "one", "--set=stages.sfm.steps=4000", "--max-steps", "22")
    assert_same(tmp_path / "run", tmp_path / "one")


def test_more_processes_than_parts_are_refused_in_one_line(store: Path, tmp_path: Path) -> None:
    job = start(3, *WORDS, "--data", store, "--out", tmp_path / "run")
    err = job.communicate(timeout=60)[1]
    lines = [line for line in err.splitlines() if line.startswith("atfm:")]
    assert job.returncode != 0 and len(lines) == 1, err
    assert "a step of stage gtr has 2 part(s)" in lines[0] and "set stages.gtr.parts to 3" in lines[0]
    assert not (tmp_path / "run").exists()


def test_processes_measure_a_time_together(store: Path, tmp_path: Path) -> None:
    done = together(2, *WORDS, "--data", store, "--out", tmp_path / "run", "--minutes=0.05")
    resolved = json.loads((tmp_path / "run" / "resolved.json").read_text())
    assert done["steps"] == sum(stage["steps"] for stage in resolved["stages"].values())
