import json
from pathlib import Path

import numpy as np
import pytest
from atfm.build import build

from atfm.cli.evaluate import default_folder
from atfm.cli.main import main
from atfm.data.case import Case
from atfm.data.splits import patient_hash
from atfm.data.store import StoreWriter
from atfm.models import publish
from atfm.train.presets import override, resolve

KEYS = {
    "scores",
    "gtr",
    "references",
    "cases",
    "patients",
    "leak",
    "model",
    "store",
    "split",
    "samples",
    "seed",
    "limit",
}
KEYS |= {"warnings", "report", "rows", "seconds"}
SCORES = {"ged", "ged_16", "ged_32", "ged_100", "hm_iou_16", "hm_iou_32", "mdm_32", "d_max_32", "diversity"}
SCORES |= {"annotator_diversity", "floor_ged_16", "floor_ged_100"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of six cases, and an untrained model that says it has seen one of the patients."""
    path = tmp_path_factory.mktemp("evaluate")
    rng = np.random.default_rng(0)
    with StoreWriter(path / "store", name="dots", splits={"train": ["a"], "test": ["b", "c"]}) as writer:
        for number, patient in enumerate("aabbcc"):
            masks = (rng.random((3, 16, 16)) < 0.3).astype(np.uint8)
            writer.add(Case(masks.mean(0, dtype=np.float32)[None], masks, f"case-{number}", patient))
    untrained(path, 1)
    return path


@pytest.fixture(scope="module")
def organs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of two cases with two named organs, and an untrained model for them."""
    path = tmp_path_factory.mktemp("organs")
    options = {"splits": {"test": ["b", "c"]}, "classes": 3, "ignore_label": 255, "class_names": ["liver", "tumour"]}
    rng = np.random.default_rng(1)
    with StoreWriter(path / "store", name="organs", **options) as writer:
        for patient in "bc":
            masks = rng.integers(0, 3, (3, 16, 16), np.uint8)
            writer.add(Case(masks.mean(0, dtype=np.float32)[None] / 2, masks, patient, patient))
    with StoreWriter(path / "silent", name="organs", **options) as writer:
        writer.add(Case(np.zeros((1, 16, 16), np.float32), np.full((2, 16, 16), 255, np.uint8), "b", "b"))
    untrained(path, 3)
    return path


def untrained(path: Path, channels: int) -> None:
    fields = {"gtr": {"widths": [4, 4]}, "sfm": {"widths": [4, 4], "context_widths": [4, 4], "steps": 1}}
    config = override(resolve("phantom"), fields)
    method = build(config, in_channels=1, channels=channels, size=(16, 16))
    card = {"config": config.model_dump(mode="json"), "patients": [patient_hash("a")]}
    publish(path / "run" / "weights.safetensors", method, card)


def run(folder: Path, *words: str) -> int:
    return main(["evaluate", str(folder / "run"), str(folder / "store"), "--device", "cpu", *words])


def test_json_has_every_key_and_the_files_are_there(folder, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(folder, "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert result.keys() >= KEYS and result["scores"].keys() >= SCORES
    assert SCORES - {"ged"} <= result["gtr"].keys() and set(result["references"]) == {"always_empty", "majority"}
    assert (result["cases"], result["patients"], result["leak"]["patients"]) == (4, 2, 0)
    assert Path(result["report"]) == Path("run-dots-test/report.html") and Path(result["report"]).is_file()
    assert len(Path(result["rows"]).read_text().splitlines()) == 1 + 4 * 4
    stored = json.loads(Path("run-dots-test/summary.json").read_text())
    assert stored == result


def test_for_a_person_it_is_a_table(folder, tmp_path, capsys) -> None:
    assert run(folder, "--samples", "16", "--limit", "2", "--out", str(tmp_path / "out")) == 0
    text = capsys.readouterr().out
    assert "ged_16" in text and "gtr alone" in text and "perfect model" in text
    assert f"see {tmp_path / 'out' / 'report.html'}" in text
    assert "--limit 2" in (tmp_path / "out" / "report.html").read_text(), "the page says how it was made"


def test_of_several_classes_each_has_a_row(organs, tmp_path, capsys) -> None:
    words = ("--samples", "16", "--out", str(tmp_path / "out"))
    assert run(organs, *words, "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["classes"] == ["liver", "tumour"]
    for scores in (result["scores"], result["gtr"], *result["references"].values()):
        assert {"ged/liver", "hm_iou_16/tumour", "floor_ged_16/tumour"} <= scores.keys()
    header = Path(result["rows"]).read_text().splitlines()[0].split(",")
    assert set(result["scores"]) - {"ece"} == set(header[4:])
    assert run(organs, *words) == 0
    lines = capsys.readouterr().out.splitlines()
    table = next(number for number, line in enumerate(lines) if line.startswith("atfm, by class"))
    assert lines[table].split()[3:] == lines[0].split(), "the columns of the table above"
    for line, name in zip(lines[table + 1 : table + 3], ("liver", "tumour"), strict=True):
        wanted = [f"{result['scores'][f'{metric}/{name}']['mean']:.3f}" for metric in lines[0].split()]
        assert line.split() == [name, *wanted] and len(line) == len(lines[table])


def test_of_binary_masks_no_class_is_told(folder, tmp_path, capsys) -> None:
    assert run(folder, "--samples", "2", "--limit", "1", "--no-references", "--out", str(tmp_path / "out")) == 0
    assert "by class" not in capsys.readouterr().out
    assert "/" not in (tmp_path / "out" / "rows.csv").read_text()
    assert "<h2>Classes</h2>" not in (tmp_path / "out" / "report.html").read_text()


def test_a_split_without_a_pixel_that_counts_is_refused_in_one_line(organs, tmp_path, capsys) -> None:
    words = ["evaluate", str(organs / "run"), str(organs / "silent"), "--device", "cpu", "--samples", "2"]
    assert main([*words, "--out", str(tmp_path / "out")]) == 2
    assert "none of the 1 cases has a pixel that counts" in capsys.readouterr().err.splitlines()[-1]
    assert not (tmp_path / "out").exists()


def test_a_leak_is_refused_in_one_line_and_leaves_nothing(folder, tmp_path, capsys) -> None:
    assert run(folder, "--split", "train", "--out", str(tmp_path / "out")) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert "trained on 1 of the 1 patients" in error and "(a)" in error and "--allow-leak" in error
    assert not (tmp_path / "out").exists()


def test_an_allowed_leak_is_stamped(folder, tmp_path, capsys) -> None:
    words = ("--split", "train", "--samples", "2", "--out", str(tmp_path / "out"), "--allow-leak", "--no-references")
    assert run(folder, *words) == 0
    assert "LEAKY" in capsys.readouterr().out
    assert "Leaky: the model was trained on 1 of the 1" in (tmp_path / "out" / "report.html").read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--split", "exam"], "it has train, test"),
        (["--samples", "1"], "at least 2"),
        (["--limit", "0"], "at least 1 case"),
        (["--steps", "0"], "steps: expected at least 1"),
        (["--batch", "0"], "--batch: expected at least 1"),
    ],
)
def test_mistakes_are_told_in_one_line(folder, tmp_path, capsys, words: list[str], message: str) -> None:
    assert run(folder, *words, "--out", str(tmp_path / "out")) == 2
    assert message in capsys.readouterr().err.splitlines()[-1]


def test_default_folder_is_named_for_what_is_scored() -> None:
    assert default_folder("runs/my lidc/", "lidc", "test") == "my-lidc-lidc-test"
    assert default_folder("weights/lidc.safetensors", "lidc", "val") == "lidc-lidc-val"
