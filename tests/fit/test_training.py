"""A run folder from a configuration and cases; what it is about is tested with the command, in `tests/cli`."""

import json
from pathlib import Path

import torch

from atfm.fit import fit
from atfm.methods import StageConfig
from atfm.methods.gtr import GTRConfig
from atfm.models import load
from atfm.train.cases import from_phantom
from atfm.train.config import Config

CONFIG = Config(
    method=GTRConfig(widths=(8,), rank=2),
    stages={"gtr": StageConfig(steps=2, batch=2)},
    validate_cases=2,
    validate_samples=2,
)


def test_what_is_seen_is_no_part_of_what_makes_two_trainings_the_same(tmp_path: Path) -> None:
    for _ in range(2):  # the second finds the first complete
        done = fit(CONFIG, from_phantom(CONFIG, cases=4), tmp_path / "run", device=torch.device("cpu"))
    assert done.steps == done.total
    assert set(json.loads((tmp_path / "run" / "config.json").read_text())) == {"config", "data", "seal"}
    assert load(tmp_path / "run").card["training_images"]["modality"] == "simulated"
    assert load(tmp_path / "run").card["orientation"] == "none"


def test_what_few_patients_can_show_is_said_where_a_choice_is_made_by_them(tmp_path: Path) -> None:
    for name, config in (("kept", CONFIG), ("chosen", CONFIG.model_copy(update={"keep": "better"}))):
        done = fit(config, from_phantom(config, cases=4), tmp_path / name, device=torch.device("cpu"))
        assert any("patients to validate on" in note for note in done.notes) == (name == "chosen")
