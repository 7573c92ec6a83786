"""Parts that stay as they are do not move, not by a step, a decay, an average or a running statistic."""

from pathlib import Path

import pytest
import torch

from atfm.errors import ConfigError
from atfm.fit import Fitted, fit
from atfm.models import load
from atfm.train.cases import Cases
from atfm.train.config import Config, override
from atfm.train.presets import presets

TINY = {
    "method": {"gtr": {"widths": [8, 8], "monte_carlo": 4, "rank": 2, "dropout": 0.5},
               "sfm": {"widths": [8], "context_widths": [], "starts": 4, "steps": 2}},
    "stages": {"gtr": {"steps": 6, "batch": 4, "parts": 2, "warmup": 1, "weight_decay": 0.1},
               "sfm": {"steps": 3, "batch": 4, "warmup": 1}, "energy": {"steps": 0}},
    "save_every": 2, "validate_every": 50, "validate_cases": 2, "validate_samples": 2,
}  # fmt: skip
CPU = torch.device("cpu")
STEM = "truncation.network.stem"


def tiny(**fields: object) -> Config:
    return override(override(presets()["phantom"], TINY), fields)


def cases() -> Cases:
    from atfm.data.phantom.kinds import phantom_cases

    drawn = list(phantom_cases(0, 8, annotators=3))
    return Cases(drawn, [], {"name": "eight"}, [case.patient_id for case in drawn])


def trained(out: Path, config: Config, **more: object) -> Fitted:
    return fit(config, cases(), out, device=CPU, **more)  # type: ignore[arg-type]


def weights(out: Path) -> dict[str, torch.Tensor]:
    return load(out).method.state_dict()


def fresh(config: Config) -> dict[str, torch.Tensor]:
    torch.manual_seed(config.seed)
    return config.build(in_channels=1, channels=1, size=(32, 32)).state_dict()


def moved(run: Path, config: Config) -> set[str]:
    """The weights of GTR that are not what they were before the first step."""
    before, after = fresh(config), weights(run)
    gtr = {name: value for name, value in after.items() if name.startswith("truncation.")}
    return {name for name, value in gtr.items() if not torch.equal(value, before[name])}


def test_what_is_frozen_does_not_move_and_all_else_does(tmp_path: Path) -> None:
    config = tiny(stages={"gtr": {"freeze": [STEM, "truncation.network.down"]}})
    trained(tmp_path / "run", config)
    changed = moved(tmp_path / "run", config)
    assert changed and not any(name.startswith((STEM, "truncation.network.down")) for name in changed)


def test_a_frozen_training_goes_on_bit_for_bit_and_moves_when_its_time_comes(tmp_path: Path) -> None:
    config = tiny(stages={"gtr": {"freeze": [STEM], "freeze_steps": 3}})
    trained(tmp_path / "held", config, max_steps=3)
    held = load(tmp_path / "held").method.state_dict()
    name = "network.stem.weight"
    assert torch.equal(held[name], fresh(config)[f"truncation.{name}"])
    trained(tmp_path / "run", config)
    assert any(name.startswith(STEM) for name in moved(tmp_path / "run", config))
    for stop in (2, 3, 5):
        trained(tmp_path / f"stopped-{stop}", config, max_steps=stop)
        trained(tmp_path / f"stopped-{stop}", config)
        ours, theirs = weights(tmp_path / f"stopped-{stop}"), weights(tmp_path / "run")
        assert all(torch.equal(ours[key], theirs[key]) for key in ours)


@pytest.mark.parametrize(
    ("freeze", "message"),
    [
        (["truncation.network.stam"], "no weight of this stage begins with .* did you mean 'truncation.network.stem'"),
        (["truncation"], "leaves nothing of the stage to train"),
        (["taken"], "nothing was taken from another model"),
        (["network"], "no weight of this stage begins with 'network'"),  # the flow, which stage 1 does not train
    ],
)
def test_names_that_freeze_nothing_or_everything(tmp_path: Path, freeze: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        trained(tmp_path / "run", tiny(stages={"gtr": {"freeze": freeze}}))
    assert not (tmp_path / "run").exists()


def test_a_model_of_other_widths_gives_what_fits_and_that_stays_where_it_is_to(tmp_path: Path) -> None:
    trained(tmp_path / "first", tiny(seed=5))
    wider = tiny(method={"gtr": {"widths": [8, 12]}}, stages={"gtr": {"freeze": ["taken"]}})
    done = trained(tmp_path / "run", wider, start=tmp_path / "first")
    ours, theirs = weights(tmp_path / "run"), weights(tmp_path / "first")
    told = done.taken["from"]
    assert told["fresh"] and all("there" in why and "here" in why for why in told["fresh"].values())
    assert any(f"took {told['tensors']} of {len(ours)} tensors" in note and "fresh: " in note for note in done.notes)
    taken = [name for name in ours if name.startswith("truncation.") and name not in told["fresh"]]
    assert STEM + ".weight" in taken and all(torch.equal(ours[name], theirs[name]) for name in taken)
    card = load(tmp_path / "run").card
    assert card["taken_in_part"]["from"] == told and card["taken"]["from"]["name"] == str(tmp_path / "first")


def test_gtr_alone_begins_from_the_gtr_of_a_whole_method(tmp_path: Path) -> None:
    trained(tmp_path / "first", tiny(seed=5))
    gtr = override(
        presets()["gtr-phantom"], {"method": TINY["method"]["gtr"], "stages": {"gtr": {"steps": 1, "batch": 4}}}
    )  # type: ignore[index]
    done = trained(tmp_path / "run", gtr, start=tmp_path / "first")
    assert not done.taken["from"]["fresh"] and done.taken["from"]["unused"] == 0
    theirs = weights(tmp_path / "first")
    for name, value in weights(tmp_path / "run").items():
        assert torch.allclose(value, theirs[f"truncation.{name}"], atol=0.05)
