"""Presets are complete; what overrides them is checked, and a mistake names the nearest field."""

from pathlib import Path

import pytest

from atfm.errors import ConfigError
from atfm.train.config import Config, override
from atfm.train.presets import PRESETS, resolve


@pytest.mark.parametrize(
    ("name", "text"),
    [("own.toml", 'preset = "phantom"\n[stage1]\nlr = 0.5\n'), ("own.yaml", "preset: phantom\nstage1:\n  lr: 0.5\n")],
)
def test_a_file_overrides_its_preset(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    config = resolve(str(tmp_path / name))
    assert config.stage1.lr == 0.5
    assert config.stage2 == PRESETS["phantom"].stage2


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"stage1": {"learning_rate": 1}}, "unknown field 'stage1.learning_rate'; the nearest valid one is 'stage1."),
        ({"stage1": {"lrr": 1e-3}}, "the nearest valid one is 'stage1.lr'"),
        ({"sfm": {"steps": "many"}}, "field 'sfm.steps': input should be a valid integer, got 'many'"),
        ({"sfm": {"steps": 2.5}}, "field 'sfm.steps': input should be a valid integer"),
        ({"sfm": {"form": "score"}}, "field 'sfm.form': input should be 'velocity' or 'endpoint', got 'score'"),
        ({"gtr": {"monte_carlo": 7}}, "multiple of 2"),
        ({"gtr": 3}, "field 'gtr'"),
    ],
)
def test_mistakes_are_one_line_that_says_what_is_wanted(fields: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as error:
        override(Config(), fields)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_unknown_presets_and_broken_files(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="did you mean phantom"):
        resolve("fantom")
    with pytest.raises(ConfigError, match="cannot be read"):
        resolve(str(tmp_path / "missing.toml"))
    (tmp_path / "broken.toml").write_text("a = = 1")
    with pytest.raises(ConfigError, match="cannot be read"):
        resolve(str(tmp_path / "broken.toml"))


LAUGHS = "a0: &a0 [lol]\n" + "\n".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 10))
MERGES = "a0: &a0 {x: 1}\n" + "\n".join(f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 9)}]}}" for i in range(1, 10))


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.yaml", LAUGHS, "more than 10000 values"),
        ("a.yaml", MERGES, "merges fields by <<"),
        ("a.yaml", "window: &a [*a]", "more than 10000 values"),
        ("a.yaml", "seed: " + "[" * 9000, "cannot be read"),
        ("a.yaml", "seed: 2001-99-99", "cannot be read"),
        ("a.yaml", "seed: !!python/object/apply:os.system [exit]", "cannot be read"),
        ("a.yaml", "seed: " + "9" * 5000, "cannot be read"),
        ("a.yaml", "1: 2", "names of fields to be text"),
        ("a.yaml", "preset: [lidc]", "preset .* is unknown"),
        ("a.yaml", 'gtr: {blocks: "a\\nb"}', "field 'gtr.blocks'"),
        ("a.yaml", "seed: " + "a" * 10**5, "expected at most 65536 bytes"),
        ("a.toml", "seed = " + "[" * 30000, "cannot be read"),
        ("a.toml", "seed = 0x" + "f" * 60000, "digits|seed"),
        ("a.toml", "[stage1]\nlr = inf", "finite number"),
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
