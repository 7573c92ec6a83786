"""What is written is TOML that says the same, with its comments."""

import tomllib

from atfm.plan.toml import as_toml

FIELDS = {
    "preset": "own",
    "seed": 3,
    "keep": True,
    "fit": {"canvas": [128, 96]},
    "stages": {"gtr": {"lr": 2e-05, "name": 'Zürich "x" \\ \n'}, "sfm": {"steps": 0}},
}


def test_fields_come_back() -> None:
    assert tomllib.loads(as_toml(FIELDS, {})) == FIELDS


def test_comments_stand_before_their_fields() -> None:
    text = as_toml(FIELDS, {"fit.canvas": "whole images", "stages.gtr": "word " * 40}, ["A plan\nof two lines"])
    lines = text.splitlines()
    assert lines[0] == "# A plan of two lines"
    assert lines[lines.index("canvas = [128, 96]") - 1] == "# whole images"
    assert lines[lines.index("[stages.gtr]") - 1].startswith("# word word") and max(map(len, lines)) <= 112
    assert "[stages]" not in lines
    assert tomllib.loads(text) == FIELDS
