"""A card of the first version becomes one of today."""

import json
from importlib import resources

from atfm.methods.atfm import ATFMConfig
from atfm.train.checkpoint import VERSION
from atfm.train.config import Config
from atfm.train.migration import migrated

OLD = {
    "version": 1,
    "method": "atfm",
    "config": {
        "preset": "lidc",
        "in_channels": None,
        "window": [64, 64],
        "gtr": {"rank": 3},
        "sfm": {"steps": 1},
        "stage1": {"steps": 5},
        "stage2": {"steps": 6},
        "stage3": {"steps": 7},
    },
    "patients": ["ab"],
    "training": {"stage": "energy", "step": 18},
}


def test_parts_become_a_method_and_numbered_stages_get_their_names() -> None:
    card = migrated(OLD)
    config = Config.model_validate_json(json.dumps(card["config"]))
    assert isinstance(config.method, ATFMConfig) and (config.method.gtr.rank, config.method.sfm.steps) == (3, 1)
    assert {name: plan.steps for name, plan in config.stages.items()} == {"gtr": 5, "sfm": 6, "energy": 7}
    assert (card["version"], card["training"], card["patients"]) == (VERSION, {"stage": "energy", "step": 18}, ["ab"])
    assert "gtr" in OLD["config"], "the card itself stays"  # type: ignore[operator]


def test_weights_of_stage_1_alone_stay_so() -> None:
    assert migrated(OLD | {"method": "gtr"})["training"]["stage"] == "gtr"


def test_a_card_of_today_is_left_as_it_is() -> None:
    card = migrated(OLD)
    assert migrated(card) == card


def test_the_shipped_cards_can_be_read() -> None:
    for file in (resources.files("atfm") / "weights").iterdir():
        if file.name.endswith(".json"):
            Config.model_validate_json(json.dumps(migrated(json.loads(file.read_text("utf-8")))["config"]))


def test_cards_of_lidc_learn_how_its_pictures_lie() -> None:
    """And only those: of other data nobody knows."""
    assert "orientation" not in migrated(OLD)
    for file in (resources.files("atfm") / "weights").iterdir():
        if file.name.endswith(".json"):
            assert migrated(json.loads(file.read_text("utf-8")))["orientation"] == "LPS"
    assert migrated(OLD | {"orientation": "RAS"})["orientation"] == "RAS"
