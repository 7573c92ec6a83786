"""`atfm train` and `atfm sample` as processes: resume, overrides, and a line for every mistake."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from atfm.cli.main import main
from atfm.errors import ConfigError

SMALL = [
    "--set=method.gtr.widths=[8]", "--set=method.sfm.widths=[8]", "--set=method.sfm.context_widths=[]",
    "--set=stages.gtr.steps=3", "--set=stages.sfm.steps=2", "--set=stages.energy.steps=0",
    "--set=stages.gtr.batch=4", "--set=stages.sfm.batch=4", "--set=validate_cases=2",
    "--set=validate_samples=2", "--set=save_every=2", "--threads=1",
]  # fmt: skip


def atfm(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "atfm", *map(str, words)], capture_output=True, text=True)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("train") / "run"
    store = out.parent / "store"
    assert atfm("data", "import", "phantom", "--cases", "20", "--test-annotators", "4", "--out", store).returncode == 0
    first = atfm("train", "phantom", "--data", store, *SMALL, "--max-steps", "2", "--out", out, "--json")
    assert json.loads(first.stdout)["steps"] == 2, first.stderr
    second = atfm("train", "phantom", "--data", store, *SMALL, "--out", out, "--json")
    assert json.loads(second.stdout)["steps"] == 5, second.stderr
    return out


def test_a_run_samples_and_evaluates(run: Path, tmp_path: Path) -> None:
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32), np.uint8)).save(tmp_path / "a.png")
    done = atfm("sample", run, tmp_path / "a.png", "--n", "3", "--seed", "7", "--out", tmp_path / "out", "--json")
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)["images"][0]["files"]["masks"]) == 3
    scored = atfm("evaluate", run, run.parent / "store", "--samples", "4", "--out", tmp_path / "report", "--json")
    assert "ged_4" in json.loads(scored.stdout)["scores"], scored.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["train", "fantom"], "did you mean phantom?"),
        (["train", "lidc"], "--data: expected a store"),
        (["train", "phantom", "--set", "stages.gtr.lrr=1"], "the nearest valid one is 'stages."),
        (["train", "phantom", "--max-steps", "0"], "expected at least 1, got 0"),
        (["train", "lidc", "--data", "nowhere"], "nowhere"),
        (["sample", "nothing", "a.png"], "expected a run folder, a .safetensors file or shipped weights"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(words: list[str], message: str, tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-m", "atfm", *words], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "pixels", "message"),
    [
        ("wide.png", np.zeros((20, 40), np.uint8), "expected an image of 32 x 32 pixels"),
        ("nan.npy", np.full((32, 32), np.nan, np.float32), "NaN"),
        ("cut.png", None, "cut.png"),
    ],
)
def test_an_image_that_does_not_fit(run: Path, tmp_path: Path, name: str, pixels: np.ndarray, message: str) -> None:
    path = tmp_path / name
    if pixels is None:
        path.write_bytes(b"\x89PNG\r\n\x1a\n")
    elif path.suffix == ".npy":
        np.save(path, pixels)
    else:
        Image.fromarray(pixels).save(path)
    done = atfm("sample", run, path, "--out", tmp_path / "out")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert message in done.stderr


def test_dry_run_prints_what_would_be_trained(tmp_path: Path) -> None:
    done = atfm("train", "paper", "--set", "stages.gtr.lr=2e-4", "--dry-run", "--json")
    config = json.loads(done.stdout)["config"]
    assert config["stages"]["gtr"]["lr"] == 2e-4
    assert config["method"]["sfm"]["widths"] == [128, 256, 512]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["seed=[1"], "as JSON has it"),
        (["seed=!!python/name:os.system"], "as JSON has it"),
        (["seed=1", "seed.x=2"], "has got a value already"),
        (["seed.x=2", "seed=1"], "seed has got a value already"),
        (["stages.gtr.lr=1", 'stages={"gtr": {"lr": 2}}'], "stages has got a value already"),
        (["seed=NaN"], "as JSON has it"),
        (["stages.gtr.lr=1e999"], "as JSON has it"),
        (["stages.gtr.lr=-Infinity"], "as JSON has it"),
        (["a..b=1"], "FIELD=VALUE"),
        ([".=1"], "FIELD=VALUE"),
        (["=3"], "FIELD=VALUE"),
        (["seed"], "FIELD=VALUE"),
    ],
)
def test_assignments_that_cannot_be_read_are_one_line(given: list[str], message: str) -> None:
    from atfm.cli.train import assignments

    with pytest.raises(ConfigError, match=message):
        assignments(given)


@pytest.mark.parametrize(
    "given",
    [
        ["seed=[1"], ["seed=!!python/object:os.system"], ["seed=&a [*a]"], ["seed=1", "seed.x=2"], ["seed.x=2"],
        ["method=3"], ["stages=[]"], ["stages.gtr=1"], ["seed={}"], ["seed=" + "[" * 5000], ["window=" + "9" * 5000],
        ["augment.flip.x.y=1"], ["seed=1e400"], ["preset=null"],
    ],
)  # fmt: skip
def test_values_that_are_none_end_in_one_line(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    from atfm.cli.main import main

    assert main(["train", "phantom", "--dry-run", *(f"--set={text}" for text in given)]) == 2
    told = capsys.readouterr()
    assert told.err.count("\n") == 1 and told.err.startswith("atfm: ") and len(told.err) < 600 and not told.out


def test_the_seed_of_the_flag_counts_when_it_is_0_too(capsys: pytest.CaptureFixture[str]) -> None:
    from atfm.cli.main import main

    assert main(["train", "phantom", "--dry-run", "--json", "--set=seed=5", "--seed=0"]) == 0
    assert json.loads(capsys.readouterr().out)["config"]["seed"] == 0
    assert main(["train", "phantom", "--dry-run", "--json", "--set=seed=5"]) == 0
    assert json.loads(capsys.readouterr().out)["config"]["seed"] == 5


def test_assignments_are_json_and_bare_words() -> None:
    from atfm.cli.train import assignments

    given = ["stages.gtr.lr=1e-3", "stages.gtr.steps=7", "window=[64, 64]", "crop=null", "method.sfm.solver=heun"]
    assert assignments(given) == {
        "stages": {"gtr": {"lr": 1e-3, "steps": 7}},
        "window": [64, 64],
        "crop": None,
        "method": {"sfm": {"solver": "heun"}},
    }


def test_a_run_folder_is_never_named_out_of_runs(capsys, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["train", "gtr-phantom", "--set", "preset=../../elsewhere", "--max-steps", "1"]) == 2
    assert "the run folder is named after it" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
