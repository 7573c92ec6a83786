"""Presets are complete; what overrides them is checked, and a mistake names the nearest field."""

from pathlib import Path

import pytest

from atfm.errors import ConfigError
from atfm.train.config import AugmentConfig
from atfm.train.presets import presets, resolve


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("own.toml", 'preset = "phantom"\n[stages.gtr]\nlr = 0.5\n'),
        ("own.json", '{"preset": "phantom", "stages": {"gtr": {"lr": 0.5}}}'),
    ],
)
def test_a_file_overrides_its_preset(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    config = resolve(str(tmp_path / name))
    assert config.stages["gtr"].lr == 0.5
    assert config.stages["sfm"] == presets()["phantom"].stages["sfm"]


OWN = """
preset = "own"
window = [16, 16]
[method]
name = "gtr"
widths = [8, 8]
[stages.gtr]
steps = 3
"""


def test_a_file_may_stand_by_itself(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text(OWN)
    config = resolve(str(tmp_path / "own.toml"))
    assert (config.method.name, config.window, config.stages.keys()) == ("gtr", (16, 16), {"gtr"})
    assert config.augment == AugmentConfig() and config.phantom is None and config.preset == "own"


@pytest.mark.parametrize(
    ("line", "other", "message"),
    [
        ('name = "gtr"', 'name = "grt"', "name of a method"),
        ("[method]", "[metod]", "expected the field 'method', since it starts from no preset"),
        ("[stages.gtr]", "[stage.gtr]", "expected the field 'stages'"),
        ("steps = 3", "step = 3", "unknown field 'stages.gtr.step'"),
        ("widths = [8, 8]", "width = [8, 8]", "the nearest valid one is 'method.widths'"),
    ],
)
def test_what_stands_by_itself_has_to_be_whole(tmp_path: Path, line: str, other: str, message: str) -> None:
    (tmp_path / "own.toml").write_text(OWN.replace(line, other))
    with pytest.raises(ConfigError, match=message):
        resolve(str(tmp_path / "own.toml"))


def test_unknown_presets_and_broken_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean phantom"):
        resolve("fantom")
    with pytest.raises(ConfigError, match="cannot be read"):
        resolve(str(tmp_path / "missing.toml"))
    (tmp_path / "broken.toml").write_text("a = = 1")
    with pytest.raises(ConfigError, match="cannot be read"):
        resolve(str(tmp_path / "broken.toml"))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.json", '{"seed": ' + "[" * 30000, "cannot be read"),
        ("a.json", '{"seed": ' + "9" * 5000 + "}", "cannot be read"),
        ("a.json", '{"stages": {"gtr": {"lr": NaN}}}', "finite number"),
        ("a.json", '{"preset": ["lidc"]}', "preset .* is unknown"),
        ("a.json", "[1]", "expected fields with values"),
        ("a.json", '{"method": {"gtr": {"blocks": "a\\nb"}}}', "field 'method.gtr.blocks'"),
        ("a.json", '{"method": {"name": "gone"}}', "name of a method"),
        ("a.json", '{"seed": "' + "a" * 10**5 + '"}', "expected at most 65536 bytes"),
        ("a.toml", "seed = " + "[" * 30000, "cannot be read"),
        ("a.toml", "seed = 0x" + "f" * 60000, "digits|seed"),
        ("a.toml", "[stages.gtr]\nlr = inf", "finite number"),
        ("a.toml", 'preset = "a\\u2028b"', "preset"),
        ("a.toml", "a" * 60000 + " = 1", "unknown field"),
    ],
)
def test_hostile_files_are_refused_in_one_short_line(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError, match=message) as error:
        resolve(str(tmp_path / name))
    line = str(error.value)
    assert len(line.splitlines()) == 1 and len(line) < 600 + len(str(tmp_path))
