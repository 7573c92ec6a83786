"""`atfm bench` and `atfm bench metrics`."""

import json
from pathlib import Path

import numpy as np
import pytest

from atfm.cli.bench_text import show
from atfm.cli.main import main
from atfm.data.case import Case
from atfm.data.store import StoreWriter
from atfm.models import publish
from atfm.train.config import override
from atfm.train.presets import resolve

OTHER = 'preset = "paper"\nmethod = {gtr = {widths = [8, 8]}, sfm = {widths = [8, 8], blocks = 1, steps = 5}}\n'


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bench")
    fields = {
        "gtr": {"widths": [4, 4], "monte_carlo": 2},
        "sfm": {"widths": [4, 4], "context_widths": [4], "steps": 2, "starts": 2},
    }
    config = override(resolve("phantom"), {"method": fields})
    card = {"config": config.model_dump(mode="json"), "patients": [], "training": {"stage": "energy"}}
    publish(path / "run" / "weights.safetensors", config.build(in_channels=1, channels=1, size=(16, 16)), card)
    (path / "other.toml").write_text(OTHER)
    rng = np.random.default_rng(0)
    with StoreWriter(path / "store", name="dots", splits={"train": ["a"], "val": ["b", "c"]}) as writer:
        for number, patient in enumerate("abcbc"):
            masks = (rng.random((3, 16, 16)) < 0.3).astype(np.uint8)
            writer.add(Case(masks.mean(0, dtype=np.float32)[None], masks, f"case-{number}", patient))
    return path


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("atfm.train.clock._LEAST", 0.0)


def run(folder: Path, *words: str) -> int:
    models = ["--model", str(folder / "run"), "--against", str(folder / "other.toml")]
    return main(["bench", *models, "--device", "cpu", "--threads", "1", "--repeats", "1", *words])


def test_json_has_both_models_their_ratio_and_every_section(folder, monkeypatch, capsys) -> None:
    monkeypatch.setattr(
        "atfm.bench.sampling.peak_memory", lambda *arguments, device: {"before_mb": 1.0, "peak_mb": 2.0}
    )
    figure = folder / "pareto.svg"
    words = ["--batch", "2", "--train-batch", "2", "--train-steps", "1", "--steps", "1,2"]
    assert run(folder, *words, "--store", str(folder / "store"), "--limit", "3", "--figure", str(figure), "--json") == 0
    captured = capsys.readouterr()
    result = json.loads(captured.out)
    for name in ("ours", "other"):
        assert {"gflop", "seconds", "parameters", "peak_mb"} <= result[name].keys()
    assert result["ratio"]["operations"] == pytest.approx(result["other"]["gflop"] / result["ours"]["gflop"])
    assert result["ratio"]["time"] > 0 and result["threads"] == 1 and result["device"] == "cpu" and result["torch"]
    assert [point["name"] for point in result["steps"]] == ["gtr alone", "1 step", "2 steps"]
    assert all(point["cases"] == 3 and "ged_100" in point["scores"] for point in result["steps"])
    assert list(result["training"]) == ["gtr", "sfm", "energy"]
    assert "gtr alone to 2 steps" in figure.read_text() and "cpu: scoring" in captured.err
    assert any("multiply-add is 2 operations" in sentence for sentence in result["how"])
    text = show(result)
    for said in ("images/s in steps of 2", "its peak memory, MB", "seconds for a batch of 2 images", "ged_100"):
        assert said in text


def test_for_a_person_it_is_one_table(folder, capsys) -> None:
    assert run(folder, "--batch", "0", "--no-memory", "--train-steps", "0", "--steps", "1") == 0
    text = capsys.readouterr().out
    wanted = ["ratio", "operations for 100 samples", "of one 16x16 image", "fewer and more steps"]
    for words in [*wanted, "of the ratio of operations", "window, 16x16 to 16x16", "steps, 2 to 5", "  networks"]:
        assert words in text
    assert "multiplied" in text and "peak memory, MB" not in text and "batch of" not in text


def test_mistakes_are_one_line(folder, capsys) -> None:
    assert run(folder, "--figure", "pareto.svg") == 2
    assert "give a --store" in capsys.readouterr().err
    assert run(folder, "--steps", "1,two", "--batch", "0", "--no-memory") == 2
    assert "expected whole numbers" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["bench", "metric"])
    assert "did you mean 'metrics'" in capsys.readouterr().err


def test_metrics(capsys) -> None:
    words = ["bench", "metrics", "--cases", "3", "--size", "24", "--samples", "32", "--threads", "1"]
    assert main([*words, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["ratio"] == pytest.approx(result["naive_seconds"] / result["seconds"])
    assert main(words) == 0
    text = capsys.readouterr().out
    assert "double loop" in text and "3 cases of 24x24, 32 samples" in text
