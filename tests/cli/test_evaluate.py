import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from atfm.cli.evaluate import default_folder
from atfm.cli.main import build_parser, main
from atfm.data.case import Case
from atfm.data.pseudonyms import patient_hash
from atfm.data.store import StoreWriter
from atfm.models import publish
from atfm.train.config import override
from atfm.train.presets import resolve

KEYS = {
    "scores",
    "beside",
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
KEYS |= {"titles", "floor", "by_empty", "empty_calibration", "warnings", "report", "rows", "seconds"}
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


def untrained(path: Path, channels: int, name: str = "run") -> None:
    part = {"widths": [4, 4]}
    fields = {"method": {"gtr": part, "sfm": part | {"context_widths": [4, 4], "steps": 1}}}
    config = override(resolve("phantom"), fields)
    torch.manual_seed(len(name))
    method = config.build(in_channels=1, channels=channels, size=(16, 16))
    card = {"config": config.model_dump(mode="json"), "patients": [patient_hash("a")], "training": {"stage": "energy"}}
    publish(path / name / "weights.safetensors", method, card)


def run(folder: Path, *words: str) -> int:
    return main(["evaluate", str(folder / "run"), str(folder / "store"), "--device", "cpu", *words])


def test_json_has_every_key_and_the_files_are_there(folder, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(folder, "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert result.keys() >= KEYS and result["scores"].keys() >= SCORES
    assert SCORES - {"ged"} <= result["beside"]["gtr"].keys() and set(result["references"]) == {
        "always_empty",
        "majority",
    }
    assert (result["cases"], result["patients"], result["leak"]["patients"]) == (4, 2, 0)
    assert Path(result["report"]) == Path("run-dots-test/report.html") and Path(result["report"]).is_file()
    assert len(Path(result["rows"]).read_text().splitlines()) == 1 + 4 * 4
    stored = json.loads(Path("run-dots-test/summary.json").read_text())
    assert stored == result


def test_for_a_person_it_is_a_table(folder, tmp_path, capsys) -> None:
    assert run(folder, "--samples", "16", "--limit", "2", "--out", str(tmp_path / "out")) == 0
    text = capsys.readouterr().out
    assert "ged_16" in text and "\ngtr " in text and "\nother readers " in text
    assert "GED by parts" in text and "least GED of a model of the image alone: at most" in text
    assert "note: 2 patients are few: 95 % intervals" in text and "perfect" not in text
    assert f"see {tmp_path / 'out' / 'report.html'}" in text
    assert "--limit 2" in (tmp_path / "out" / "report.html").read_text(), "the page says how it was made"


def test_of_several_classes_each_has_a_row(organs, tmp_path, capsys) -> None:
    words = ("--samples", "16", "--out", str(tmp_path / "out"))
    assert run(organs, *words, "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["classes"] == ["liver", "tumour"]
    for scores in (result["scores"], result["beside"]["gtr"], *result["references"].values()):
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
    assert ">Classes</h2>" not in (tmp_path / "out" / "report.html").read_text()


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
        (["--batch", "0"], "batch: expected at least 1"),
        (["--beside", "sfm"], "earlier stages: gtr"),
        (["--shard", "3/2"], "shard: expected i/n with i from 1 to n"),
    ],
)
def test_mistakes_are_told_in_one_line(folder, tmp_path, capsys, words: list[str], message: str) -> None:
    assert run(folder, *words, "--out", str(tmp_path / "out")) == 2
    assert message in capsys.readouterr().err.splitlines()[-1]


def test_default_folder_is_named_for_what_is_scored_and_how_it_departs_from_the_defaults() -> None:
    def name(*words: str) -> str:
        return default_folder(build_parser().parse_args(["evaluate", *words]), "lidc")

    assert name("runs/my lidc/", "store") == "my-lidc-lidc-test"
    assert name("weights/lidc.safetensors", "store", "--split", "val") == "lidc-lidc-val"
    assert name("lidc", "s", "--samples", "16", "--limit", "9", "--seed", "3") == (
        "lidc-lidc-test-samples-16-limit-9-seed-3"
    )


def files(out: Path) -> dict[str, str]:
    """What an evaluation has written, without the seconds that it took."""
    found = {file.name: file.read_text() for file in out.iterdir()}
    summary = json.loads(found["summary.json"])
    found["summary.json"] = found["summary.json"].replace(f'"seconds": {summary["seconds"]}', "")
    found["summary.json"] = found["summary.json"].replace(summary["sha256"], "")
    return found


WORDS = ("--samples", "8", "--batch", "2", "--threads", "1")  # rounding differs with their number


@pytest.fixture(scope="module")
def by_one(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The files of one process; every test writes into a folder of one name, since report and summary name it."""
    out = tmp_path_factory.mktemp("one")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(out)
        assert run(folder, *WORDS, "--out", "out") == 0
    found = files(out / "out")
    assert found.keys() == {"rows.csv", "drawn.json", "summary.json", "report.html"}
    return found


def test_shards_in_any_order_leave_the_files_of_one_process(folder, by_one, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    for shard, cases in (("3/3", 0), ("1/3", 2), ("2/3", 4)):
        assert run(folder, *WORDS, "--out", "out", "--shard", shard, "--json") == 0
        told = json.loads(capsys.readouterr().out)
        assert told == {"shard": shard, "parts": "out/parts", "cases": cases, "of": 4}
    assert os.listdir("out") == ["parts"]
    assert run(folder, *WORDS, "--out", "out") == 0
    assert files(Path("out")) == by_one, "and no part is left"


def test_the_same_command_scores_what_a_shard_has_not(folder, by_one, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(folder, *WORDS, "--out", "out", "--shard", "2/2") == 0
    assert "shard 2/2: 2 of 4 cases are scored" in capsys.readouterr().out
    part = next(Path("out/parts").iterdir())
    part.write_text(
        "\n".join(part.read_text().split("\n")[:2]) + '\n{"number'
    )  # as if it was killed in its second case
    assert run(folder, *WORDS, "--out", "out") == 0
    assert files(Path("out")) == by_one


def test_rows_of_another_evaluation_are_not_joined(folder, tmp_path, capsys) -> None:
    out = ("--out", str(tmp_path / "out"))
    assert run(folder, *WORDS, *out, "--shard", "1/2") == 0
    assert run(folder, *WORDS, *out, "--seed", "3") == 2
    assert "seed: 0 there, 3 here" in capsys.readouterr().err.splitlines()[-1]
    assert run(folder, *WORDS, *out, "--steps", "2") == 2
    assert "it differs in steps)" in capsys.readouterr().err.splitlines()[-1]


def test_two_processes_of_the_launcher_leave_the_files_of_one(folder, by_one, tmp_path) -> None:
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "atfm"]
    words = [
        "evaluate",
        str(folder / "run"),
        str(folder / "store"),
        "--device",
        "cpu",
        *WORDS,
        "--out",
        "out",
        "--json",
    ]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "GLOO_SOCKET_IFNAME": "lo"}
    done = subprocess.run(
        [*launcher, *words], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert files(tmp_path / "out") == by_one
    assert json.loads(done.stdout) == json.loads((tmp_path / "out" / "summary.json").read_text()), "one has printed"


def test_another_model_stands_beside(folder, tmp_path, capsys) -> None:
    untrained(folder, 1, "other")
    words = ("--samples", "4", "--limit", "2", "--no-references", "--out", str(tmp_path / "out"))
    assert run(folder, *words, "--beside", str(folder / "other"), "--beside", "gtr", "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert list(result["beside"]) == ["other", "gtr"] and result["references"] == {}
    assert result["beside"]["other"]["ged_4"] != result["scores"]["ged_4"]
    assert "--beside gtr" in (tmp_path / "out" / "report.html").read_text()
    assert run(folder, *words, "--json") == 2
    assert "holds another evaluation already (it differs in weights, steps" in capsys.readouterr().err
    assert run(folder, *words, "--json", "--overwrite") == 0
    assert json.loads(capsys.readouterr().out)["beside"] == {}
