"""`atfm data fingerprint`, and what the guard makes of it: a training image is caught whatever it is called."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from atfm.cli.main import main
from atfm.data.case import Case
from atfm.data.store import Store, StoreWriter
from atfm.train.checkpoint import load_pair, save_pair

SMALL = [
    "--set=method.gtr.widths=[8]", "--set=method.sfm.widths=[8]", "--set=method.sfm.context_widths=[]",
    "--set=stages.gtr.steps=1", "--set=stages.sfm.steps=1", "--set=stages.energy.steps=0",
    "--set=stages.gtr.batch=4", "--set=stages.sfm.batch=4", "--set=validate_cases=2", "--set=validate_samples=2",
]  # fmt: skip


def call(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    capsys.readouterr()
    status = main([str(word) for word in words])
    output = capsys.readouterr()
    return status, output.out, output.err


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of simulated cases, and a run that was trained on it for a step."""
    root = tmp_path_factory.mktemp("made")
    words = ["data", "import", "phantom", "--cases", 40, "--test-annotators", 2, "--out", root / "store"]
    assert main([str(word) for word in words]) == 0
    words = ["train", "phantom", "--data", root / "store", *SMALL, "--out", root / "run"]
    assert main([str(word) for word in words]) == 0
    return root


def re_encoded(store: Store, out: Path, quality: int | None) -> None:
    """The training cases under other names, of other patients, in a split `test`; as JPEG, or with 16 bits."""
    cases = [store[i] for i in store.split("train")[:6]]
    with StoreWriter(
        out, name="stolen", splits={"test": [f"new {i}" for i in range(6)]}, patients_known="given"
    ) as writer:
        for i, case in enumerate(cases):
            image = np.rint(case.image * 65535).astype(np.float32) / np.float32(65535)
            if quality is not None:
                stream = io.BytesIO()
                Image.fromarray(np.rint(case.image[0] * 255).astype(np.uint8)).save(stream, "JPEG", quality=quality)
                image = np.asarray(Image.open(stream), np.float32)[None] / np.float32(255)
            writer.add(Case(image, case.masks, f"scan {i}", f"new {i}", case.spacing))


@pytest.mark.parametrize(("quality", "words"), [(None, "6 of the 6 images (scan 0"), (90, "images that look like")])
def test_a_re_encoded_training_image_is_caught(made, tmp_path, capsys, quality, words) -> None:
    re_encoded(Store.open(made / "store"), tmp_path / "stolen", quality)
    evaluation = ["evaluate", made / "run", tmp_path / "stolen", "--samples", 2, "--out", tmp_path / "report"]
    status, _, err = call(capsys, *evaluation)
    assert status == 2 and "was trained on " in err and words in err
    status, out, _ = call(capsys, *evaluation, "--allow-leak")
    assert status == 0 and "LEAKY: training against test: 0 of 6 patients in common, by their ids; " in out
    summary = json.loads((tmp_path / "report/summary.json").read_text())
    assert summary["leak"]["found"] is True and summary["leak"]["images"]["compared"] == 6
    assert "These scores say nothing about new patients" in (tmp_path / "report/report.html").read_text()


def test_an_honest_test_says_what_was_compared(made, tmp_path, capsys) -> None:
    status, out, _ = call(
        capsys, "evaluate", made / "run", made / "store", "--samples", 2, "--out", tmp_path / "report"
    )
    assert status == 0 and "0 of 4 patients in common, by their ids; 0 of 4 images in common, 0 look like" in out


def test_the_card_of_a_model_from_before(made, tmp_path, capsys) -> None:
    run = tmp_path / "run"
    run.mkdir()
    card = run / "weights.json"
    tensors, fields = load_pair(made / "run" / "weights.safetensors")
    whole = fields.pop("seen_images")
    assert fields.pop("patients_known") == "given"
    save_pair(run / "weights.safetensors", tensors, fields)
    evaluation = ["evaluate", run, made / "store", "--samples", 2, "--out"]
    status, out, _ = call(capsys, *evaluation, tmp_path / "report")
    assert status == 0 and "images not compared: the model carries no fingerprints" in out and "not recorded" in out
    status, out, _ = call(capsys, "data", "fingerprint", made / "store", "--card", card)
    assert status == 0 and "fingerprints of 32 of 32 images" in out
    assert json.loads(card.read_text())["seen_images"] == whole
    assert "0 of 4 images in common" in call(capsys, *evaluation, tmp_path / "again")[1]


def test_a_card_of_other_patients_is_refused(made, tmp_path, capsys) -> None:
    status, _, err = call(
        capsys, "data", "fingerprint", made / "store", "--split", "val", "--card", made / "run/weights.json"
    )
    assert status == 2 and "was trained on 32 patients, split 'val' has 4, 4 of them others" in err


def test_how_often_they_err(made, capsys) -> None:
    status, out, _ = call(capsys, "data", "fingerprint", made / "store", "--against", "val", "test")
    assert status == 0 and "8 images held against 32 of other patients" in out and "100.0% 16 bits" in out
    facts = json.loads(call(capsys, "data", "fingerprint", made / "store", "--against", "train", "--json")[1])
    assert facts["asked"] == facts["train"] == facts["encoded"] == 32
    assert facts["false_alarms"]["10"] == facts["alarm_patients"] == 0, "an image is no false alarm for its own patient"
    assert facts["caught"]["16 bits"] == facts["caught"]["half the size"] == 1.0


def test_without_a_task_it_says_what_there_is(made, capsys) -> None:
    status, _, err = call(capsys, "data", "fingerprint", made / "store")
    assert status == 2 and "give --card JSON to add to, or --against SPLIT" in err


def test_a_secret_key(made, tmp_path, capsys) -> None:
    for name in ("key", "other"):
        (tmp_path / name).write_text(f"a long secret of the {name} house")
    key = ["--patient-key", tmp_path / "key"]
    words = ["train", "phantom", "--data", made / "store", *SMALL, "--out", tmp_path / "run", *key]
    assert call(capsys, *words)[0] == 0
    card = json.loads((tmp_path / "run/weights.json").read_text())
    open_card = json.loads((made / "run/weights.json").read_text())
    assert len(card["patients"]) == 32 and not set(card["patients"]) & set(open_card["patients"])
    evaluation = ["evaluate", tmp_path / "run", made / "store", "--samples", 2, "--no-references", "--split"]
    status, out, _ = call(capsys, *evaluation, "test", "--out", tmp_path / "a")
    assert status == 0 and "patients not compared: the model knows them by a secret key" in out
    status, out, _ = call(capsys, *evaluation, "test", *key, "--out", tmp_path / "b")
    assert status == 0 and "0 of 4 patients in common, by their ids" in out
    status, _, err = call(capsys, *evaluation, "train", *key, "--out", tmp_path / "c")
    assert status == 2 and "trained on 32 of the 32 patients" in err and "32 of the 32 images" in err
    status, _, err = call(capsys, *evaluation, "test", "--patient-key", tmp_path / "none", "--out", tmp_path / "d")
    assert status == 2 and "none: cannot be read" in err
