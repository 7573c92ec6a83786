"""`atfm sample`: its flags, its result for machines and people, its warnings, and a line for every mistake."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from atfm.cli.main import main
from atfm.data.ood.recorder import Recorder
from atfm.data.phantom.kinds import phantom_cases
from atfm.methods.atfm.config import ATFMConfig, SFMConfig
from atfm.methods.config import StageConfig
from atfm.methods.gtr.config import GTRConfig
from atfm.models import publish
from atfm.predict import Prepared
from atfm.predict.sample import sample_prepared
from atfm.train.config import Config

METHOD = ATFMConfig(gtr=GTRConfig(widths=(8,), rank=2), sfm=SFMConfig(widths=(8,), steps=2))
CONFIG = Config(method=METHOD, stages={name: StageConfig(steps=1) for name in ("gtr", "sfm", "energy")})


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained model of 32 x 32 images whose card says that it was trained on phantoms."""
    recorder = Recorder()
    for _ in recorder.watch(phantom_cases(0, 100)):
        pass
    card = {
        "config": CONFIG.model_dump(mode="json"),
        "patients": [],
        "training": {"stage": "energy"},
        "training_images": recorder.training_images("simulated").model_dump(mode="json"),
        "intensity": {"kind": "byte"},
    }
    path = tmp_path_factory.mktemp("model") / "weights.safetensors"
    publish(path, CONFIG.build(in_channels=1, channels=1, size=(32, 32)).eval(), card)
    return path


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    stack = np.stack([case.image[0] for case in phantom_cases(1, 5)])
    np.save(tmp_path / "volume.npy", stack)
    return tmp_path / "volume.npy"


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    status = main(["sample", *map(str, words)])
    output = capsys.readouterr()
    return status, output.out, output.err


def test_json_holds_hypotheses_and_warnings_and_stderr_says_them(capsys, model: Path, tmp_path: Path) -> None:
    (case,) = phantom_cases(2, 1)
    for name, pixels in (("like", case.image[0]), ("unlike", 1 - case.image[0])):
        Image.fromarray(np.rint(pixels * 255).astype(np.uint8)).save(tmp_path / f"{name}.png")
    paths = [tmp_path / "like.png", tmp_path / "unlike.png"]
    status, out, err = run(capsys, model, *paths, "--n", "4", "--out", tmp_path / "out", "--json")
    assert status == 0
    like, unlike = json.loads(out)["images"]
    assert like["warnings"] == []
    assert "intensity histogram" in unlike["warnings"][0]
    assert err.count("\n") == len(unlike["warnings"])
    assert all(line.startswith(f"atfm: warning: {paths[1]}: ") for line in err.splitlines())
    for entry in (like, unlike):
        assert sum(one["probability"] for one in entry["hypotheses"]) == pytest.approx(1)
        assert all((Path(entry["out"]) / one["file"]).exists() for one in entry["hypotheses"])


def test_a_person_reads_the_hypotheses(capsys, model: Path, tmp_path: Path, volume: Path) -> None:
    status, out, _ = run(capsys, model, volume, "--slice", "2", "--n", "3", "--out", tmp_path / "out")
    assert status == 0
    first, *lines = out.splitlines()
    assert "3 masks of" in first
    assert len(lines) >= 1 and "% (" in lines[0] and lines[0].endswith("hypothesis-1.png")


@pytest.mark.parametrize(
    ("flags", "wanted"),
    [
        (["--slices", "all"], [0, 1, 2, 3, 4]),
        (["--slices", "1,3-4"], [1, 3, 4]),
        (["--slice", "4", "--slice", "0"], [0, 4]),
    ],
)
def test_slices(capsys, model: Path, tmp_path: Path, volume: Path, flags: list[str], wanted: list[int]) -> None:
    status, out, _ = run(capsys, model, volume, *flags, "--n", "2", "--out", tmp_path / "out", "--json")
    assert status == 0
    entry = json.loads(out)["images"][0]
    assert entry["slices"] == wanted
    assert np.load(Path(entry["out"]) / entry["files"]["samples"]).shape == (2, len(wanted), 32, 32)


def test_points_have_a_folder_each(capsys, model: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "scan.npy", np.random.default_rng(0).integers(0, 256, (5, 70, 80), np.uint8))
    words = (model, tmp_path / "scan.npy", "--at", "40", "30", "2", "--at", "20", "50", "4", "--n", "3")
    status, out, _ = run(capsys, *words, "--out", tmp_path / "out", "--json")
    assert status == 0
    first, second = json.loads(out)["images"]
    assert (first["at"], first["slices"], second["at"]) == ([40, 30, 2], [2], [20, 50, 4])
    assert Path(second["out"]) == tmp_path / "out" / "scan" / "at-20-50-4"
    mask = np.asarray(Image.open(Path(first["out"]) / first["files"]["masks"][0]))
    assert mask.shape == (70, 80) and not mask[:, :24].any() and not mask[:14].any()
    status, out, _ = run(capsys, *words, "--out", tmp_path / "out")
    assert status == 0 and out.count("scan.npy at ") == 2


def test_the_noise_belongs_to_a_key_that_can_be_named(capsys, model: Path, tmp_path: Path) -> None:
    (case,) = phantom_cases(3, 1)
    areas = []
    for name, flags in (("a", []), ("b", []), ("c", ["--key", "a"])):
        Image.fromarray(np.rint(case.image[0] * 255).astype(np.uint8)).save(tmp_path / f"{name}.png")
        words = (model, tmp_path / f"{name}.png", "--n", "4", "--out", tmp_path / "out", "--json")
        areas.append(json.loads(run(capsys, *words, *flags)[1])["images"][0]["areas"])
    assert areas[0] == areas[2] != areas[1]


def test_steps_of_the_solver(capsys, model: Path, tmp_path: Path, volume: Path) -> None:
    words = (model, volume, "--slice", "1", "--n", "2", "--out", tmp_path / "out")
    status, out, _ = run(capsys, *words, "--steps", "5", "--json")
    assert (status, json.loads(out)["images"][0]["steps"]) == (0, 5)
    status, _, err = run(capsys, *words, "--steps", "0")
    assert status == 2 and "steps: expected a whole number, at least 1, got 0" in err


def test_a_window_of_negative_numbers(capsys, model: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "ct.npy", np.linspace(-1000, 1000, 1024).reshape(32, 32).astype(np.int16))
    words = (model, tmp_path / "ct.npy", "--n", "2", "--out", tmp_path / "out")
    status, out, _ = run(capsys, *words, "--window", "-1000", "400", "--json")
    assert (status, json.loads(out)["images"][0]["intensity"]) == (0, "window -1000 to 400")
    status, _, err = run(capsys, *words)
    assert status == 2 and "give --window LO HI" in err and err.count("\n") == 1


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ([], "a volume of 5 slices, and a model of single ones"),
        (["--slice", "5"], "slice 5: expected 0 to 4"),
        (["--slices", "x"], "slices: expected all, or numbers and ranges"),
        (["--slices", "all", "--format", "dicom-seg"], "has to be a DICOM"),
        (["--slices", "all", "--fractional"], "--fractional is of --format dicom-seg"),
        (["--slices", "all", "--series", "1.2"], "this is no DICOM"),
        (["--slices", "all", "--window", "3", "3"], "--window: expected a lower and a higher value"),
        (["--slices", "all", "--n", "0"], "at least 1 sample, got 0"),
        (["--at", "9", "9", "5"], "point 9 9 5: expected a pixel of the image, 0 to 31 x 0 to 31 x 0 to 4"),
        (["--at", "9", "9"], "expected X Y Z, whole numbers of a pixel, got 9 9"),
        (["--at-mm", "-9", "9", "5"], "it does not say where it lies"),
    ],
)
def test_a_mistake_is_one_line(capsys, model: Path, tmp_path: Path, volume: Path, flags, message: str) -> None:
    status, out, err = run(capsys, model, volume, *flags, "--out", tmp_path / "out")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert message in err


def test_images_that_cannot_be_used_are_one_line(capsys, model: Path, tmp_path: Path) -> None:
    Image.new("L", (20, 40)).save(tmp_path / "small.png")
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").write_text("hello")
    tiff = tmp_path / "deep.tif"
    Image.fromarray(np.full((32, 32), 70000, np.int32)).save(tiff)
    for path, message in (
        (tmp_path / "small.png", "expected an image of 32 x 32 pixels"),
        (tmp_path / "empty", "an empty folder"),
        (tmp_path / "text", "unknown extension"),
        (tmp_path / "nowhere.png", "no such file"),
        (tiff, "int32 values 70000 to 70000"),
    ):
        status, out, err = run(capsys, model, path, "--out", tmp_path / "out")
        assert (status, out, err.count("\n")) == (2, "", 1), err
        assert message in err


def test_an_output_that_cannot_be_written_is_one_line(capsys, model: Path, tmp_path: Path, volume: Path) -> None:
    (tmp_path / "file").write_text("")
    status, _, err = run(capsys, model, volume, "--slice", "0", "--out", tmp_path / "file" / "out")
    assert (status, err.count("\n")) == (2, 1)
    assert "a part of the path is a file" in err


def test_two_images_of_one_name_are_refused(capsys, model: Path, tmp_path: Path) -> None:
    status, _, err = run(capsys, model, tmp_path / "a.png", tmp_path / "a.npy")
    assert status == 2 and "two images of this name" in err


@pytest.mark.parametrize("name", ["..png", "...png"])
def test_a_name_of_dots_stays_below_out(capsys, model: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "in").mkdir()
    Image.fromarray(np.zeros((32, 32), np.uint8)).save(tmp_path / "in" / name, format="PNG")
    out = tmp_path / "deep" / "out"
    status, printed, _ = run(capsys, model, tmp_path / "in" / name, "--n", "2", "--out", out, "--json")
    assert status == 0 and json.loads(printed)["images"][0]["out"] == str(out / name)
    assert [entry.name for entry in tmp_path.joinpath("deep").iterdir()] == ["out"]
    assert [entry.name for entry in out.iterdir()] == [name]


def test_another_result_is_not_replaced_without_a_word(capsys, model: Path, tmp_path: Path) -> None:
    for name, value in (("a", 10), ("b", 200)):
        (tmp_path / name).mkdir()
        Image.fromarray(np.full((32, 32), value, np.uint8)).save(tmp_path / name / "x.png")
    words = (model, tmp_path / "a" / "x.png", "--out", tmp_path / "out")
    assert run(capsys, *words, "--n", "3")[0] == 0
    files = {file.name: file.read_bytes() for file in (tmp_path / "out" / "x").iterdir()}
    assert run(capsys, *words, "--n", "3")[0] == 0  # the same command again
    assert {file.name: file.read_bytes() for file in (tmp_path / "out" / "x").iterdir()} == files
    for other, told in (
        ((*words, "--n", "3", "--seed", "1"), "seed 0, not 1"),
        ((*words, "--n", "2"), "n 3, not 2"),
        ((*words, "--n", "3", "--format", "npy"), "format png, not npy"),
        ((*words, "--n", "3", "--steps", "3"), "steps None, not 3"),
        (("lidc", tmp_path / "a" / "x.png", "--at", "5", "5", "--out", tmp_path / "out", "--n", "3"), None),
        ((model, tmp_path / "b" / "x.png", "--out", tmp_path / "out", "--n", "3"), "image "),
    ):
        status, _, err = run(capsys, *other)
        if told is None:  # a point has a folder of its own
            assert status == 0
            continue
        assert status == 2 and told in err and "--overwrite" in err and err.count("\n") == 1
    left = {file.name: file.read_bytes() for file in (tmp_path / "out" / "x").iterdir() if file.is_file()}
    assert left == files
    assert run(capsys, *words, "--n", "2", "--seed", "1", "--overwrite")[0] == 0
    names = {file.name for file in (tmp_path / "out" / "x").iterdir() if file.is_file()}
    assert names == set(files) - {"mask-002.png"} | {f"hypothesis-{k}.png" for k in (1, 2)} & names
    assert (tmp_path / "out" / "x" / "at-5-5" / "sample.json").exists()


def test_a_command_that_was_stopped_goes_on(capsys, model: Path, tmp_path: Path, monkeypatch) -> None:
    """What is there and whole is not drawn again."""
    for name in "ab":
        Image.fromarray(np.full((32, 32), 50, np.uint8)).save(tmp_path / f"{name}.png")
    words = (model, tmp_path / "a.png", tmp_path / "b.png", "--n", "2", "--out", tmp_path / "out", "--json")
    first = json.loads(run(capsys, *words)[1])
    (tmp_path / "out" / "b" / "overlay.png").unlink()
    drawn: list[str] = []
    usual = sample_prepared

    def counted(model: object, prepared: Prepared, *args: object, **more: object) -> object:
        drawn.append(prepared.key)
        return usual(model, prepared, *args, **more)

    monkeypatch.setattr(sys.modules["atfm.predict.sample"], "sample_prepared", counted)
    assert json.loads(run(capsys, *words)[1]) == first and drawn == ["b"]
    assert run(capsys, *words, "--overwrite")[0] == 0 and drawn == ["b", "a", "b"]


def test_a_planted_link_is_not_followed(capsys, model: Path, tmp_path: Path) -> None:
    (tmp_path / "victim").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "x").symlink_to(tmp_path / "victim")
    Image.fromarray(np.zeros((32, 32), np.uint8)).save(tmp_path / "x.png")
    status, _, err = run(capsys, model, tmp_path / "x.png", "--out", tmp_path / "out", "--n", "2")
    assert status == 2 and "a link to" in err and not list((tmp_path / "victim").iterdir())


def test_an_unknown_format_names_those_there_are(capsys, model: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["sample", str(model), "x.png", "--format", "rtstrct"])
    assert stopped.value.code == 2 and "did you mean 'rtstruct'?" in capsys.readouterr().err
