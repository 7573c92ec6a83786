"""`atfm card`: what may be edited is edited, recorded and sealed again; everything else is refused."""

import json
import shutil
from pathlib import Path

import pytest

from atfm.cli.main import main
from atfm.disk.lock import folder_lock
from atfm.errors import BusyError, CheckpointError
from atfm.methods import StageConfig
from atfm.methods.atfm import ATFMConfig, SFMConfig
from atfm.methods.gtr import GTRConfig
from atfm.models import edit, load, publish, shipped
from atfm.train.config import Config

CONFIG = Config(
    method=ATFMConfig(gtr=GTRConfig(widths=(8,), rank=2), sfm=SFMConfig(widths=(8,), steps=2)),
    stages=dict.fromkeys(("gtr", "sfm", "energy"), StageConfig()),
)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    method = CONFIG.build(in_channels=1, channels=1, size=(16, 16)).eval()
    card = {"config": CONFIG.model_dump(mode="json"), "patients": ["ab"], "training": {"stage": "energy"}}
    publish(tmp_path / "run" / "weights.safetensors", method, card)
    return tmp_path / "run"


def test_what_may_be_edited(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = load(run)
    words = ["--set", "temperature=1.25", "--set", "steps=7", "--set", "licence=CC BY 4.0", "--set", "notes=of ours"]
    assert main(["card", str(run), *words, "--json"]) == 0
    card = json.loads(capsys.readouterr().out)["card"]
    after = load(run)
    assert (after.method.steps, after.method.temperature) == (7, 1.25)
    assert (after.card["licence"], after.card["notes"], after.card) == ("CC BY 4.0", "of ours", card)
    assert after.card["sha256"] == before.card["sha256"] and after.patients == before.patients
    edits = [(entry["field"], entry["from"], entry["to"]) for entry in card["edits"]]
    assert edits == [
        ("method.sfm.temperature", 1.0, 1.25),
        ("method.sfm.steps", 2, 7),
        ("licence", None, "CC BY 4.0"),
        ("notes", None, "of ours"),
    ]
    assert all(entry["when"].endswith("Z") for entry in card["edits"])
    assert main(["card", str(run), *words]) == 0 and load(run).card == card  # what is so already is no edit
    assert main(["card", str(run), "--set", "notes=null", "--set", "method.sfm.solver=heun"]) == 0
    assert "notes" not in load(run).card and len(load(run).card["edits"]) == 6


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("patients=[]", "expected a field of a card that may be edited, which are name, licence, notes, method.gtr."),
        ("training.step=90", "what the weights were trained as stays as it was"),
        ("temperature=-1", "field 'method.sfm.temperature'"),
        ("temperature=hot", "field 'method.sfm.temperature'"),
        ("steps=0", "field 'method.sfm.steps'"),
        ("licence=3", "expected a text"),
        ("licence", "expected FIELD=VALUE"),
        ("=3", "expected FIELD=VALUE"),
    ],
)
def test_what_may_not_be_edited(run: Path, capsys: pytest.CaptureFixture[str], given: str, message: str) -> None:
    before = (run / "weights.safetensors").read_bytes()
    assert main(["card", str(run), "--set", given]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert (run / "weights.safetensors").read_bytes() == before


def test_an_edit_by_hand_is_refused_and_the_command_named(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A temperature of 9, an emptied list of patients."""
    file = run / "weights.json"
    card = json.loads(file.read_text())
    card["config"]["method"]["sfm"]["temperature"] = 9.0
    file.write_text(json.dumps(card | {"patients": []}))
    with pytest.raises(CheckpointError, match="edited or is damaged"):
        load(run)
    file.unlink()
    assert load(run).patients == {"ab"}


def test_nobody_edits_where_a_training_writes(run: Path) -> None:
    with folder_lock(run), pytest.raises(BusyError):
        edit(run / "weights.safetensors", {"notes": "mine"}, when="now")


@pytest.mark.parametrize("name", shipped())
def test_shipped_cards_are_sealed_by_the_command_and_their_tensors_stay(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    folder = Path(__file__).resolve().parents[2] / "src" / "atfm" / "weights"
    for suffix in (".safetensors", ".json"):
        shutil.copy(folder / f"{name}{suffix}", tmp_path)
    file = tmp_path / f"{name}.safetensors"
    before, was = load(file), file.read_bytes()
    assert main(["card", str(file), "--seal"]) == 0
    assert f"patients: {len(before.patients)}" in capsys.readouterr().out
    after = load(file)
    assert file.read_bytes() == was and after.card["sha256"] == before.card["sha256"] and "seal" in after.card
    assert after.card | {"seal": 0, "version": 0} == before.card | {"seal": 0, "version": 0}
    text = file.with_suffix(".json").read_text()
    file.with_suffix(".json").write_text(text.replace('"temperature": 1.2', '"temperature": 9.2'))
    with pytest.raises(CheckpointError, match=r"is not the card that was written|was edited or is damaged"):
        load(file)
