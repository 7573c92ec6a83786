"""`atfm evaluate` killed, raced, filled up and repeated: one evaluation in a folder, whole, by one writer."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch

from atfm.cli.main import main
from atfm.data.case import Case
from atfm.data.store import StoreWriter
from atfm.evaluate import score as score_module
from atfm.models import publish
from atfm.train.config import override
from atfm.train.presets import resolve

ROOT = Path(__file__).resolve().parents[2]
SHIM = ROOT / "tests" / "kills" / "shim.py"
CASES = 24


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of 24 cases and an untrained model."""
    path = tmp_path_factory.mktemp("evaluate")
    rng = np.random.default_rng(0)
    with StoreWriter(path / "store", name="dots", splits={"test": [f"p{n}" for n in range(8)]}) as writer:
        for number in range(CASES):
            masks = (rng.random((3, 16, 16)) < 0.3).astype(np.uint8)
            writer.add(Case(masks.mean(0, dtype=np.float32)[None], masks, f"case-{number}", f"p{number % 8}"))
    part = {"widths": [4, 4]}
    fields = {"method": {"gtr": part, "sfm": part | {"context_widths": [4, 4], "steps": 1}}}
    config = override(resolve("phantom"), fields)
    torch.manual_seed(0)
    method = config.build(in_channels=1, channels=1, size=(16, 16))
    card = {"config": config.model_dump(mode="json"), "patients": ["0" * 16], "training": {"stage": "energy"}}
    publish(path / "run" / "weights.safetensors", method, card)
    return path


def words(folder: Path, out: Path, *more: object) -> list[str]:
    own = ["evaluate", folder / "run", folder / "store", "--device", "cpu", "--samples", "4", "--batch", "1"]
    return [str(word) for word in (*own, "--threads", "1", "--out", out, *more)]


def start(*command: object) -> "subprocess.Popen[str]":
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, *map(str, command)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(process: "subprocess.Popen[str]") -> tuple[int, str]:
    _, error = process.communicate(timeout=100)
    assert "Traceback" not in error, error
    return process.returncode, error


@contextmanager
def paused(*command: object, until: Callable[[], bool]) -> "Iterator[subprocess.Popen[str]]":
    """The program, stopped once something is so; goes on at the end of the block."""
    process = start(*command)
    try:
        while not until():
            assert process.poll() is None, "it ended before it could be paused"
            time.sleep(0.002)
        process.send_signal(signal.SIGSTOP)
        yield process
        process.send_signal(signal.SIGCONT)
        assert ended(process)[0] == 0
    finally:
        process.kill()
        process.send_signal(signal.SIGCONT)


def rows(out: Path) -> list[dict[str, str]]:
    with (out / "rows.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def check_whole(out: Path, seed: int = 0) -> None:
    """All rows, each once, and a summary that is of them."""
    summary = json.loads((out / "summary.json").read_text())
    found = rows(out)
    assert summary["seed"] == seed
    assert sorted(os.listdir(out)) == ["drawn.json", "report.html", "rows.csv", "summary.json"]
    assert len({(row["method"], row["case_id"]) for row in found}) == len(found) == 4 * CASES
    own = [float(row["ged_4"]) for row in found if row["method"] == "atfm"]
    assert sum(own) / CASES == pytest.approx(summary["scores"]["ged_4"]["mean"], rel=1e-5)


def scored(out: Path) -> int:
    return sum(file.read_bytes().count(b"\n") - 1 for file in (out / "parts").glob("*.jsonl"))


def test_of_two_in_one_folder_one_is_told_and_the_other_whole(folder, tmp_path, capsys) -> None:
    out = tmp_path / "out"
    with paused("-m", "atfm", *words(folder, out), until=lambda: scored(out) > 2) as first:
        for more in ((), ("--seed", 3), ("--overwrite",), ("--shard", "1/2")):
            assert main(words(folder, out, *more)) == 2, more
            line = capsys.readouterr().err.splitlines()[-1]
            assert line.startswith(f"atfm: {out}: process {first.pid} (") and "is writing there; wait" in line
    check_whole(out)


def test_different_shards_at_once_yes_the_same_one_twice_no(folder, tmp_path, capsys) -> None:
    out = tmp_path / "out"
    shard = words(folder, out, "--shard", "1/2")
    with paused("-m", "atfm", *shard, until=lambda: scored(out) > 1) as first:
        assert main(shard) == 2
        assert f"1-of-2: process {first.pid} (" in capsys.readouterr().err.splitlines()[-1]
        assert main(words(folder, out)) == 2, "it would score the cases of the first"
        assert f"{out}: process {first.pid} (" in capsys.readouterr().err.splitlines()[-1]
        assert main(words(folder, out, "--shard", "2/2")) == 0
    assert main(words(folder, out)) == 0
    check_whole(out)


def test_a_killed_one_goes_on_from_its_rows_and_its_times_add_up(folder, tmp_path, monkeypatch) -> None:
    out = tmp_path / "out"
    process = start("-m", "atfm", *words(folder, out))
    while scored(out) < 5:
        time.sleep(0.002)
    process.kill()
    process.wait()
    file = next((out / "parts").glob("*.jsonl"))
    there = [json.loads(line.partition(b" ")[2]) for line in file.read_bytes().split(b"\n")[1:-1]]
    drawn: list[int] = []
    real = score_module.score_batch

    def counted(plan, numbers):
        drawn.extend(numbers)
        return real(plan, numbers)

    monkeypatch.setattr(score_module, "score_batch", counted)
    slow = [entry | {"seconds": 1000.0} for entry in there]  # as if the first run had taken long
    parts = parts_of(file)
    file.unlink()
    with parts.writer("1-of-1.1-of-1") as keep:
        keep([score_module.Entry.from_json(entry) for entry in slow])
    assert main(words(folder, out)) == 0
    assert sorted(drawn) == sorted(set(range(CASES)) - {entry["number"] for entry in there})
    check_whole(out)
    seconds = json.loads((out / "summary.json").read_text())["seconds"]
    assert 1000 * len(there) < seconds < 1000 * len(there) + 100


def parts_of(file: Path):
    from atfm.evaluate import Parts

    return Parts(file.parent, json.loads(file.read_bytes().split(b"\n")[0].partition(b" ")[2]))


def test_the_same_again_is_read_and_another_is_refused_or_replaces_it_when_asked(
    folder, tmp_path, monkeypatch, capsys
) -> None:
    out = tmp_path / "out"
    assert main(words(folder, out, "--json")) == 0
    first = json.loads(capsys.readouterr().out)
    with monkeypatch.context() as patch:
        patch.setattr(score_module, "score_batch", None)  # nothing is scored
        assert main(words(folder, out, "--json")) == 0
        assert json.loads(capsys.readouterr().out) == first
        assert main(words(folder, out, "--shard", "2/3", "--json")) == 0
        assert json.loads(capsys.readouterr().out)["cases"] == CASES
        for more, told in (
            (("--seed", 3), "seed: 0 there, 3 here"),
            (("--limit", 5), "limit: None there, 5 here"),
            (("--samples", 5), "samples: 4 there, 5 here"),
            (("--steps", 2), "steps"),
            (("--seed", 3, "--shard", "1/2"), "seed: 0 there, 3 here"),
        ):
            assert main(words(folder, out, *more)) == 2
            line = capsys.readouterr().err.splitlines()[-1]
            assert "holds another evaluation already" in line and told in line and "--overwrite" in line
    check_whole(out)
    assert main(words(folder, out, "--seed", 3, "--overwrite")) == 0
    assert "replaces another evaluation (it differs in seed: 0 there, 3 here)" in capsys.readouterr().err
    check_whole(out, seed=3)
    assert main(words(folder, out, "--overwrite", "--shard", "1/2")) == 2


def test_overwrite_drops_rows_of_another_one_that_was_not_finished(folder, tmp_path, capsys) -> None:
    out = tmp_path / "out"
    assert main(words(folder, out, "--shard", "1/2")) == 0
    assert main(words(folder, out, "--seed", 3)) == 2
    assert "rows of another evaluation, not finished (it differs in seed: 0 there, 3 here)" in capsys.readouterr().err
    assert main(words(folder, out, "--seed", 3, "--overwrite")) == 0
    assert "dropped: " in capsys.readouterr().err
    check_whole(out, seed=3)


def test_a_digit_that_was_changed_is_not_believed(folder, tmp_path, capsys) -> None:
    out = tmp_path / "out"
    assert main(words(folder, out)) == 0
    whole = {name: (out / name).read_text() for name in ("rows.csv", "drawn.json", "report.html")}
    text = whole["rows.csv"]
    place = text.index("\natfm,") + len("\natfm,case-0,p0,3,0.")
    (out / "rows.csv").write_text(text[:place] + str((int(text[place]) + 1) % 10) + text[place + 1 :])
    assert main(words(folder, out)) == 0
    assert f"{out / 'rows.csv'}: missing or damaged: the evaluation is made again" in capsys.readouterr().err
    assert {name: (out / name).read_text() for name in whole} == whole
    assert main(words(folder, tmp_path / "b", "--shard", "1/1")) == 0
    (part,) = (tmp_path / "b" / "parts").glob("*.jsonl")
    lines = part.read_bytes().split(b"\n")
    lines[3] = lines[3].replace(b'"ged": 0.', b'"ged": 1.')
    part.write_bytes(b"\n".join(lines))
    assert main(words(folder, tmp_path / "b")) == 0
    assert "line 4 is damaged: its case is scored again" in capsys.readouterr().err
    assert (tmp_path / "b" / "rows.csv").read_text() == whole["rows.csv"]


@pytest.mark.parametrize("at", ["rename:1", "rename:2", "write:2=EIO", "fsync:2=ENOSPC"])
def test_stopped_while_it_replaces_another_one_nothing_is_mixed(folder, tmp_path, at) -> None:
    out = tmp_path / "out"
    assert main(words(folder, out)) == 0
    status, error = ended(start(SHIM, "--at", at, "--", *words(folder, out, "--seed", 3, "--overwrite")))
    assert status == (2 if "=" in at else -signal.SIGKILL)
    if "=" in at:
        assert any(word in error.splitlines()[-1] for word in ("the disk is full", "input/output error"))
    if (out / "summary.json").exists():
        for file in (out / "parts").glob("*"):
            file.unlink()
        if (out / "parts").exists():
            (out / "parts").rmdir()
        for file in out.glob(".*"):
            file.unlink()
        check_whole(out, seed=0)
    assert main(words(folder, out, "--seed", 3, "--overwrite")) == 0
    check_whole(out, seed=3)
