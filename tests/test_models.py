"""Names, folders and files become methods; what is broken is refused in one line."""

import json
from pathlib import Path

import pytest
import torch
from atfm.build import build

from atfm.errors import CheckpointError, ConfigError
from atfm.methods import ATFM, GTR
from atfm.models import load, publish, set_steps, shipped
from atfm.seeding import Noise
from atfm.train.config import Config, GTRConfig, SFMConfig

CONFIG = Config(
    gtr=GTRConfig(widths=(8,), rank=2, patch=2), sfm=SFMConfig(widths=(8,), patch=2, steps=2), window=(8, 8)
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    method = build(CONFIG, in_channels=1, channels=1, size=(16, 16)).eval()
    publish(tmp_path / "weights.safetensors", method, {"config": CONFIG.model_dump(mode="json"), "patients": ["ab"]})
    return tmp_path / "weights.safetensors"


def test_a_file_and_its_folder_give_the_same_method(file: Path) -> None:
    image = torch.rand(1, 1, 16, 16)
    drawn = [load(path).method.sample(image, 3, generator=Noise(0, ["a"])).masks for path in (file, file.parent)]
    assert torch.equal(*drawn)
    assert load(file).patients == {"ab"}
    assert not load(file).method.training


def test_a_run_in_stage_1_is_loaded_as_gtr(file: Path) -> None:
    stage1 = build(CONFIG, in_channels=1, channels=1, size=(16, 16)).truncation
    publish(file, stage1, {"config": CONFIG.model_dump(mode="json"), "patients": []})
    method = load(file).method
    assert isinstance(method, GTR)
    with pytest.raises(ConfigError, match="no flow"):
        set_steps(method, 3)


def test_steps_can_be_set(file: Path) -> None:
    method = load(file).method
    assert isinstance(method, ATFM)
    set_steps(method, 7)
    assert method.steps == 7
    with pytest.raises(ConfigError, match="at least 1, got 0"):
        set_steps(method, 0)


def test_what_cannot_be_found_is_said(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"expected a run folder, a .safetensors file or shipped weights"):
        load("nothing-of-this-name")
    with pytest.raises(CheckpointError, match=r"expected a run folder with weights.safetensors"):
        load(tmp_path)
    with pytest.raises(CheckpointError, match="cannot be read"):
        load(tmp_path / "missing.safetensors")


LIES: list[dict[str, object]] = [
    {"config": {"gtr": 1}},
    {"config": {"gtr": {"widths": [4096] * 12, "blocks": 64}}},  # of 10^11 weights
    {"config": {"gtr": {"widths": [8] * 6}, "window": [8, 8]}},  # halves the window until nothing is left
    {"size": [7, 7]},
    {"size": [8.0, 8.0]},
    {"size": [0, 0]},
    {"method": "gtr"},
    {"patients": 3},
    {"patients": [3]},
]


@pytest.mark.parametrize("change", LIES)
def test_a_card_that_does_not_fit_the_weights_is_refused(file: Path, change: dict[str, object]) -> None:
    card = json.loads(file.with_suffix(".json").read_text()) | change
    file.with_suffix(".json").write_text(json.dumps(card))
    with pytest.raises(CheckpointError, match="do not belong together") as error:
        load(file)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", shipped())
def test_shipped_weights_load_are_small_and_have_a_card(name: str) -> None:
    folder = Path(__file__).resolve().parents[1] / "src" / "atfm" / "weights"
    model = load(name)
    assert (folder / f"{name}.safetensors").stat().st_size < 20e6
    text = (folder / f"{name}.md").read_text()
    assert all(word in text for word in ("CC BY", "command", "must not"))
    drawn = model.method.sample(torch.rand(1, 1, *model.method.size), 4, generator=Noise(0, ["a"]))
    assert drawn.masks.shape[:2] == (1, 4)
    assert len(model.patients) > 0
