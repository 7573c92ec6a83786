"""Every preset becomes networks, of the published sizes where the paper has them; parts that do not fit are refused."""

import pytest
from atfm.build import build

from atfm.errors import ConfigError
from atfm.train.config import Config, override
from atfm.train.presets import PRESETS


@pytest.mark.parametrize("name", [name for name in PRESETS if not name.startswith("paper")])
def test_presets_build(name: str) -> None:
    size = PRESETS[name].window or PRESETS[name].crop or (32, 32)
    method = build(PRESETS[name], in_channels=1, channels=1, size=size)
    assert method.stages()[1].name == "sfm"
    assert method.accepts([2 * width for width in size]) == (PRESETS[name].crop is not None)


def test_the_paper_has_the_published_sizes() -> None:
    method = build(PRESETS["paper"], in_channels=1, channels=1, size=(128, 128))
    gtr, flow = (sum(p.numel() for p in part.parameters()) for part in (method.truncation.network, method.network))
    assert gtr == pytest.approx(2.3e6, rel=0.1)
    assert flow == pytest.approx(38.5e6, rel=0.1)
    assert (method.steps, method.form, method.alpha, method.starts) == (25, "velocity", 1e-3, 1)
    isic = build(PRESETS["paper-isic3"], in_channels=3, channels=1, size=(128, 128))
    assert (isic.alpha, isic.grey) == (1e-4, True)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"window": (40, 40)}, "field 'window': expected at most"),
        ({"crop": (16, 16, 16)}, "field 'crop': expected 2 numbers and no window beside it"),
        ({"crop": (32, 32), "window": (16, 16)}, "field 'crop': expected 2 numbers and no window beside it"),
        ({"gtr": {"patch": 5}}, "does not divide"),
        ({"gtr": {"patch": 2}, "sfm": {"patch": 1}}, "expected gtr.patch = 2"),
    ],
)
def test_parts_that_do_not_fit_are_refused(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build(override(Config(), fields), in_channels=1, channels=1, size=(32, 32))
