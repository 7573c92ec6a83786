"""The example scripts and the first lines of the README run, say what they find, and are short."""

import csv
import json
import runpy
import sys
from pathlib import Path
from types import SimpleNamespace

import nibabel
import nrrd
import pytest

import atfm
from atfm.data import Store
from atfm.predict import Prediction, prepare_file, sample
from atfm.train.presets import resolve

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
SCRIPTS = sorted(EXAMPLES.glob("*.py"))


def run(name: str, out: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    monkeypatch.setattr(sys, "argv", [f"{name}.py", "--out", str(out), *words])
    runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")


def test_the_first_lines_of_the_readme_run() -> None:
    lines = (EXAMPLES.parent / "README.md").read_text("utf-8").split("```python\n", 1)[1].split("```", 1)[0]
    known: dict[str, object] = {}
    exec(lines, known)  # what a reader tries first
    prediction = known["prediction"]
    assert isinstance(prediction, Prediction) and len(prediction) == 64
    shapes = [prediction.masks.shape, prediction.mean_probability.shape, prediction.entropy.shape]
    assert ", ".join(map(str, map(list, shapes))) in lines
    areas = prediction.masks.sum((1, 2, 3))
    assert len(prediction.hypotheses) > 1  # one reader of this nodule left it empty, and the others differ by a shadow
    assert areas.min() == 0 and areas.max() > 1.5 * areas[areas > 0].min()


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_an_example_is_short_and_told_of(script: Path) -> None:
    assert len(script.read_text("utf-8").splitlines()) < 80
    assert f"`{script.name}`" in (EXAMPLES / "README.md").read_text("utf-8")


def test_there_are_three() -> None:
    assert [script.stem for script in SCRIPTS] == ["ct_spot", "own_folder", "score_masks"]


def test_a_ct_and_a_spot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    run("ct_spot", tmp_path, monkeypatch, "--n", "4", "--at", "100", "80", "4")
    told = capsys.readouterr().out
    assert "200 x 160 x 9 voxels of 0.7 x 0.7 x 2.5 mm" in told and "from R to L" in told and "outline A" in told
    folder = tmp_path / "100-80-4"
    layers, _ = nrrd.read(str(folder / "hypotheses.seg.nrrd"))
    assert layers.shape[-3:] == (200, 160, 9) and layers[..., 100, 80, 4].any()  # the nodule, where the scan has it
    model = atfm.load("lidc")
    (prepared,) = prepare_file(model, tmp_path / "scan.nii.gz", at=[(100, 80, 4)])
    direct = sample(model, prepared, 4, seed=7)
    written = json.loads((folder / "sample.json").read_text())
    assert written["areas"] == direct.areas.tolist() and max(written["areas"]) > 100
    assert "<svg" in (folder / "prediction.html").read_text()
    assert nibabel.load(tmp_path / "scan.nii.gz").shape == (200, 160, 9)


def test_masks_of_other_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run("score_masks", tmp_path, monkeypatch, "--cases", "40", "--samples", "4")
    told = capsys.readouterr().out
    scores = {line.split()[0]: float(line.split()[1]) for line in told.splitlines()[1:4]}
    always = {line.split()[0]: float(line.split()[1]) for line in told.splitlines()[5:8]}
    assert told.startswith("Predictions thresholds") and scores["ged_4"] < always["ged_4"]
    assert scores["diversity"] > 0
    assert (tmp_path / "report" / "report.html").exists()
    with (tmp_path / "images" / "cases.csv").open(newline="") as table:
        assert len(list(csv.DictReader(table))) == len(list((tmp_path / "masks").iterdir())) == 4


def test_an_own_folder_to_a_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    quick = tmp_path / "quick.toml"
    steps = "[stages]\ngtr.steps = 2\nsfm.steps = 1\nenergy.steps = 1\n"
    quick.write_text(f'preset = "phantom"\nvalidate_cases = 2\nvalidate_samples = 2\n{steps}')
    # in no time at all; tests/plan have what is really planned
    plan = SimpleNamespace(config=resolve(str(quick)), reasons=["because of a reason"], warnings=["warned"])
    monkeypatch.setattr("atfm.plan.plan", lambda store, minutes: plan if minutes == 3 else None)
    run("own_folder", tmp_path, monkeypatch, "--cases", "20", "--minutes", "3")
    told = capsys.readouterr().out
    assert "20 cases of 20 patients" in told and "4 steps in" in told and "Prediction of 16 samples, 32 x 32" in told
    assert "because of a reason\nwarned\n" in told
    store = Store.open(tmp_path / "store")
    assert store.annotators(0) == 4 and set(store.info.splits) == {"train", "val", "test"}
    assert (tmp_path / "report" / "report.html").exists()
    weights = (tmp_path / "run" / "weights.safetensors").read_bytes()
    run("own_folder", tmp_path, monkeypatch, "--preset", str(quick))  # by hand: the same training, which is done
    assert "because" not in capsys.readouterr().out
    assert (tmp_path / "run" / "weights.safetensors").read_bytes() == weights
