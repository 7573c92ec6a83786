"""Masks in files go through the protocol of models: exported, drawn by `atfm sample`, read, the scores are equal."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from atfm.cli.main import main
from atfm.data.case import Case
from atfm.data.pseudonyms import patient_hash
from atfm.data.store import Store, StoreWriter
from atfm.models import publish
from atfm.train.config import override
from atfm.train.presets import resolve

N = 8


def trained(path: Path, *, channels: int = 1, size: tuple[int, ...] = (16, 16), orientation: str = "none") -> Path:
    """A model of random weights, whose masks are neither empty nor full."""
    part = {"widths": [4, 4]}
    fields = {"method": {"gtr": part, "sfm": part | {"context_widths": [4, 4], "steps": 1}}}
    config = override(resolve("phantom"), fields)
    torch.manual_seed(3)
    method = config.build(in_channels=1, channels=channels, size=size)
    card = {"config": config.model_dump(mode="json"), "patients": [patient_hash("z")], "training": {"stage": "energy"}}
    publish(path / "weights.safetensors", method, card | {"orientation": orientation})
    return path


def stored(path: Path, *, classes: int = 1, size: tuple[int, ...] = (16, 16), cases: int = 12, **options) -> Path:
    """Cases with ids that are no names of files, discs with soft edges."""
    rng = np.random.default_rng(5)
    rows = np.indices(size).astype(float)
    with StoreWriter(path, name="soft", splits={"train": ["a"], "test": ["b", "c"]}, classes=classes, **options) as out:
        for number in range(cases):
            centre = rng.uniform(5, 10, len(size)).reshape(-1, *[1] * len(size))
            near = np.sqrt(np.square(rows - centre).sum(0))
            masks = np.stack([(near < 3 + reader) * (1 + (near < 2) * (classes > 2)) for reader in range(3)])
            soft = np.clip(1 - near / 12 + rng.normal(0, 0.2, size), 0, 1)  # no two images look alike
            image = np.rint(255 * soft) / np.float32(255)
            patient = "abc"[number % 3]
            spacing = tuple(1.0 + 0.5 * axis for axis in range(len(size)))
            masks, image = masks.astype(np.uint8), image.astype(np.float32)[None]
            out.add(Case(image, masks, f"{patient}/nodule-0/slice-{number}", patient, spacing))
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store, its export, a model, and what `atfm sample` and `atfm evaluate` make of the two."""
    path = tmp_path_factory.mktemp("foreign")
    trained(path / "run")
    stored(path / "store")
    assert main(["data", "export", str(path / "store"), "--out", str(path / "export")]) == 0
    sampled(path, "npy")
    words = ["evaluate", str(path / "run"), str(path / "store"), "--samples", str(N), "--batch", "1", "--seed", "7"]
    assert main([*words, "--device", "cpu", "--out", str(path / "own")]) == 0
    return path


def sampled(path: Path, form: str, white: str = "255") -> Path:
    images = sorted(map(str, (path / "export" / "images").iterdir()))
    words = ["sample", str(path / "run"), *images, "--keys", str(path / "export" / "cases.csv"), "--window", "0", white]
    words += ["--n", str(N), "--seed", "7", "--format", form, "--device", "cpu", "--out", str(path / form)]
    assert main(words) == 0
    return path / form


def score(path: Path, masks: Path, out: Path, *words: str) -> int:
    command = ["evaluate", "--predictions", str(masks), str(path / "store"), "--seed", "7", "--device", "cpu"]
    return main([*command, "--out", str(out), *words])


def rows(out: Path, *methods: str) -> list[list[str]]:
    with (out / "rows.csv").open(newline="") as stream:
        return [row[1:] for row in csv.reader(stream) if row[0] in methods]


def check_equal(own: Path, out: Path) -> dict:
    """The same rows, to the last digit, and the same summary of them."""
    assert rows(out, "predictions") == rows(own, "atfm") and len(rows(out, "predictions")) > 1
    assert rows(out, "majority") == rows(own, "majority")
    mine, theirs = (json.loads((place / "summary.json").read_text()) for place in (own, out))
    assert theirs["scores"] == mine["scores"] and theirs["by_empty"] == mine["by_empty"]
    return theirs


@pytest.mark.parametrize("form", ["npy", "png", "nifti"])
def test_masks_that_were_drawn_and_read_have_the_scores_of_the_model_itself(folder, tmp_path, form: str) -> None:
    masks = folder / "npy" if form == "npy" else sampled(folder, form)
    assert score(folder, masks, tmp_path / "out") == 0
    found = check_equal(folder / "own", tmp_path / "out")
    assert found["samples"] == N and found["predictions"]["cases"] == 8 and found["model"] == form
    assert not [line for line in found["predictions"]["warnings"] if "noise" in line], "the keys are those of the cases"
    assert found["scores"]["diversity"]["mean"] > 0, "a model that draws one mask would prove nothing"


@pytest.mark.parametrize("threads", [1])
def test_several_classes_and_volumes_that_lie_another_way(tmp_path, threads: int) -> None:
    for name, size, classes, white in (("organs", (16, 16), 3, "255"), ("volumes", (16, 16, 16), 1, "255")):
        path = tmp_path / name
        lay = "LPS" if len(size) == 3 else "none"
        trained(path / "run", channels=classes, size=size, orientation=lay)
        stored(path / "store", classes=classes, size=size, cases=6, orientation=lay)
        assert main(["data", "export", str(path / "store"), "--out", str(path / "export")]) == 0
        words = ["evaluate", str(path / "run"), str(path / "store"), "--samples", str(N), "--batch", "1", "--seed", "7"]
        assert main([*words, "--device", "cpu", "--out", str(path / "own"), "--no-references"]) == 0
        for form in ("npy", "nifti"):
            masks = sampled(path, form, white)
            assert score(path, masks, path / f"out-{form}", "--no-references") == 0
            assert rows(path / f"out-{form}", "predictions") == rows(path / "own", "atfm"), (name, form)


def test_what_is_told_of_them(folder, tmp_path, capsys) -> None:
    assert score(folder, folder / "npy", tmp_path / "out", "--name", "Mine") == 0
    text = capsys.readouterr().out
    assert "masks of Mine: 16 files" in text and "missing 0, surplus 0" in text
    assert "trained on: not known" in text and "patients not compared: nobody said what the model" in text
    assert "note: Nothing of the training could be compared" in text
    page = (tmp_path / "out" / "report.html").read_text()
    assert "Predictions Mine" in page and "npy [S, *spatial] of 0, 1" in page and "drawn by atfm" in page
    assert "--predictions --name Mine" in page and "--samples" not in page.split("--predictions")[1].split("<")[0]


def test_the_guard_knows_what_is_stated(folder, tmp_path, capsys) -> None:
    words = ("--trained-on", str(folder / "store"))
    assert score(folder, folder / "npy", tmp_path / "out", *words, "--json") == 0
    leak = json.loads(capsys.readouterr().out)["leak"]
    assert leak["line"].startswith("0 of 2 patients in common, by their ids; 0 of 8 images in common")
    assert score(folder, folder / "npy", tmp_path / "leaky", *words, "--trained-split", "train", "test") == 2
    assert "trained on 2 of the 2 patients" in capsys.readouterr().err
    listed = tmp_path / "trained.txt"
    listed.write_text("# ours\nq\nC\n")
    assert score(folder, folder / "npy", tmp_path / "leaky", "--trained-on", str(listed)) == 2
    assert "trained on 1 of the 2 patients to be scored (c)" in capsys.readouterr().err
    card = str(folder / "run" / "weights.json")
    assert score(folder, folder / "npy", tmp_path / "card", "--trained-on", card, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["leak"]["patients"] == 0 and "what the card" in told["predictions"]["trained_on"]


def test_all_that_is_wrong_is_told_at_once(folder, tmp_path, capsys) -> None:
    masks = tmp_path / "masks"
    shutil.copytree(folder / "npy", masks)
    names = sorted(entry.name for entry in masks.iterdir())
    (masks / names[0] / "samples.npy").write_bytes(b"\x93NUMPY, once")
    shutil.rmtree(masks / names[1])
    (masks / "stranger.npy").write_bytes(b"")
    (masks / names[2] / "notes.txt").write_text("?")
    assert score(folder, masks, tmp_path / "out") == 2
    error = capsys.readouterr().err
    assert f"1 of 8 cases cannot be scored: {masks / names[0] / 'samples.npy'}: damaged" in error
    assert "1 of 8 cases have no masks (b/nodule-0/slice-10)" in error and "--allow-missing" in error
    assert not (tmp_path / "out").exists()
    shutil.rmtree(masks / names[0])
    assert score(folder, masks, tmp_path / "out", "--allow-missing", "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["cases"] == 6 and result["predictions"]["missing"]["count"] == 2
    assert result["predictions"]["surplus"] == {"count": 2, "names": [f"{names[2]}/notes.txt", "stranger.npy"]}
    assert any(line.startswith("Of 2 cases there are no masks") for line in result["warnings"])


def test_other_masks_are_another_evaluation(folder, tmp_path, capsys) -> None:
    masks = tmp_path / "masks"
    names = [entry.name for entry in sorted((folder / "npy").iterdir())]
    for name in names:
        (masks / name).mkdir(parents=True)
        np.save(masks / name / "samples.npy", np.load(folder / "npy" / name / "samples.npy"))
    assert score(folder, masks, tmp_path / "out") == 0
    before = (tmp_path / "out" / "summary.json").read_bytes()
    assert score(folder, masks, tmp_path / "out") == 0
    assert (tmp_path / "out" / "summary.json").read_bytes() == before, "read, not made again"
    changed = np.load(masks / names[0] / "samples.npy")
    changed[0, 0, 0] ^= 1
    np.save(masks / names[0] / "samples.npy", changed)
    capsys.readouterr()
    assert score(folder, masks, tmp_path / "out") == 2
    assert "holds another evaluation already (it differs in predictions)" in capsys.readouterr().err


def test_noise_of_other_keys_is_told(folder, tmp_path, capsys) -> None:
    images = sorted(map(str, (folder / "export" / "images").iterdir()))
    words = ["sample", str(folder / "run"), *images, "--n", "2", "--format", "npy", "--device", "cpu"]
    assert main([*words, "--out", str(tmp_path / "masks")]) == 0
    capsys.readouterr()
    assert score(folder, tmp_path / "masks", tmp_path / "out", "--json") == 0
    warnings = json.loads(capsys.readouterr().out)["warnings"]
    assert any("8 cases (b/nodule-0/slice-1, " in line and "--keys of the export" in line for line in warnings)


def test_another_model_stands_beside_them(folder, tmp_path, capsys) -> None:
    words = ("--beside", str(folder / "run"), "--batch", "1", "--no-references", "--json")
    assert score(folder, folder / "npy", tmp_path / "out", *words, "--samples", "4") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["samples"] == 4 and result["beside"]["run"]["ged_4"] == result["scores"]["ged_4"]


def test_a_folder_of_each_member_and_probabilities_by_a_stated_threshold(folder, tmp_path, capsys) -> None:
    """As nnU-Net leaves them: a folder for each fold, in it a file for each case."""
    store = Store.open(folder / "store")
    for number in store.split("test"):
        case = store[number]
        for fold in range(3):
            place = tmp_path / "masks" / f"fold_{fold}"
            place.mkdir(parents=True, exist_ok=True)
            np.save(place / f"{case.case_id.replace('/', '__')}.npy", case.masks[fold] * np.float32(0.9))
    assert score(folder, tmp_path / "masks", tmp_path / "out") == 2
    assert "8 of 8 cases cannot be scored" in (error := capsys.readouterr().err) and "--threshold" in error
    assert score(folder, tmp_path / "masks", tmp_path / "out", "--threshold", "0.5", "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["samples"] == 3 and abs(result["scores"]["ged_3"]["mean"]) < 1e-12, "the annotators themselves"
    assert result["predictions"]["rule"] == "above 0.5"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--steps", "3"], "masks in files have no flow"),
        (["--samples", "9"], "fewer than 9 masks"),
        (["--split", "train"], "1 more"),
        (["--threshold", "1", "--argmax"], "--argmax"),
        (["--trained-on", "nowhere"], "no such store or file"),
    ],
)
def test_mistakes_are_told_in_one_line(folder, tmp_path, capsys, words: list[str], message: str) -> None:
    assert score(folder, folder / "npy", tmp_path / "out", *words) == 2
    assert message in capsys.readouterr().err.splitlines()[-1] and not (tmp_path / "out").exists()


def test_flags_of_masks_are_refused_of_a_model(folder, tmp_path, capsys) -> None:
    words = ["evaluate", str(folder / "run"), str(folder / "store"), "--allow-missing", "--out", str(tmp_path / "out")]
    assert main(words) == 2
    assert "--allow-missing: is of masks in files" in capsys.readouterr().err


def test_an_image_that_is_not_in_the_table_has_no_key(folder, tmp_path, capsys) -> None:
    Image.new("L", (16, 16)).save(tmp_path / "other.png")
    words = ["sample", str(folder / "run"), str(tmp_path / "other.png"), "--keys", str(folder / "export" / "cases.csv")]
    assert main([*words, "--out", str(tmp_path / "out")]) == 2
    assert "is not in" in capsys.readouterr().err
