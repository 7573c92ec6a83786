"""Every preset becomes networks, of the published sizes where the paper has them; what does not fit is refused."""

import pytest
import torch

from atfm.data.geometry.rule import Fit
from atfm.errors import ConfigError
from atfm.methods import METHODS, StageConfig
from atfm.methods.atfm import ATFMConfig
from atfm.methods.gtr import GTRConfig
from atfm.train.config import Config, override
from atfm.train.presets import presets

PLAN = StageConfig()
OWN = Config(method=ATFMConfig(), stages=dict.fromkeys(("gtr", "sfm", "energy"), PLAN))


@pytest.mark.parametrize("name", [name for name in presets() if not name.startswith("paper")])
def test_presets_build_with_a_plan_for_every_stage(name: str) -> None:
    config = presets()[name]
    size = config.window or config.crop or ((32, 32) if config.phantom else config.images[1:])
    with torch.device("meta"):
        method = config.build(in_channels=1, channels=1, size=size)
    assert [stage.name for stage in method.stages()] == list(config.stages)
    assert method.accepts([2 * width for width in size]) == (config.crop is not None)


def test_every_method_tells_itself_apart_by_the_name_it_is_listed_under() -> None:
    for name, entry in METHODS.items():
        assert entry.config.model_fields["name"].default == name
        assert entry.presets and entry.about.endswith(".") and entry.reference


def test_the_paper_has_the_published_sizes() -> None:
    with torch.device("meta"):
        method = presets()["paper"].build(in_channels=1, channels=1, size=(128, 128))
        isic = presets()["paper-isic3"].build(in_channels=3, channels=1, size=(128, 128))
    gtr, flow = (sum(p.numel() for p in part.parameters()) for part in (method.truncation.network, method.network))
    assert gtr == pytest.approx(2.3e6, rel=0.1)
    assert flow == pytest.approx(38.5e6, rel=0.1)
    assert (method.steps, method.form, method.alpha, method.starts) == (25, "velocity", 1e-3, 1)
    assert (isic.alpha, isic.grey) == (1e-4, True)


def test_a_configuration_comes_back_from_its_json() -> None:
    for config in presets().values():
        assert Config.model_validate_json(config.model_dump_json()) == config


def test_runs_from_before_are_the_same_trainings_still() -> None:
    """What a run of before does not name says nothing where it is the default, so that the run goes on."""
    dumped = presets()["lidc"].model_dump(mode="json")
    assert not {"fit", "hold_out", "keep", "patience"} & dumped.keys() and "mirror" not in dumped["augment"]
    assert override(presets()["lidc"], {"hold_out": 2, "augment": {"mirror": True}}).model_dump()["hold_out"] == 2


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"window": [40, 40]}, "field 'window': expected at most"),
        ({"crop": [16, 16, 16]}, "field 'crop': expected 2 numbers and no window beside it"),
        ({"crop": [32, 32], "window": [16, 16]}, "field 'crop': expected 2 numbers and no window beside it"),
        ({"method": {"gtr": {"patch": 5}}}, "field 'method.gtr.patch': 5 does not divide"),
        ({"method": {"gtr": {"patch": 2}, "sfm": {"patch": 1}}}, "expected method.gtr.patch = 2"),
        ({"method": {"gtr": {"widths": [8] * 7}}}, "field 'method.gtr.widths': so many levels leave a single position"),
        ({"crop": [16, 16], "method": {"gtr": {"presence": {}}}}, "field 'presence'"),
        ({"stages": {"flow": {}}}, "field 'stages.flow': atfm has no such stage; did you mean 'sfm'"),
        ({"method": {"gtr": {"presence": {}}}}, "nothing is said of presence; steps = 0 leaves one out"),
        ({"method": {"name": "gtr"}}, "field 'stages.sfm': gtr has no such stage"),
    ],
)
def test_parts_that_do_not_fit_are_refused(fields: dict[str, object], message: str) -> None:
    config = override(OWN, fields)
    with pytest.raises(ConfigError) as error:
        config.build(in_channels=1, channels=1, size=(32, 32))
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"stages": {"gtr": {"learning_rate": 1}}}, "unknown field 'stages.gtr.learning_rate'; the nearest valid one"),
        ({"stages": {"gtr": {"lrr": 1e-3}}}, "the nearest valid one is 'stages."),
        (
            {"method": {"sfm": {"steps": "many"}}},
            "field 'method.sfm.steps': input should be a valid integer, got 'many'",
        ),
        ({"method": {"sfm": {"steps": 2.5}}}, "field 'method.sfm.steps': input should be a valid integer"),
        ({"method": {"sfm": {"form": "score"}}}, "field 'method.sfm.form': input should be 'velocity' or 'endpoint'"),
        (
            {"method": {"sfm": {"stepz": 1}}},
            "unknown field 'method.sfm.stepz'; the nearest valid one is 'method.sfm.steps'",
        ),
        ({"method": {"gtr": {"monte_carlo": 7}}}, "multiple of 2"),
        ({"method": {"gtr": 3}}, "field 'method.gtr'"),
        ({"method": {"name": "mose2"}}, "field 'method': expected the name of a method (analog-bits, atfm, "),
        ({"method": 3}, "field 'method': expected the name of a method"),
        ({"windo": [8, 8]}, "unknown field 'windo'; the nearest valid one is 'window'"),
        ({"stages": 3}, "field 'stages'"),
    ],
)
def test_mistakes_are_one_line_that_says_what_is_wanted(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        override(OWN, fields)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_fields_of_a_part_leave_its_other_fields_and_another_method_takes_nothing_over() -> None:
    config = override(OWN, {"method": {"gtr": {"rank": 3}}, "stages": {"gtr": {"lr": 0.5}}})
    assert config.method == ATFMConfig(gtr=GTRConfig(rank=3))
    assert config.stages == OWN.stages | {"gtr": PLAN.model_copy(update={"lr": 0.5})}
    other = override(OWN, {"method": {"name": "gtr", "rank": 3}})
    assert other.method == GTRConfig(rank=3)


def test_fit_is_one_of_three_and_unsaid_where_there_is_none() -> None:
    config = presets()["lidc"]
    assert "fit" not in config.model_dump(mode="json")
    fitted = override(config, {"fit": {"canvas": [96, 128]}})
    assert fitted.fit is not None and fitted.fit.rule() == Fit(canvas=(96, 128))
    assert Config.model_validate_json(fitted.model_dump_json()) == fitted
    spaced = override(config, {"fit": {"spacing": [0.7, 0.7]}})
    assert spaced.fit is not None and spaced.fit.rule((1.0, 2.0)) == Fit(spacing=(0.7, 0.7), usual=(1.0, 2.0))
    for wrong in ({"canvas": [96, 96], "step": [2.0, 2.0]}, {"canvas": [96]}, {}):
        with pytest.raises(ConfigError, match="field 'fit'"):
            override(config, {"fit": wrong})
