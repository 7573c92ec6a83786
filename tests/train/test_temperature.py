"""The temperature of least validation GED: found downhill, written into the card, and drawn by."""

from pathlib import Path

import pytest
import torch

from atfm.data.held import Held
from atfm.data.phantom.kinds import phantom_cases
from atfm.errors import ConfigError
from atfm.fit import fit
from atfm.methods import Frame
from atfm.methods.gtr import GTR, GTRConfig
from atfm.methods.unet import UNetConfig
from atfm.models import load
from atfm.seeding import Noise
from atfm.train import temperature
from atfm.train.cases import Cases
from atfm.train.config import Config, override
from atfm.train.presets import presets
from atfm.train.temperature import calibrated

CPU = torch.device("cpu")
FRAME = Frame(1, 1, (32, 32))
CASES = list(phantom_cases(0, 9, annotators=3))


def gtr(**fields: float) -> GTR:
    torch.manual_seed(0)
    return GTRConfig(widths=(4, 4), rank=2, monte_carlo=2, **fields).build(FRAME).eval()


def held() -> Held:
    return Held(CASES[:3], 1, CPU)


def test_a_temperature_scales_how_far_samples_lie_from_their_mean() -> None:
    image, noise = torch.rand(1, 1, 32, 32), Noise(0, ["a"])
    method = gtr()
    numbers = noise.draw(method.needs((32, 32)), 4, CPU)
    mean = method.network(image).mean.unsqueeze(1)
    drawn = [one(image, numbers).probabilities.logit() - mean for one in (method, method.with_temperature(2.0))]
    torch.testing.assert_close(drawn[1], 2 * drawn[0], rtol=1e-3, atol=1e-3)
    assert method.temperature == 1 and gtr(temperature=2.0).temperature == 2
    with pytest.raises(ConfigError, match="temperature: expected a number above 0, got 0"):
        method.with_temperature(0)
    with pytest.raises(ConfigError, match="draws from no normal"):
        UNetConfig(network={"widths": (4, 4)}).build(FRAME).with_temperature(1.2)  # type: ignore[arg-type]


@pytest.mark.parametrize(("least", "found", "tried"), [(1.0, 1.0, 3), (1.5, 1.44, 4), (0.6, 0.579, 6), (50.0, 2.99, 7)])
def test_it_is_found_downhill(monkeypatch, least: float, found: float, tried: int) -> None:
    """A score with one valley, scaled like the logarithm of the temperature: the nearest step to its bottom."""

    def scores(method: GTR, *rest: object, **more: object) -> list[dict[str, float]]:
        return [{"ged": abs(float(torch.tensor(method.temperature / least).log()))}, {}, {"ged": 1.0}]

    monkeypatch.setattr(temperature, "case_scores", scores)
    result = calibrated(gtr(), held(), 4, 0)
    assert result is not None and result.temperature == found and len(result.scores) == tried
    assert result.cases == 2 and result.before == 1
    assert min(result.scores.values()) == result.scores[found]
    assert ("stays" in str(result)) == (found == 1)


def test_a_method_without_a_normal_has_none() -> None:
    assert calibrated(UNetConfig(network={"widths": (4, 4)}).build(FRAME).eval(), held(), 2, 0) is None  # type: ignore[arg-type]


TINY = {
    "validate_cases": 3,
    "validate_samples": 4,
    "validate_every": 100,
    "calibrate": True,
    "stages": {name: {"steps": 2, "batch": 4, "warmup": 1} for name in ("gtr", "sfm", "energy")},
}


def run(out: Path, config: Config, **more: object) -> list[str]:
    cases = Cases(CASES[3:], CASES[:3], {"name": "nine"}, [case.patient_id for case in CASES[3:]])
    return fit(config, cases, out, device=CPU, **more).notes  # type: ignore[arg-type]


@pytest.mark.parametrize(("stage", "field"), [("energy", "method.sfm.temperature"), ("gtr", "method.gtr.temperature")])
def test_it_is_an_edit_of_the_card(tmp_path: Path, monkeypatch, stage: str, field: str) -> None:
    """Of whichever stage the weights are, once all is trained, and again the same; a longer training keeps it."""
    monkeypatch.setattr(
        temperature, "case_scores", lambda method, *_, **__: [{"ged": abs(method.temperature - 1.7)} for _ in range(3)]
    )
    config = override(presets()["phantom"], TINY)
    if stage == "gtr":
        config = override(config, {"stages": {"sfm": {"steps": 0}, "energy": {"steps": 0}}})
    assert not any("temperature" in note for note in run(tmp_path / "run", config, max_steps=1))
    (note,) = [note for note in run(tmp_path / "run", config) if "temperature" in note]
    assert note.startswith("temperature 1.73 in place of 1: GED 0.030, 0.700 before, on 3 validation cases")
    model = load(tmp_path / "run")
    assert model.card["training"]["stage"] == stage and model.method.temperature == 1.73
    (edit,) = model.card["edits"]
    assert (edit["field"], edit["from"], edit["to"]) == (field, 1.0, 1.73)
    (note,) = [note for note in run(tmp_path / "run", config) if "temperature" in note]
    assert "1.73 stays" in note and len(load(tmp_path / "run").card["edits"]) == 1


def test_without_it_nothing_is_edited(tmp_path: Path) -> None:
    run(tmp_path / "run", override(presets()["phantom"], TINY | {"calibrate": False}))
    assert "edits" not in load(tmp_path / "run").card
