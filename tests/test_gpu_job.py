"""The GPU job of the examples: from a store to joined results, on this machine's CPU and within its time."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "gpu_job"
sys.path.insert(0, str(EXAMPLE))

from build import build  # noqa: E402
from halves import filled, halved, placed  # noqa: E402
from results import LIST, ResultsError, join, split  # noqa: E402
from watch import Task, Watch  # noqa: E402

from atfm.data.intensity import Intensity  # noqa: E402
from atfm.data.ood.recorder import Recorder  # noqa: E402
from atfm.data.packed import pack  # noqa: E402
from atfm.data.store import Store  # noqa: E402
from atfm.fit.card import stretched  # noqa: E402
from atfm.importers import build_store, plan_phantom  # noqa: E402
from atfm.train.checkpoint import load_pair, save_pair  # noqa: E402

TRAININGS = """
TRAININGS = {
    "good": ["--version", "train phantom --data {store} --out {run} --max-steps 2"],
    "bad": ["train phantom --data {store} --out {run} --set nothing=1"],
}
EVALUATION = "evaluate {run} {store} --split val --samples 2 --no-references --out {run}-val"
MEASUREMENTS = {}
KEEP = ("weights", "checkpoint")
"""


@pytest.mark.timeout(400)  # half a dozen processes, each of which imports torch
def test_from_a_store_to_joined_results(tmp_path) -> None:
    """Built, run as a shell runs it, and joined; one of two trainings fails and is told of."""
    build_store(plan_phantom(cases=20, size=32), tmp_path / "store")
    pack(Store.open(tmp_path / "store"), tmp_path / "one.pack", splits=["train", "val"])
    bundle, out, bin_ = (tmp_path / name for name in ("bundle", "out", "bin"))
    assert build(bundle, tmp_path / "one.pack", wheels=None, source=True) > 500_000
    (bundle / "trainings.py").write_text(TRAININGS, encoding="utf-8")
    write(bin_ / "python3", f'#!/bin/sh\nexec {sys.executable} "$@"\n'.encode()).chmod(0o755)
    command = ["sh", str(bundle / "job.sh"), str(out), "--deadline", "350", "--scoring", "5"]
    ended = subprocess.run(command, cwd=tmp_path, env={"PATH": f"{bin_}:/usr/bin:/bin"}, capture_output=True, text=True)
    assert ended.returncode == 1, ended.stderr
    assert "unknown field 'nothing'" in ended.stdout
    told = json.loads((out / "summary.json").read_text("utf-8"))
    good, bad = told["trainings"]["good"], told["trainings"]["bad"]
    assert (good["status"], bad["status"], bad["views"], told["left_out"]) == (0, 2, 0, [])
    assert good["views"] == 2 * 16 and 0 <= good["scores"]["ece"] <= 1
    assert max(told["chip"]["per_second"].values()) > 1e8
    operations = (tmp_path / "work" / "logs" / "good-operations.txt").read_text("utf-8")
    assert json.loads(operations.splitlines()[-1])["gtr"] > 1e6
    assert "good-val/rows.csv" in join(out, tmp_path / "runs")
    assert filled(tmp_path / "runs") == ["good"]
    tensors, state = load_pair(tmp_path / "runs" / "good" / "checkpoint-00000002.safetensors")
    assert state["step"] == 2 and any(name.startswith("average.") for name in tensors)


def write(file: Path, data: bytes) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)
    return file


def test_parts_are_joined_and_what_does_not_fit_is_named(tmp_path) -> None:
    files = {name: write(tmp_path / "in" / name, name.encode() * 30_000) for name in ("a", "b", "c", "d")}
    groups = [[("x/a", files["a"])], [("x/b", files["b"]), ("x/c", files["c"])], [("x/d", files["d"])]]
    left_out = split(groups, tmp_path / "out", part=16_384, most=90_000)
    assert left_out == ["x/b", "x/c"]
    sizes = [file.stat().st_size for file in (tmp_path / "out").glob("results.tar.*")]
    assert max(sizes) == 16_384 and sum(sizes) <= 90_000
    assert join(tmp_path / "out", tmp_path / "back") == ["x/a", "x/d"]
    assert (tmp_path / "back" / "x" / "d").read_bytes() == files["d"].read_bytes()


def test_a_damaged_or_missing_part_is_named(tmp_path) -> None:
    split([[("a", write(tmp_path / "a", bytes(50_000)))]], tmp_path / "out", part=16_384)
    part = tmp_path / "out" / "results.tar.1"
    whole = part.read_bytes()
    part.write_bytes(whole[:100] + b"x" + whole[101:])
    with pytest.raises(ResultsError, match=r"results\.tar\.1: damaged"):
        join(tmp_path / "out", tmp_path / "back")
    part.unlink()
    with pytest.raises(ResultsError, match=r"results\.tar\.1: missing"):
        join(tmp_path / "out", tmp_path / "back")
    (tmp_path / "out" / LIST).write_text("[]")
    with pytest.raises(ResultsError, match=r"results\.json: missing or damaged"):
        join(tmp_path / "out", tmp_path / "back")
    assert not (tmp_path / "back").exists()


def test_half_a_run_is_half_the_bytes_and_comes_back(tmp_path) -> None:
    generator = torch.Generator().manual_seed(0)
    value, moment = torch.randn(64, 64, generator=generator), torch.rand(64, 64, generator=generator) * 1e-12
    run = tmp_path / "run"
    run.mkdir()
    card = {"config": {"window": [16, 16]}, "size": [24, 24]}
    save_pair(run / "weights.safetensors", {"w": value}, card)
    state = {
        "method.w": value + 1,
        "average.w": value,
        "optimiser.0.exp_avg_sq": moment,
        "optimiser.0.step": torch.tensor(7.0),
    }
    save_pair(run / "checkpoint-00000007.safetensors", state, {"step": 7})
    made = halved(run, tmp_path / "half")
    size = sum(file.stat().st_size for files in made.values() for file in files)
    assert size < 0.4 * sum(file.stat().st_size for file in run.iterdir())
    assert filled(tmp_path) == ["half", "run"]
    there, told = load_pair(tmp_path / "half" / "checkpoint-00000007.safetensors")
    assert told["step"] == 7 and there.keys() == state.keys() and float(there["optimiser.0.step"]) == 7
    torch.testing.assert_close(there["average.w"].float(), value, rtol=1e-3, atol=1e-6)
    torch.testing.assert_close(there["optimiser.0.exp_avg_sq"].float(), moment, rtol=1e-2, atol=0)
    assert halved(tmp_path / "nothing", tmp_path / "half") == {"weights": [], "checkpoint": []}
    assert placed(tmp_path, (8, 8)) == [] and placed(tmp_path / "half", (32, 32)) == ["."]
    assert load_pair(tmp_path / "half" / "weights.safetensors")[1]["size"] == [32, 32]


def test_a_training_on_central_parts_knows_that_the_whole_images_were_stretched() -> None:
    nothing_seen = Recorder()
    for told in (True, False):
        rule = Intensity(kind="byte", stretched=told)
        assert stretched(rule, nothing_seen) == rule
    window = Intensity(kind="window", low=-1000, high=400)
    assert stretched(window, nothing_seen) == window


def test_tasks_run_side_by_side_and_end_at_the_deadline(tmp_path) -> None:
    watch = Watch(tmp_path / "logs", time.monotonic() + 6)
    quick = Task("quick", [["-c", "print('one')"], ["-c", "print('two')"]])
    wrong = Task("wrong", [["-c", "raise SystemExit(3)"], ["-c", "print('never')"]])
    slow = Task("slow", [["-c", "import time; print('begun', flush=True); time.sleep(600)"]])
    started = time.monotonic()
    watch.together([quick, wrong, slow], reserve=2)
    assert 3 < time.monotonic() - started < 30
    assert quick.status == 0 and wrong.status == 3 and slow.status not in (0, None)
    logs = {name: (tmp_path / "logs" / f"{name}.txt").read_text() for name in ("quick", "wrong", "slow")}
    assert "one" in logs["quick"] and "two" in logs["quick"] and "never\n" not in logs["wrong"]
    assert "begun" in logs["slow"]


def test_the_speed_of_a_stage_is_read_off_its_log(tmp_path) -> None:
    task = Task("a", [], run=tmp_path)
    log = tmp_path / "log.jsonl"
    assert task.look() == ""
    log.write_text('{"step": 1, "stage": "gtr"}\n{"step": 1')
    assert task.look() == "gtr 1" and task.steps_per_second() == {}
    time.sleep(0.05)
    log.write_text('{"step": 1, "stage": "gtr"}\n{"step": 11, "stage": "gtr", "validation": {}}\n')
    task.look()
    (began, _), (ended, _) = task.seen["gtr"]
    assert task.steps_per_second() == {"gtr": 10 / (ended - began)}
