"""Names, folders and files become methods; what is broken is refused in one line."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from atfm.cli.main import main
from atfm.errors import AtfmWarning, CheckpointError, ConfigError
from atfm.methods import StageConfig
from atfm.methods.atfm import ATFM, ATFMConfig, SFMConfig
from atfm.methods.gtr import GTR, GTRConfig
from atfm.models import load, publish, shipped
from atfm.seeding import Noise
from atfm.train.checkpoint import load_pair, save_pair
from atfm.train.config import Config

CONFIG = Config(
    method=ATFMConfig(gtr=GTRConfig(widths=(8,), rank=2, patch=2), sfm=SFMConfig(widths=(8,), patch=2, steps=2)),
    stages=dict.fromkeys(("gtr", "sfm", "energy"), StageConfig()),
    window=(8, 8),
)


def card(stage: str) -> dict[str, object]:
    return {"config": CONFIG.model_dump(mode="json"), "patients": ["ab"], "training": {"stage": stage}}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    method = CONFIG.build(in_channels=1, channels=1, size=(16, 16)).eval()
    publish(tmp_path / "weights.safetensors", method, card("energy"))
    return tmp_path / "weights.safetensors"


def test_a_file_and_its_folder_give_the_same_method(file: Path) -> None:
    image = torch.rand(1, 1, 16, 16)
    drawn = [load(path).method.sample(image, 3, noise=Noise(0, ["a"])).masks for path in (file, file.parent)]
    assert torch.equal(*drawn)
    assert load(file).patients == {"ab"}
    assert isinstance(load(file).method, ATFM) and not load(file).method.training


def test_a_run_in_stage_1_is_loaded_as_gtr(file: Path) -> None:
    stage = CONFIG.build(in_channels=1, channels=1, size=(16, 16)).stages()[0]
    publish(file, stage.method, card(stage.name))
    method = load(file).method
    assert isinstance(method, GTR) and method.steps is None
    with pytest.raises(ConfigError, match="no flow"):
        method.with_steps(3)


def test_other_steps_share_the_weights_and_leave_the_model_as_it_is(file: Path) -> None:
    method = load(file).method
    other = method.with_steps(7)
    assert (other.steps, method.steps) == (7, 2)
    assert all(a is b for a, b in zip(other.parameters(), method.parameters(), strict=True))
    with pytest.raises(ConfigError, match="at least 1, got 0"):
        method.with_steps(0)


def test_what_cannot_be_found_is_said(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"expected a run folder, a .safetensors file or shipped weights"):
        load("nothing-of-this-name")
    with pytest.raises(CheckpointError, match=r"expected a run folder with weights.safetensors"):
        load(tmp_path)
    with pytest.raises(CheckpointError, match="no such file"):
        load(tmp_path / "missing.safetensors")


def changed(**fields: object) -> dict[str, object]:
    """A configuration whose method has other fields in its GTR."""
    config = CONFIG.model_dump(mode="json")
    config["method"]["gtr"] |= fields
    return config


LIES: list[dict[str, object]] = [
    {"config": {"gtr": 1}},
    {"config": CONFIG.model_dump(mode="json") | {"method": {"name": "of-tomorrow"}}},
    {"config": changed(widths=[4096] * 12, blocks=64)},  # of 10^11 weights
    {"config": changed(widths=[8] * 6)},  # halves the window until nothing is left
    {"config": CONFIG.model_dump(mode="json") | {"stages": {}}},
    {"size": [7, 7]},
    {"size": [8.0, 8.0]},
    {"size": [0, 0]},
    {"training": {"stage": "gtr"}},
    {"training": {"stage": "last"}},
    {"training": {}},
    {"patients": 3},
    {"patients": [3]},
]


@pytest.mark.parametrize("change", LIES, ids=range(len(LIES)))
def test_a_card_that_does_not_fit_the_weights_is_refused(file: Path, change: dict[str, object]) -> None:
    tensors, card = load_pair(file)
    save_pair(file, tensors, card | change)  # sealed: whoever can run this can seal a lie
    with pytest.raises(CheckpointError, match="do not belong together") as error:
        load(file)
    assert "\n" not in str(error.value)


def test_weights_that_are_not_finite_are_refused(file: Path) -> None:
    method = CONFIG.build(in_channels=1, channels=1, size=(16, 16))
    method.truncation.network.mean.bias.data[0] = float("nan")
    publish(file, method, card("energy"))
    with pytest.raises(CheckpointError, match=r"tensor truncation\..* is not finite; train it again"):
        load(file)


@pytest.mark.parametrize("name", shipped())
def test_shipped_weights_load_are_small_and_have_a_card(name: str) -> None:
    folder = Path(__file__).resolve().parents[1] / "src" / "atfm" / "weights"
    model = load(name)
    assert (folder / f"{name}.safetensors").stat().st_size < 20e6
    text = (folder / f"{name}.md").read_text()
    assert all(word in text for word in ("CC BY", "command", "must not"))
    drawn = model.method.sample(torch.rand(1, 1, *model.method.size), 4, noise=Noise(0, ["a"]))
    assert drawn.masks.shape[:2] == (1, 4)
    assert len(model.patients) > 0


def shipped_digest(name: str) -> str:
    folder = Path(__file__).resolve().parents[1] / "src" / "atfm" / "weights"
    return json.loads((folder / f"{name}.json").read_text())["sha256"]


def test_lidc_draws_the_masks_that_it_drew_when_it_was_shipped() -> None:
    """Of four simulated images, 8 masks each, seed 7."""
    kept = np.load(Path(__file__).parent / "golden" / "lidc.npz")
    shape = tuple(kept["shape"])
    masks = np.unpackbits(kept["masks"], count=int(np.prod(shape))).reshape(shape).astype(bool)
    image = torch.from_numpy(kept["images"])[:, None].float() / 255
    drawn = load("lidc").method.sample(image, 8, noise=Noise(7, [f"golden-{number}" for number in range(4)]))
    decided = (drawn.probabilities - 0.5).abs().numpy() > 1e-4  # rounding, of another processor, may decide the others
    assert masks.any() and np.array_equal(drawn.masks.numpy()[decided], masks[decided]) and decided.mean() > 0.9999
    probability = drawn.probabilities[:, :2, :, 44:84:4, 44:84:4].numpy()
    np.testing.assert_allclose(probability, kept["probability"], atol=1e-4)


def test_a_folder_named_like_shipped_weights_does_not_hide_them(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lidc").mkdir()
    (tmp_path / "lidc" / "weights.safetensors").write_bytes(b"another")
    with pytest.warns(AtfmWarning, match=r"lidc: taken for the shipped weights .* give \./lidc"):
        assert load("lidc").card["sha256"] == shipped_digest("lidc")
    for path in ("./lidc", str(tmp_path / "lidc"), Path("lidc")):
        with pytest.raises(CheckpointError, match=r"lidc.weights.json"):
            load(path)


def test_a_run_is_known_by_the_name_that_it_was_trained_under(file: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CheckpointError, match=r"`atfm train ccdm-phantom` trains that preset into runs/ccdm-phantom"):
        load("ccdm-phantom")
    shutil.copytree(file.parent, tmp_path / "runs" / "ccdm-phantom")
    assert load("ccdm-phantom").card == load(file).card and load("ccdm-phantom").name == "ccdm-phantom"
    with pytest.raises(CheckpointError, match=r"expected a run folder, a .safetensors file"):
        load("./ccdm-phantom")


def test_the_command_says_which_is_taken(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lidc").mkdir()
    np.save("a.npy", np.random.default_rng(0).integers(0, 256, (128, 128), np.uint8))
    assert main(["sample", "lidc", "a.npy", "--n", "1", "--json"]) == 0
    printed = capsys.readouterr()
    (told,) = json.loads(printed.out)["warnings"]
    assert told.startswith("lidc: taken for the shipped weights") and f"atfm: warning: {told}" in printed.err
    assert main(["sample", "./lidc", "a.npy", "--n", "1"]) == 2
    assert "expected a run folder" in capsys.readouterr().err
