"""`atfm baselines`: the plan with its method swapped, one table of all sets, gone on with where it was stopped."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from atfm.cli.main import main
from atfm.data.store import Store
from atfm.errors import ConfigError
from atfm.leaderboard import own, swapped
from atfm.methods.atfm import ATFMConfig
from atfm.models import load
from atfm.train.config import Config, override
from atfm.train.presets import presets

PLAN = override(
    presets()["phantom-presence"],
    {
        "patience": 2,
        "keep": "better",
        "calibrate": True,
        "augment": {"warp": 0.7},
        "method": {"gtr": {"widths": [8, 12], "dropout": 0.1, "energy": {}}},
    },
)


def test_the_method_is_swapped_and_all_else_stays() -> None:
    assert isinstance(PLAN.method, ATFMConfig)
    found = swapped(PLAN)
    assert [*found] == ["unet", "ensemble", "gtr", "hurdle"]
    for config in found.values():
        rest = {"method", "stages", "calibrate"}
        assert config.model_dump(exclude=rest) == PLAN.model_dump(exclude=rest)
        assert Config.model_validate_json(config.model_dump_json()) == config
        method = config.build(in_channels=1, channels=1, size=(32, 32))
        assert [stage.name for stage in method.stages()] == [*config.stages]
    unet, ensemble = found["unet"].method, found["ensemble"].method
    assert (unet.target, unet.test_time_dropout, unet.network.widths) == ("majority", False, (8, 12))
    assert (ensemble.members, ensemble.readers, ensemble.network) == (5, "one", unet.network)
    ours = PLAN.method.gtr
    assert ours.energy is not None and ours.presence is not None and PLAN.calibrate
    assert found["hurdle"].method == ours.model_copy(update={"energy": None})
    assert found["gtr"].method == ours.model_copy(update={"energy": None, "presence": None})
    assert [*found["hurdle"].stages] == ["presence", "gtr"] and [*found["gtr"].stages] == ["gtr"]
    assert not any(config.calibrate for config in found.values())
    plain = override(presets()["phantom"], {"preset": "own"})
    assert "hurdle" not in swapped(plain)
    assert found["unet"].stages["unet"] == PLAN.stages["gtr"]


def test_a_plan_of_another_method_is_refused() -> None:
    with pytest.raises(ConfigError, match="plan: expected atfm or gtr, got ssn"):
        swapped(presets()["ssn-phantom"])


QUICK = ["--budget", "3", "--minutes", "0.05", "--samples", "4", "--threads", "1", "--folds", "2"]


def board(out: Path, *words: str) -> int:
    stores = [str(out.parent / "store"), f"{out.parent / 'store'}:5"]
    return main(["baselines", *stores, "--out", str(out), *QUICK, *words])


@pytest.fixture(scope="module", autouse=True)
def small_plan() -> Iterator[None]:
    """What is planned has a room of its own: here it is small."""
    still = {"steps": 0}
    tiny = override(
        presets()["phantom"],
        {
            "method": {"gtr": {"widths": [4]}, "sfm": {"widths": [4], "context_widths": [4]}},
            "stages": {"gtr": {"batch": 2, "parts": 1}, "sfm": {"batch": 2, "parts": 1}, "energy": still},
            "validate_samples": 2,
        },
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(own, "plan", lambda view, **options: SimpleNamespace(config=tiny))
        yield


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("own")
    made = ["data", "import", "phantom", "--cases", "12", "--test-annotators", "3", "--out", str(folder / "store")]
    assert main(made) == 0
    assert board(folder / "out", "--shard", "1/4") == 0 and not (folder / "out" / "baselines.md").exists()
    return folder / "out"


def test_one_table_of_all_sets_is_gone_on_with(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    planned = (out / "on-store" / "rows.json").read_bytes()
    first = {file: file.stat().st_mtime_ns for file in out.rglob("weights.safetensors")}
    assert board(out, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert {file: file.stat().st_mtime_ns for file in first} == first and first
    assert (out / "on-store" / "rows.json").read_bytes() == planned
    assert [*told["boards"]] == ["store", "store, 5 patients"]
    for lines in (told["boards"]["store"]["lines"], told["boards"]["store, 5 patients"]["lines"]):
        named = {line["label"]: line for line in lines if line["kind"] == "method"}
        assert [*named] == ["unet", "ensemble", "gtr", "atfm"]
        assert (
            named["unet"]["difference"].keys() == {"ged", "hm_iou_4", "dice_of_mean"}
            and not named["atfm"]["difference"]
        )
        ged = named["gtr"]["scores"]["ged"]["mean"] - named["atfm"]["scores"]["ged"]["mean"]
        assert named["gtr"]["difference"]["ged"]["mean"] == pytest.approx(ged)
    rows = list(csv.DictReader((out / "baselines.csv").read_text().splitlines()))
    assert [(row["set"], row["method"], row["scored_by"]) for row in rows[:5]] == [
        *(("store", name, "2 folds") for name in ("unet", "ensemble", "gtr", "atfm")),
        ("store, 5 patients", "unet", "test"),
    ]
    assert rows[4]["train_patients"] == "5" and rows[0]["scored_patients"] == "12"
    assert len(told["verdicts"]) == 2 and "in GED atfm (" in told["verdicts"][0]
    assert "than ensemble by" in told["verdicts"][0].partition("In Dice of the mean it is ")[2]


def test_the_trainings_are_what_they_say(out: Path) -> None:
    runs = {run.name.partition("-seed-")[0]: run for run in (out / "on-store-5" / "runs").iterdir() if run.is_dir()}
    for label, run in runs.items():
        card = load(run).card
        assert card["data"]["patients"] == 5 and len(card["patients"]) == 5, label
    store = Store.open(out.parent / "store")
    whole = {run.name.partition("-seed-")[0]: run for run in (out / "on-store" / "runs").iterdir() if run.is_dir()}
    assert len(load(whole["unet"] / "fold-1").card["patients"]) < len(store.patients())


def test_mistakes_are_one_line(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = str(out.parent / "store")
    for words, message in (
        ([f"{store}:many"], "expected STORE, or STORE:PATIENTS"),
        ([f"{store}:900"], "900 patients of the split train: expected 1 to"),
        ([store, store], "is given twice"),
        ([store, "--methods", "ccdm"], "--methods ccdm: store has no such row; expected some of unet, ensemble, gtr"),
    ):
        assert main(["baselines", *words, "--out", str(out), *QUICK]) == 2
        told = capsys.readouterr().err
        assert message in told.splitlines()[-1]
